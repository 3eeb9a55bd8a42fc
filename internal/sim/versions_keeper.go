package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/group"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// keeper keeps the versions of the configuration for one member: around the real group.Machine it does what node's keeper does. What
// a step says is made durable, adopted and told one after the other, with time between them in which the process can end.
type keeper struct {
	m   *Member
	rng *rand.Rand

	text string           // of its file
	file *config.Document // as it was read last

	machine *group.Machine
	history *version.History
	stored  group.State
	heads   heads

	failed bool // the last step could not be made durable

	tasks []func() // what waits for the step that is carried out
	busy  bool
	lost  bool // the link is declared lost, as the core's endpoint says
	knows bool // the same, as the machine was told

	link  groupEnd
	faith fidelity
	clear clearance
	doom  stage // when the process ends next, by a fault that waits for it
}

// heads is what a member serves by. Without a head nobody is served.
type heads struct {
	head, agreed version.ID
	settled      version.ID
	unsettled    node.Unsettled
	document     *config.Document // in force
	policy       *policy.Policy
	agreedPolicy *policy.Policy // nil: nothing that safety stands on waits
	changes      bool
	gone         []binding.Digest // versions that are lost
	since        time.Duration    // when the policy was adopted
	earlier      *policy.Policy
}

// stage is how far a step has been carried out.
type stage int

const (
	_ stage = iota
	stageStored
	stageAdopted
	stageTold
	stages
)

func newKeeper(m *Member) *keeper {
	return &keeper{m: m, rng: m.w.chances(chancesOfKeeper, m.i), text: m.w.firstText(m.name)}
}

// read makes the machine from what the store has. The file has no say yet.
func (k *keeper) read(st *store.Store) (*policy.Policy, error) {
	k.tasks, k.busy, k.failed, k.lost, k.knows, k.link, k.heads, k.clear = nil, false, false, false, false, groupEnd{}, heads{}, clearance{}
	k.file = k.parse(k.text)
	if err := k.reopen(st); err != nil {
		return nil, err
	}
	if !k.stored.Head.IsZero() {
		if err := k.compile(); err != nil {
			return nil, err
		}
	}
	return k.policyOrFile(), nil
}

// parse reads a text as this member's.
func (k *keeper) parse(text string) *config.Document {
	d, problems := config.Parse("lessor.yaml", []byte(text))
	if d == nil {
		panic(fmt.Sprint("a file of the simulation is wrong: ", problems, "\n", text))
	}
	return k.asThis(d)
}

func (k *keeper) asThis(d *config.Document) *config.Document {
	own := *d
	own.Server = config.Server{Name: k.m.name}
	return own.As(k.m.name)
}

func (k *keeper) reopen(st *store.Store) (err error) {
	h, state, err := node.ReadVersions(st)
	if err != nil {
		return err
	}
	k.history, k.stored = h, state
	k.m.w.chain.read(k.m, h, &state)
	k.machine, err = group.New(group.Config{Self: k.m.name, Partner: k.m.other().name, History: h, State: state, Load: k.load, Without: k.m.w.without.Group})
	return err
}

// load returns a version with its document from the store.
func (k *keeper) load(id version.ID) *version.Version {
	b, ok, err := k.m.store.Version(id)
	if err != nil || !ok {
		return nil
	}
	v, err := version.Decode(b)
	if err != nil {
		return nil
	}
	return v
}

// document returns a version as this server reads it.
func (k *keeper) document(id version.ID) (*config.Document, error) {
	if d := k.m.w.chain.documents[id]; d != nil {
		return k.asThis(d), nil
	}
	return nil, fmt.Errorf("version %s is nowhere", id.Short())
}

// begin takes what the file says at the start, and founds the group where that is this server's to do. It returns why it cannot.
func (k *keeper) begin() error {
	if k.m.recovered.VersionsLost { // they come from the other one
		k.m.w.marks.hit(MarkVersionsLost)
	}
	out, err := k.machine.File(k.file, version.ID{}, k.by("file"))
	if err2 := k.atOnce(&out); err2 != nil { // it goes on by what it has; the file is refused
		k.m.w.logf("%s: its file cannot be kept: %v", k.m.name, err2)
		k.m.w.marks.hit(MarkVersionsNotKept)
		if err2 := k.again(); err2 != nil {
			return err2
		}
	}
	if err != nil {
		k.m.w.logf("%s: its file: %v", k.m.name, err)
	}
	if k.machine.State.Tip.IsZero() && k.m.founded() {
		if out, err = k.machine.Found(); err != nil {
			return err
		}
		return k.atOnce(&out)
	}
	return nil
}

