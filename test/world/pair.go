package world

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// Pair is two servers, west and east, that share their addresses. Each is on a segment of clients of its own, which a cable
// joins, and they talk to each other over another cable. Both cables can be cut.
type Pair struct {
	*World
	// West is the primary.
	West, East *Member
	// Trunk joins the segments of the clients, Link the two servers.
	Trunk, Link Cable
}

// Cable can be cut, and be healed. Nobody at its ends loses the carrier.
type Cable interface {
	Cut()
	Heal()
}

// Member is one of the two servers.
type Member struct {
	*Lessor
	Host *Namespace
	// Address is where clients reach it.
	Address netip.Addr
	// Segment is where its clients are; Clients and Peer are its ports there and towards the other server.
	Segment       *Segment
	Clients, Peer *Port
	link          *Segment
	nowhere       *Segment
}

// PairSetup is how two servers are set up. Zero values have the defaults named.
type PairSetup struct {
	MCLT  time.Duration // 30 s
	Lease time.Duration // 60 s
	Pool  string        // 10.1.16.0-10.1.31.255, of 10.1.0.0/16
	Guard time.Duration // 5 s
	// Receive is the receive timer: Receive. Where nobody is to lose the other one it is longer, so that a machine that is robbed of its
	// processors for some seconds does not make them.
	Receive time.Duration
	// Failover are further keys of `group: failover`, and More further lines of the document.
	Failover, More string
	// Segments and Link are the wires instead of plain cables, where there are such faults to be.
	Segments, Link *Faults
	Seed           uint64
	// Alone means that nobody is waited for, and nobody started.
	Alone bool
}

// Receive is the receive timer of a Pair that is told no other: after so long a silence the other server counts as lost, and one that
// stands still for so long begins anew. Calm is one for pairs in which neither is to happen, below what a connection has for its first
// message.
const (
	Receive = 5 * time.Second
	Calm    = 12 * time.Second
)

func (s *PairSetup) document() string {
	pick := func(d, otherwise time.Duration) time.Duration {
		if d == 0 {
			return otherwise
		}
		return d
	}
	pool := s.Pool
	if pool == "" {
		pool = "10.1.16.0-10.1.31.255"
	}
	more := s.Failover
	if more != "" {
		more = ", " + more
	}
	return fmt.Sprintf(`
group:
  name: campus
  members: {west: {peer: 10.9.0.1:647}, east: {peer: 10.9.0.2:647}}
  failover: {mclt: %v, guard: %v, receive-timer: %v, startup: 1s, reconnect: 500ms%s}
enterprise: {lease: {default: %v, min: 5s, max: 24h}, authoritative: true, conflict-probe: 0s}
networks: {plant: {subnets: {10.1.0.0/16: {options: {routers: [10.1.0.1]}, pools: [{range: %s}]}}}}
%s`, pick(s.MCLT, 30*time.Second), pick(s.Guard, 5*time.Second), pick(s.Receive, Receive), more, pick(s.Lease, time.Minute), pool, s.More)
}

// Pair makes two servers and what they are plugged into, gives them keys of one authority, starts them, and waits until
// both serve as a pair.
func (w *World) Pair(s PairSetup) *Pair {
	w.t.Helper()
	p := &Pair{World: w}
	p.West = w.member("west", "10.1.0.1", "10.9.0.1/24")
	p.East = w.member("east", "10.1.0.2", "10.9.0.2/24")
	cable := func(a, b *Segment, f *Faults, seed uint64) Cable {
		if f == nil {
			return w.Trunk(a, b)
		}
		return w.Wire(a, b, seed, *f)
	}
	p.Trunk = cable(p.West.Segment, p.East.Segment, s.Segments, s.Seed)
	p.Link = cable(p.West.link, p.East.link, s.Link, s.Seed+1)
	p.found(s)
	if !s.Alone {
		p.West.Begin(true)
		p.East.Begin(true)
		p.Normal(30 * time.Second)
	}
	return p
}

// Third makes a machine beside the two, on their networks, on which no server was ever started. Its file says what document does.
func (p *Pair) Third(name, address, peer, document string) *Member {
	p.t.Helper()
	m := p.member(name, address, peer)
	p.World.Trunk(p.West.Segment, m.Segment)
	p.World.Trunk(p.West.link, m.link)
	m.Lessor = &Lessor{host: m.Host, Data: p.Path(name + ".data"), conf: p.Path(name + ".yaml")}
	m.Configure(Setup{Document: document, Interfaces: []string{"eth0"}})
	return m
}

// Both are the two servers, the primary first.
func (p *Pair) Both() [2]*Member { return [2]*Member{p.West, p.East} }

// Other is the server that m is not.
func (p *Pair) Other(m *Member) *Member {
	if m == p.West {
		return p.East
	}
	return p.West
}

