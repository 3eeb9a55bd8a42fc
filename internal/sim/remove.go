package sim

import (
	"strings"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// Removal takes a rule away, to see whether that is noticed. The zero Removal takes nothing away. The rules of an endpoint are
// taken away by its Config, which nothing but a test may (internal/house_test.go); those of Run, by what the simulator does in its place.
type Removal struct {
	Name string
	// Outside says that only histories outside of the assumptions can miss it.
	Outside bool
	// Rules are the endpoint's, or the core's.
	Rules failover.Rules
	// AckFirst, AcknowledgeFirst and GiftFirst let answers to clients, answers to the other server, and what gives addresses to it
	// leave before what they rest on is durable.
	AckFirst, AcknowledgeFirst, GiftFirst bool
	// AnyConnection says what was decided for one connection on the next.
	AnyConnection bool
	// TellFailed tells what was decided on a commit that failed.
	TellFailed bool
	// TrustRot goes on with a damaged store as if it were whole.
	TrustRot bool
	// Against is a rare fault that the rule is there for: it takes the place of crashes in the histories that are to miss the rule.
	Against Kind
	// WallClock has a process count time from whatever the wall clock shows at its start.
	WallClock bool
	// Group are the rules of the machine that keeps versions.
	Group group.Rules
	// FollowsAlways has every version taken for newer than what was told; OwnEnvironment answers every client as this server's own.
	FollowsAlways, OwnEnvironment bool
	// BranchReserves keeps addresses for whom the latest version says, PendingAtOnce goes by its MCLT, whether the other has it or not.
	BranchReserves, PendingAtOnce bool
	// ForgetRecord keeps nothing of the relationship on disk.
	ForgetRecord bool
}

// Draw draws a history that is to miss the rule.
func (r *Removal) Draw(seed uint64) *Plan {
	p := Draw(seed, r.Outside)
	for i := range p.Actions {
		if a := &p.Actions[i]; r.Against != 0 && a.Kind == Crash {
			a.Kind = r.Against
		}
	}
	return p
}

// Removals are the rules that are taken away, each of which must be missed.
func Removals() []Removal {
	rs := []Removal{
		{Name: "commit before ACK", AckFirst: true},
		{Name: "commit before BNDACK", AcknowledgeFirst: true},
		{Name: "commit before a gift is sent", GiftFirst: true},
		{Name: "what was decided for one connection is not said on the next", AnyConnection: true},
		{Name: "what was decided on a commit that failed is told to nobody", TellFailed: true},
		{Name: "a damaged store is recovered from the partner", TrustRot: true, Against: Rot},
		{Name: "a clock never goes back behind the store", WallClock: true},
		{Name: "the relationship is kept on disk", ForgetRecord: true},
	}
	for _, r := range [...]struct{ rule, name string }{
		{"clamp", "no promise beyond what both know and the MCLT"}, {"clamp-in-partner-down", "nor in PARTNER-DOWN"},
		{"wait-since", "reuse waits from when the partner was known not to serve"}, {"wait-potential", "and from what the partner was told"},
		{"wait-acked", "and from what both know"}, {"wait-mclt", "for the MCLT"}, {"guard", "and the guard"},
		{"owner", "only its owner gives a free address away"}, {"recover", "a lost store is recovered before it serves"},
		{"recover-wait", "and waits until forgotten promises are over"}, {"startup", "a start is silent"},
		{"free-acked", "nothing is free without an acknowledgement"}, {"latest-ack", "only the latest update's acknowledgement counts"},
		{"drain", "PARTNER-DOWN ends when the partner knows all"},
		{"active-wins", "of two concurrent records the lease wins"}, {"vector", "a record that was heard before changes nothing"},
		{"ceded", "an end that was told or acknowledged leaves no claim"}, {"sent-first", "that an end is told is on disk before"},
		{"shares-seen", "a gift that was heard before gives nothing"}, {"forgotten", "a server that lost its store takes nothing back"},
		{"roused", "a partner that was heard again may serve"}, {"openings", "a store that went back is found by its openings"},
		{"past", "who had an address before is told, too"}, {"last-word", "a merged lease ends when the later one does"},
		{"standstill", "who stood still begins anew"},
	} {
		rules, ok := failover.RuleNamed(r.rule)
		if !ok {
			panic("there is no rule " + r.rule)
		}
		rs = append(rs, Removal{Name: r.name, Rules: rules, Outside: r.rule == "past"}) // inside, nobody had it who is unknown to one
	}
	return rs
}

// RemovalNamed returns the removal whose name holds text; false if none does.
func RemovalNamed(text string) (Removal, bool) {
	for _, r := range Removals() {
		if strings.Contains(r.Name, text) {
			return r, true
		}
	}
	return Removal{}, false
}

// first reports whether a message to the other server leaves before it is durable.
func (r *Removal) first(m failover.Message) bool {
	switch m.(type) {
	case failover.BindingAck:
		return r.AcknowledgeFirst
	case failover.BindingUpdate:
		return r.GiftFirst
	}
	return false
}

// relationship returns a relationship without what is taken away.
func (r *Removal) relationship(cfg failover.Config) failover.Config {
	cfg.Without = r.Rules
	return cfg
}