// founded reports whether the group was founded on this server.
func (m *Member) founded() bool { return m.i == 0 && m.stores == 1 && m.w.set.Founder && !m.rotten }

// policyOrFile returns the policy of the head, or what the file's would be, by which nobody is served.
func (k *keeper) policyOrFile() *policy.Policy {
	if k.heads.policy != nil {
		return k.heads.policy
	}
	return policy.Compile(k.file)
}

func (k *keeper) by(author string) version.By {
	return version.By{Author: author, Member: k.m.name, Time: k.m.clk.now()}
}

// do has a step carried out when those before it are; while the store is opened anew it waits.
func (k *keeper) do(step func() group.Output) {
	k.tasks = append(k.tasks, func() {
		out := step()
		k.carryOut(&out)
	})
	k.next()
}

func (k *keeper) next() {
	if k.busy || len(k.tasks) == 0 || !k.m.up {
		return
	}
	if k.m.opening || k.m.core == nil {
		k.busy = true
		k.m.later(time.Second, func() { k.busy = false; k.next() })
		return
	}
	task := k.tasks[0]
	k.tasks = k.tasks[1:]
	k.busy = true
	task()
}

func (k *keeper) done() {
	k.busy = false
	k.next()
}

// atOnce carries a step out while the server begins: there is nobody to tell yet.
func (k *keeper) atOnce(out *group.Output) error {
	k.history = k.machine.History
	if err := k.keep(out); err != nil {
		return err
	}
	return k.compile()
}

// carryOut does what a step says, in its order.
func (k *keeper) carryOut(out *group.Output) {
	k.history = k.machine.History
	wait := time.Duration(0)
	if len(out.Store) > 0 || out.State != k.stored {
		wait = k.syncTime()
	}
	k.soon(wait, func() { k.put(out) })
}

// soon goes on with a step after a while.
func (k *keeper) soon(wait time.Duration, do func()) {
	if wait == 0 {
		do()
		return
	}
	k.m.later(wait, func() { k.unless(do) })
}

// unless goes on unless the store is being opened anew: then it waits.
func (k *keeper) unless(do func()) {
	if k.m.opening || k.m.core == nil {
		k.m.later(time.Second, func() { k.unless(do) })
		return
	}
	do()
}

// syncTime is how long a sync takes, by chances of the keeper's own.
func (k *keeper) syncTime() time.Duration {
	if slow := k.m.faults.slow; slow > 0 && !k.m.w.quiet() {
		return uniform(k.rng, time.Millisecond, slow)
	}
	return uniform(k.rng, 200*time.Microsecond, 8*time.Millisecond)
}

func (k *keeper) put(out *group.Output) {
	if err := k.keep(out); err != nil {
		k.m.w.logf("%s: its versions cannot be kept: %v", k.m.name, err)
		k.m.w.marks.hit(MarkVersionsNotKept)
		if c := k.link.conn; c != nil {
			k.link = groupEnd{}
			k.m.w.group.close(k.m, c, "the versions cannot be kept")
		}
		k.failed = true
		if err := k.again(); err != nil {
			k.m.w.logf("%s: nor read: %v", k.m.name, err)
		}
		k.m.later(k.beat(), k.afterFailure)
		k.done()
		return
	}
	k.failed = false
	if k.descends(out.Store); k.m.opening || k.m.core == nil {
		k.unless(func() { k.adopt(out) })
		return
	}
	if k.reached(stageStored) {
		return
	}
	k.soon(uniform(k.rng, 0, 2*time.Millisecond), func() { k.adopt(out) })
}

// descends has the core know from where new versions come.
func (k *keeper) descends(added []*version.Version) {
	var all []node.Descendant
	for _, v := range added {
		all = append(all, node.DescendantOf(v))
	}
	if len(all) > 0 {
		k.m.handle(node.Descent{Versions: all})
	}
}

// again makes the machine anew after a step that was not kept (node.keeper.again).
func (k *keeper) again() error {
	was := k.machine
	if err := k.reopen(k.m.store); err != nil {
		return err
	}
	k.machine.SameFile(was)
	return nil
}

// afterFailure is the next pulse after a step that was not kept.
func (k *keeper) afterFailure() {
	k.do(func() group.Output {
		if !k.failed {
			return k.nothing()
		}
		if k.again() != nil {
			k.m.later(k.beat(), k.afterFailure)
			return k.nothing()
		}
		k.failed = false
		return k.machine.LinkChanged(node.GroupLink(k.link.conn != nil, k.knows))
	})
}