func (w *World) member(name, address, peer string) *Member {
	w.t.Helper()
	m := &Member{Host: w.Host(name), Address: netip.MustParseAddr(address), Segment: w.Segment(), link: w.Segment(), nowhere: w.Segment()}
	m.Clients = m.Segment.Attach(m.Host, "eth0", address+"/16")
	m.Peer = m.link.Attach(m.Host, "peer0", peer)
	m.Host.Plain("eth0")
	m.Host.Plain("peer0")
	return m
}

// found writes both configurations, and keys into both data directories.
func (p *Pair) found(s PairSetup) {
	p.t.Helper()
	authority, err := keys.NewAuthority("campus", time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range p.Both() {
		m.Lessor = &Lessor{host: m.Host, Data: p.Path(m.Host.Role + ".data"), conf: p.Path(m.Host.Role + ".yaml")}
		m.Configure(Setup{Document: s.document(), Interfaces: []string{"eth0"}})
		if err := os.Mkdir(m.Data, 0o700); err != nil {
			p.t.Fatal(err)
		}
		if err := authority.Export(keys.In(m.Data), binding.Member(m.Host.Role), time.Now()); err != nil {
			p.t.Fatal(err)
		}
	}
}

// Isolate takes the server off all its networks without a word: nothing that it sends arrives, not even that it is gone,
// and it notices nothing but silence. Rejoin puts it back.
func (m *Member) Isolate() {
	m.Clients.Move(m.nowhere)
	m.Peer.Move(m.nowhere)
}

// Rejoin ends Isolate and HideFromClients.
func (m *Member) Rejoin() {
	m.Clients.Move(m.Segment)
	m.Peer.Move(m.link)
}

// HideFromClients takes the server off the clients' segment only.
func (m *Member) HideFromClients() { m.Clients.Move(m.nowhere) }

// Pull takes the power from the server: first its cables go, so that nothing of its end reaches anybody, then it does.
func (m *Member) Pull() {
	m.Isolate()
	m.Kill()
}

// Freeze stops the process as the pause of a virtual machine does, and Thaw lets it go on.
func (m *Member) Freeze() { m.Signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (m *Member) Thaw() { m.Signal(syscall.SIGCONT) }

// WithoutARP makes both servers reach the clients of a prefix by frames to everybody. A town has more addresses than the
// kernel's table of neighbours holds, which is one for all namespaces; once it is full, what is sent to others is lost.
func (p *Pair) WithoutARP(clients string) {
	p.t.Helper()
	for _, m := range p.Both() {
		m.Host.IP("neigh", "add", "10.1.255.254", "lladdr", "ff:ff:ff:ff:ff:ff", "dev", "eth0", "nud", "permanent")
		m.Host.IP("route", "add", clients, "via", "10.1.255.254", "dev", "eth0")
	}
}

// Partnership is what `lessor status --json` says of the other server, as far as the tests look.
type Partnership struct {
	Partner          string    `json:"partner"`
	Role             string    `json:"role"`
	State            string    `json:"state"`
	Cause            string    `json:"cause"`
	PartnerState     string    `json:"partner_state"`
	Unacked          int       `json:"unacked"`
	Connected        bool      `json:"connected"`
	Waiting          string    `json:"waiting"`
	Trouble          string    `json:"trouble"`
	WaitUntil        time.Time `json:"wait_until"`
	PartnerShareFrom time.Time `json:"partner_share_from"`
	PartnerSilent    bool      `json:"partner_silent"`
	Conflicts        []any     `json:"conflicts"`
	RefusedUpdates   []any     `json:"refused_updates"`
	Rejected         int       `json:"rejected"`
}

// String tells it in a line.
func (p Partnership) String() string {
	return fmt.Sprintf("%s, partner %s, connected %v, unacked %d, cause %q, waiting %q, trouble %q", p.State, p.PartnerState,
		p.Connected, p.Unacked, p.Cause, p.Waiting, p.Trouble)
}

// Relation asks a server how it stands with the other one. The error is for one that does not answer.
func (m *Member) Relation() (Partnership, error) {
	out, err := exec.Command(Binary, "status", "--json", "--socket", m.Socket()).CombinedOutput()
	if err != nil {
		return Partnership{}, fmt.Errorf("lessor status: %w: %s", err, out)
	}
	var s struct {
		Partners []Partnership `json:"partners"`
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return Partnership{}, fmt.Errorf("lessor status: %w: %s", err, out)
	}
	if len(s.Partners) != 1 {
		return Partnership{}, fmt.Errorf("%s has %d partners", m.Host.Role, len(s.Partners))
	}
	return s.Partners[0], nil
}

// Becomes waits until the server is in one of the states.
func (m *Member) Becomes(d time.Duration, states ...string) Partnership {
	m.w.t.Helper()
	var last Partnership
	var err error
	m.until(d, func() bool {
		last, err = m.Relation()
		for _, s := range states {
			if err == nil && last.State == s {
				return true
			}
		}
		return false
	}, func() string {
		return fmt.Sprintf("%s is %s: %v, %v", m.Host.Role, strings.Join(states, " or "), last, err)
	})
	return last
}

// until is Eventually for what costs a process to ask, with words that are found at the end.
func (m *Member) until(d time.Duration, holds func() bool, what func() string) {
	m.w.t.Helper()
	d *= Robbed
	for deadline := time.Now().Add(d); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.w.t.Fatalf("not within %v: %s", d, what())
		}
	}
}