// keep makes durable what a step says is to be.
func (k *keeper) keep(out *group.Output) error {
	k.m.w.chain.made(k.m, out.Store)
	if len(out.Store) == 0 && out.State == k.stored {
		return nil
	}
	records := make([]store.VersionRecord, len(out.Store))
	for i, v := range out.Store {
		records[i] = store.VersionRecord{ID: v.ID(), Bytes: v.Append(nil)}
	}
	if err := k.m.store.PutVersions(records, out.State.Append(nil)); err != nil {
		return err
	}
	if h := out.State.Head; h != k.stored.Head && !h.IsZero() {
		k.m.w.chain.decided(k.m, h, !out.State.Rival.IsZero())
	}
	k.stored = out.State
	for _, v := range out.Store {
		k.m.w.chain.stored[k.m.i][v.ID()] = true
		k.history.Release(v.ID())
	}
	k.m.w.logf("%s: head %s, tip %s, agreed %s, settled %s, rival %s", k.m.name, k.m.w.chain.name(k.stored.Head), k.m.w.chain.name(k.stored.Tip), k.m.w.chain.name(k.stored.Agreed), k.m.w.chain.name(k.stored.Settled), k.m.w.chain.name(k.stored.Rival))
	return nil
}

func (k *keeper) adopt(out *group.Output) {
	if err := k.serveHead(); err != nil {
		k.m.w.fail("I6: %s cannot serve by %s: %v", k.m.name, k.m.w.chain.name(k.stored.Head), err)
		return
	}
	if k.reached(stageAdopted) {
		return
	}
	k.soon(uniform(k.rng, 0, 2*time.Millisecond), func() {
		for _, msg := range out.Send {
			k.say(msg)
		}
		if out.Close != nil {
			k.m.w.fail("I6: %s refuses what %s says of the configuration: %v", k.m.name, k.m.other().name, out.Close)
		}
		if !k.reached(stageTold) {
			k.done()
		}
	})
}

// reached lets a fault happen that waits for this stage; true if the process has ended.
func (k *keeper) reached(s stage) bool {
	if k.doom != s {
		return false
	}
	k.doom = 0
	w, run := k.m.w, k.m.run
	if w.calm {
		return false
	}
	w.marks.hit(MarkDoomed)
	w.carryOut(Action{At: w.now, Kind: one(k.rng, Crash, Kill), Who: k.m.i, For: uniform(k.rng, time.Second, time.Hour), N: 50})
	return k.m.run != run || !k.m.up
}

// serveHead has the core serve by the machine's head, if it does not yet.
func (k *keeper) serveHead() error {
	s, h := k.stored, &k.heads
	changes := s.Tip != s.Head || !s.Rival.IsZero()
	if s.Head.IsZero() || s.Head == h.head && s.Agreed == h.agreed && s.Settled == h.settled && changes == h.changes && slices.Equal(node.LostVersions(k.machine), h.gone) {
		return nil
	}
	was := *h
	if err := k.compile(); err != nil {
		return err
	}
	m := k.m
	if was.policy != h.policy || was.agreed != h.agreed || was.settled != h.settled || m.core.Agreed() != h.agreedPolicy {
		m.handle(node.Adopt{Policy: h.policy, Agreed: h.agreedPolicy, Unsettled: h.unsettled})
	}
	m.handle(node.Changing{On: h.changes})
	if m.opening || m.core == nil {
		return nil
	}
	if was.policy == nil {
		m.join(m.recovered)
		m.handle(node.Tick{})
		m.w.link.attempt()
		return nil
	}
	if m.core.Endpoint() != nil {
		m.relation = m.relationship()
		m.handle(&node.Partner{Event: failover.Reconfigured{Config: m.relation}})
		m.handle(&node.Partner{Event: failover.PoolsChanged{}})
	}
	return nil
}

// compile makes what is served by from what is stored.
func (k *keeper) compile() error {
	s, h := k.stored, &k.heads
	if s.Head.IsZero() {
		return nil
	}
	head, err := k.document(s.Head)
	if err != nil {
		return err
	}
	agreed := head
	if !s.Agreed.IsZero() && s.Agreed != s.Head {
		if agreed, err = k.document(s.Agreed); err != nil {
			return err
		}
	}
	adopts := h.head != s.Head
	h.changes = s.Tip != s.Head || !s.Rival.IsZero()
	if adopts || h.policy == nil {
		h.earlier, h.since = h.policy, k.m.w.now
		h.policy = k.m.w.without.policyOf(k, s.Head, head)
	}
	if gone := node.LostVersions(k.machine); !slices.Equal(gone, h.gone) || adopts && len(gone) > 0 {
		k.m.w.chain.lost(k.m, gone)
		h.policy, h.gone = h.policy.WithLost(gone), gone
	}
	h.head, h.agreed, h.settled, h.unsettled = s.Head, s.Agreed, s.Settled, node.Unsettled{}
	if s.Settled != s.Agreed {
		settled, err := k.document(s.Settled)
		if err != nil {
			return err
		}
		h.unsettled = node.UnsettledOf(settled, agreed, binding.Digest(s.Agreed))
		k.m.w.marks.hit(MarkUnsettled)
	}
	h.agreedPolicy = node.AgreedPolicy(k.history, s.Agreed, agreed, head)
	h.document = node.InForce(head, agreed)
	if k.m.w.without.PendingAtOnce {
		h.document = head
	}
	if k.m.w.without.BranchReserves {
		h.agreedPolicy = nil
	}
	if adopts {
		k.m.w.chain.adopted(k.m, s.Head)
		if err := k.keepHead(); err != nil { // the versions themselves are durable
			k.m.w.logf("%s: no copy of its head is kept: %v", k.m.name, err)
		}
	}
	return nil
}

// keepHead keeps a copy of the head beside the versions.
func (k *keeper) keepHead() error {
	p := k.heads.policy
	if head, ok := k.m.store.Head(); ok && head.Digest == p.Version {
		return nil
	}
	return k.m.store.SetHead(store.HeadRecord{Digest: p.Version, Since: k.m.clk.now(), Document: p.Document.Source})
}

// relationship returns the relationship that the head describes.
func (m *Member) relationship() failover.Config {
	id, _ := m.store.ID()
	cfg, ok := node.VersionedRelationshipOf(m.keep.heads.document, m.keep.heads.policy, m.keep.history.Root(), id, m.w.set.Seed)
	if !ok {
		panic("the configuration of the simulation has no group")
	}
	return m.w.without.relationship(cfg)
}

// declare notes whether this server has declared the link lost; its machine hears of it a little later.
func (k *keeper) declare() {
	e := k.m.core.Endpoint()
	if e == nil {
		return
	}
	lost := node.IsDeclaredLost(e.State())
	if k.lost == lost {
		return
	}
	k.lost = lost
	k.m.later(uniform(k.rng, time.Microsecond, 5*time.Millisecond), func() {
		k.do(func() group.Output {
			if k.lost && !k.knows {
				return k.dropped("the link is declared lost")
			}
			return k.nothing()
		})
		k.do(func() group.Output {
			k.knows = k.lost
			return k.machine.LinkChanged(node.GroupLink(k.link.conn != nil, k.knows))
		})
	})
}

// clears has the machine know, a little later, that all is told of what held before (node.Core.Clears).
func (k *keeper) clears() {
	agreed, alone, ok := k.m.core.Clears(k.m.clk.now())
	if is := (clearance{agreed, alone, ok}); is != k.clear {
		k.clear = is
		k.m.later(uniform(k.rng, time.Microsecond, 5*time.Millisecond), func() { k.do(k.clearAgain) })
	}
}

// clearance is what Core.Clears returned.
type clearance struct {
	agreed    binding.Digest
	alone, ok bool
}

// clearAgain tells the machine what is known now, as a pulse does.
func (k *keeper) clearAgain() group.Output {
	c, s := k.clear, &k.machine.State
	if !c.ok || s.Settled == s.Agreed || binding.Digest(s.Agreed) != c.agreed {
		return k.nothing()
	}
	return k.machine.Clear(s.Agreed, c.alone)
}

// change has an operator's change made here.
func (k *keeper) change(what string, step func() (group.Output, error)) {
	k.do(func() group.Output {
		out, err := step()
		var stale *group.StaleError
		switch {
		case errors.As(err, &stale):
			k.m.w.marks.hit(MarkStaleRefused)
			k.m.w.logf("%s: %s is refused: %v", k.m.name, what, err)
		case err != nil:
			k.m.w.marks.hit(MarkChangeRefused)
			k.m.w.logf("%s: %s is refused: %v", k.m.name, what, err)
		default:
			k.m.w.logf("%s: %s", k.m.name, what)
		}
		return out
	})
}