// Normal waits until both servers say that both are in NORMAL.
func (p *Pair) Normal(d time.Duration) {
	p.t.Helper()
	d *= Robbed
	for deadline := time.Now().Add(d); ; time.Sleep(100 * time.Millisecond) {
		said, normal := "", 0
		for _, m := range p.Both() {
			r, err := m.Relation()
			if err == nil && r.State == "NORMAL" && r.PartnerState == "NORMAL" && r.Connected {
				normal++
			}
			said += fmt.Sprintf("\n%s: %v %v", m.Host.Role, r, err)
		}
		if normal == 2 {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("not both in NORMAL within %v:%s", d, said)
		}
	}
}

// Converged waits until both are in NORMAL, have nothing left to tell, and know the same of every address. Nobody may
// be asking them for anything meanwhile, but clients whose timers demand it: the two are not asked at one moment, so what differs counts
// where it differs in the same way when they are asked again. It returns how long that took.
func (p *Pair) Converged(d time.Duration) time.Duration {
	p.t.Helper()
	began := time.Now()
	p.Normal(d)
	d *= Robbed
	for before := p.Differences(); ; time.Sleep(200 * time.Millisecond) {
		if len(before) == 0 {
			return time.Since(began)
		}
		now := p.Differences()
		different := slices.DeleteFunc(slices.Clone(now), func(what string) bool { return !slices.Contains(before, what) })
		if len(different) == 0 {
			return time.Since(began)
		}
		before = now
		if time.Since(began) > d {
			p.t.Fatalf("not within %v: both know the same; %d differences:\n%s\n%s", d, len(different),
				strings.Join(different[:min(20, len(different))], "\n"), p.details(different[0]))
		}
	}
}

// details tells what either server knows of the address that a difference begins with, and how it stands with the other.
func (p *Pair) details(difference string) string {
	address, _, _ := strings.Cut(difference, ": ")
	var b strings.Builder
	for _, m := range p.Both() {
		r, err := m.Relation()
		out, _ := m.Command("lease", "--json", address)
		fmt.Fprintf(&b, "%s: %v %v\n%s\n", m.Host.Role, r, err, out)
	}
	return b.String()
}

// Differences compares what the two servers know, address by address.
func (p *Pair) Differences() []string {
	p.t.Helper()
	var tables [2]map[netip.Addr]string
	for i, m := range p.Both() {
		rows, err := ListLeases(m.Socket())
		if err != nil {
			return []string{m.Host.Role + ": " + err.Error()}
		}
		tables[i] = map[netip.Addr]string{}
		for _, r := range rows {
			tables[i][r.Address] = r.shared()
		}
	}
	var all []string
	for a, west := range tables[0] {
		if east := tables[1][a]; east != west {
			all = append(all, fmt.Sprintf("%v: west %s, east %s", a, west, east))
		}
	}
	for a, east := range tables[1] {
		if _, both := tables[0][a]; !both {
			all = append(all, fmt.Sprintf("%v: west nothing, east %s", a, east))
		}
	}
	return all
}

// shared is what both servers must know alike of an address.
func (r Row) shared() string {
	return fmt.Sprintf("%s %s %s until %s heard %s home %s", r.State, r.Hardware, r.ClientID, clock(r.Expires), clock(r.CLTT), r.Home)
}

// SharedPool is what `lessor status --json` says of a pool that two servers share.
type SharedPool struct {
	Free        float64 `json:"free"`
	PartnerFree float64 `json:"partner_free"`
	Active      float64 `json:"active"`
}

// Pools asks a server for its pools.
func (m *Member) Pools() []SharedPool {
	m.w.t.Helper()
	out, code := m.Command("status", "--json")
	var s struct {
		Pools []SharedPool `json:"pools"`
	}
	if err := json.Unmarshal([]byte(out), &s); code != 0 || err != nil {
		m.w.t.Fatalf("lessor status: exit code %d, %v: %s", code, err, out)
	}
	return s.Pools
}
