package failover

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// simWorld is two servers, their link, and clients with a ledger of their own, under virtual time, from one seed.
type simWorld struct {
	r        *rand.Rand
	now      time.Time
	end      time.Time
	events   simHeap
	seq      int
	nodes    [2]*simNode
	clients  []*simClient
	link     *simLink
	cut      bool // the two cannot hear each other
	calm     bool // faults have ended
	without  rule
	careless bool // tells before it is durable
	failed   string
	log      []string
	verbose  bool
	hits     map[string]int
	busy     bool
	conflict int
	steps    int
	touched  bool // a server did something
	slow     bool // its disks
	steady   bool // nothing is left to chance
	say      func(format string, args ...any)
	kept     simDisk
	harm     simHarm
	ended    [2]string               // why the connection ended last
	skewed   bool                    // a server said that the clocks differ
	undone   [][2]time.Time          // from when until when a store that went back forgot
	snaps    [2]*simDisk             // copies of the disks
	outside  bool                    // the operator may be wrong
	held     map[simDouble]time.Time // two clients that held an address at one time, and when that was seen first
	before   map[simDouble]time.Time // when the one that had it first was told so last
	reported map[simDouble]bool
	// forgotten has until when promises may be held that a server said to be forgotten.
	forgotten []time.Time
}

// simHarm is what else no rule makes harmless.
type simHarm int

const (
	_ simHarm = iota
	harmRollBack
	harmBothLost
	harmClocks
	harms
)

var harmNames = [...]string{"wrong partner-down alone", "stores that went back", "both stores lost", "clocks beyond all bounds"}

// simDouble is an address and two clients.
type simDouble struct{ addr, a, b int }

func doubleOf[N int | byte](addr, a, b N) simDouble {
	return simDouble{int(addr), int(min(a, b)), int(max(a, b))}
}

var simStart = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

type simEvent struct {
	at  time.Time
	seq int
	do  func()
}

type simHeap []simEvent

func (h simHeap) Len() int { return len(h) }
func (h simHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}
func (h simHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *simHeap) Push(x any)   { *h = append(*h, x.(simEvent)) }
func (h *simHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func (w *simWorld) at(t time.Time, do func()) {
	if t.Before(w.now) {
		t = w.now
	}
	w.seq++
	heap.Push(&w.events, simEvent{t, w.seq, do})
}

func (w *simWorld) after(d time.Duration, do func()) { w.at(w.now.Add(d), do) }

func (w *simWorld) fail(format string, args ...any) {
	if w.failed == "" {
		w.failed = fmt.Sprintf("%v: ", w.now.Sub(simStart)) + fmt.Sprintf(format, args...)
		w.logf("FAILED: %s", w.failed)
	}
}

func (w *simWorld) logf(format string, args ...any) {
	if w.verbose {
		w.log = append(w.log, fmt.Sprintf("%12v ", w.now.Sub(simStart).Round(time.Millisecond))+fmt.Sprintf(format, args...))
	}
}

// tell says something to a transcript.
func (w *simWorld) tell(format string, args ...any) {
	if w.say != nil {
		w.say(format, args...)
	}
}

func (w *simWorld) hit(what string, n int) { w.hits[what] += n }

func (w *simWorld) addr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + i)}) }

func (w *simWorld) index(a netip.Addr) (int, bool) {
	if !a.Is4() {
		return 0, false
	}
	b := a.As4()
	i := int(b[3]) - 10
	return i, b[0] == 10 && b[1] == 0 && b[2] == 0 && i >= 0 && i < len(w.nodes[0].disk.recs)
}

func (w *simWorld) other(n *simNode) *simNode {
	if w.nodes[0] == n {
		return w.nodes[1]
	}
	return w.nodes[0]
}

// uniform returns a time of lo to hi.
func (w *simWorld) uniform(lo, hi time.Duration) time.Duration {
	if w.steady {
		return lo
	}
	return lo + time.Duration(w.r.Int64N(int64(hi-lo)+1))
}

func (w *simWorld) chance(percent int) bool { return !w.steady && w.r.IntN(100) < percent }

func (w *simWorld) coin() int {
	if w.steady {
		return 0
	}
	return w.r.IntN(2)
}

// syncTime is how long a commit takes to be durable.
func (w *simWorld) syncTime() time.Duration {
	if (w.slow || w.chance(5)) && !w.mending() {
		return w.uniform(0, 20*time.Second)
	}
	return w.uniform(time.Millisecond, 20*time.Millisecond)
}

// simLink is one connection: what is on its way arrives in order, or not at all.
type simLink struct {
	dead    bool
	stalled bool         // something was lost, so nothing more arrives
	last    [2]time.Time // when what was sent last in each direction arrives
}

func (w *simWorld) side(n *simNode) int {
	if w.nodes[0] == n {
		return 0
	}
	return 1
}

// transmit sends a message over the connection that it was decided on.
func (w *simWorld) transmit(n *simNode, l *simLink, env Envelope, sent time.Time) {
	if l == nil || l.dead || !n.up {
		return
	}
	side := w.side(n)
	at := w.now.Add(w.uniform(time.Millisecond, 30*time.Millisecond))
	if w.chance(2) && !w.mending() {
		at = at.Add(w.uniform(0, 30*time.Second))
	}
	if at.Before(l.last[side]) {
		at = l.last[side]
	}
	l.last[side] = at
	to := w.other(n)
	w.at(at, func() {
		l.stalled = l.stalled || w.cut
		if l.dead || l.stalled || !to.up || w.link != l {
			return
		}
		if w.verbose {
			w.logf("%s -> %s: %s", n.cfg.Self, to.cfg.Self, describe(env))
		}
		ev := Received{Envelope: convert(env, to), Sent: sent.Truncate(time.Second)}
		to.step(ev)
		w.strike(env.Message)
		if _, ok := env.Message.(BindingUpdate); ok && w.chance(5) && to.up && !l.dead && w.link == l {
			w.replay(to, ev)
		}
	})
}

// strike lets faults fall where they hurt: when an update or its answer has just arrived.
func (w *simWorld) strike(m Message) {
	switch m.(type) {
	case BindingUpdate, BindingAck, UpdateDone, Report:
	default:
		return
	}
	often := 300
	if r, ok := m.(Report); ok && (r.State == RecoverDone || r.State == RecoverWait) {
		often = 10
	}
	if w.calm || w.steady || w.r.IntN(often) > 0 {
		return
	}
	w.hit("struck", 1)
	switch w.r.IntN(4) {
	case 0:
		w.resetLink("struck")
	case 1:
		w.kill()
	default:
		w.partition()
	}
}

// replay delivers an update again: it must change nothing (I13).
func (w *simWorld) replay(n *simNode, ev Received) {
	w.hit("replay", 1)
	before := make([]binding.Binding, len(n.recs))
	for i, b := range n.recs {
		if b != nil {
			before[i] = *b
		}
	}
	owners := make([]binding.Member, len(n.recs))
	for i := range owners {
		owners[i] = n.ep.ownerOf(w.addr(i))
	}
	n.step(ev)
	for i, b := range n.recs {
		if b == nil {
			continue
		}
		was := before[i]
		if b.State != was.State || !b.Expires.Equal(was.Expires) || !b.Client.Is(&was.Client) && was.State != 0 && !b.Client.Hardware.IsZero() || b.Owner != was.Owner || b.Sync.Acked != was.Sync.Acked || b.Sync.Theirs != was.Sync.Theirs {
			w.fail("I13: an update that came twice changed %v at %s: %+v became %+v", w.addr(i), n.cfg.Self, was, *b)
		}
		if n.ep.ownerOf(w.addr(i)) != owners[i] {
			w.fail("I13: a gift that came twice changed the owner of %v", w.addr(i))
		}
	}
}

// convert makes the partner's times our own, as peerwire does.
func convert(env Envelope, to *simNode) Envelope {
	env = cloneEnvelope(env)
	offset, _ := to.ep.Offset(to.now())
	shift := func(t *time.Time) {
		if t.IsZero() || !t.Before(binding.Forever) {
			return
		}
		s := t.Add(offset)
		if r := s.Truncate(time.Second); r.Before(s) {
			s = r.Add(time.Second)
		}
		*t = s
	}
	switch m := env.Message.(type) {
	case BindingUpdate:
		for i := range m.Updates {
			b := &m.Updates[i].Binding
			for _, t := range []*time.Time{&b.Expires, &b.Starts, &b.CLTT, &b.Changed, &b.Sync.Potential} {
				shift(t)
			}
		}
	}
	return env
}

// resetLink ends the connection; both hear of it at once, or only when nothing comes any more.
func (w *simWorld) resetLink(why string) {
	l := w.link
	if l == nil {
		return
	}
	l.dead = true
	w.link = nil
	for _, n := range w.nodes {
		if n.up {
			n.step(LinkDown{why})
		}
	}
	w.reconnect()
}

// closed: an endpoint let go of the connection.
func (w *simWorld) closed(l *simLink) {
	if w.steady { // what was sent before arrives
		w.after(10*time.Millisecond, func() {
			if l != nil && w.link == l && !l.dead {
				w.resetLink("closed")
			}
		})
		return
	}
	if l != nil && w.link == l && !l.dead {
		w.resetLink("closed")
	}
}

// reconnect makes a connection after a while, where that can be.
func (w *simWorld) reconnect() {
	w.after(w.uniform(time.Second, 8*time.Second), func() {
		if w.link != nil || w.cut || !w.nodes[0].up || !w.nodes[1].up {
			return
		}
		if !w.nodes[0].out.Connect || !w.nodes[1].out.Connect {
			return
		}
		w.link = &simLink{}
		w.logf("connected")
		first := w.coin()
		l := w.link
		for _, i := range []int{first, 1 - first} {
			if w.link == l && w.nodes[i].up {
				w.nodes[i].step(LinkUp{})
			}
		}
	})
}

// arm makes the node's Tick happen when it is due.
func (w *simWorld) arm(n *simNode) {
	at := n.nextWake()
	if at.IsZero() || at.Before(simStart.Add(-time.Hour)) {
		return
	}
	if at.Before(w.now) {
		at = w.now
	}
	if !n.armed.IsZero() && !at.Before(n.armed) {
		return // it will look then
	}
	n.armed = at
	epoch := n.epoch
	w.at(at, func() {
		if !n.up || n.epoch != epoch || !n.armed.Equal(at) {
			return
		}
		n.armed = time.Time{}
		if next := n.nextWake(); next.After(w.now) {
			w.arm(n)
			return
		}
		n.tick()
	})
}

// settle does with changes that were stamped what node does: view, commit, then what hangs on it.
func (w *simWorld) settle(n *simNode, changes []Change, after []func()) {
	n.carryOut(&Output{Changes: changes, Terms: n.terms, Wake: n.wake}, after)
	n.out.Reset()
	n.ep.Step(n.now(), Changed{}, n, &n.out)
	n.carryOut(&n.out, nil)
}

func (w *simWorld) noted(n *simNode, note *Note) {
	switch note.Kind {
	case StateChanged:
		w.hit(note.From.String()+" -> "+note.To.String(), 1)
		w.logf("%s: %v -> %v: %s", n.cfg.Self, note.From, note.To, note.Cause)
		w.tell("%s: %v -> %v: %s", n.cfg.Self, note.From, note.To, note.Cause)
	case ConflictFound:
		if !note.Others {
			w.conflict++
		}
		w.reported[doubleOf(note.Prefix.Addr().As4()[3]-10, note.Kept.Hardware.Addr[5], note.Lost.Hardware.Addr[5])] = true
		w.logf("%s: conflict about %v: %v and %v from %v until %v", n.cfg.Self, note.Prefix, &note.Kept, &note.Lost, note.Since.Sub(simStart), note.Until.Sub(simStart))
		w.tell("%s: conflict about %v: %v keeps it, %v may have it too", n.cfg.Self, note.Prefix.Addr(), &note.Kept, &note.Lost)
	case UpdateRefused:
		w.hit("refused: "+note.Cause, 1)
		w.logf("%s: refused %v: %s", n.cfg.Self, note.Prefix, note.Cause)
		w.tell("%s: refused %v: %s", n.cfg.Self, note.Prefix.Addr(), note.Cause)
	case PromisesForgotten:
		w.forgotten = append(w.forgotten, note.Until.Add(-n.offset))
		w.tell("%s: %s", n.cfg.Self, note.Cause)
	case LinkClosed:
		w.logf("%s: the connection ended: %s", n.cfg.Self, note.Cause)
		if strings.Contains(note.Cause, "refused") || strings.Contains(note.Cause, "partner closed") || strings.Contains(note.Cause, "has changed here") || strings.Contains(note.Cause, "took its place") {
			if said := string(n.cfg.Self) + note.Cause; w.ended[w.side(n)] != said { // it is tried every few seconds
				w.ended[w.side(n)] = said
				w.tell("%s: the connection ended: %s", n.cfg.Self, note.Cause)
			}
		}
	case SkewFound:
		w.skewed = true
		w.tell("%s: %s", n.cfg.Self, note.Cause)
	case StoreWentBack, CommandRefused, SkewGone, ConfigurationDiffers, PartnerSilent, PartnerHeard:
		w.tell("%s: %s", n.cfg.Self, note.Cause)
	default:
		w.logf("%s: note %d %s", n.cfg.Self, note.Kind, note.Cause)
	}
}

func describe(env Envelope) string {
	switch m := env.Message.(type) {
	case BindingUpdate:
		s := fmt.Sprintf("BNDUPD %d:", env.ID)
		for _, u := range m.Updates {
			b := &u.Binding
			if u.Last.IsValid() {
				s += fmt.Sprintf(" run %v-%v of %s #%x", b.Prefix.Addr(), u.Last, b.Owner, uint64(b.Sync.Ours))
				continue
			}
			s += fmt.Sprintf(" %v %v %v%s from %v until %v, potential %v, #%x base %x%s;", b.Prefix.Addr(), b.State, &b.Client, b.Owner, b.Starts.Sub(simStart), b.Expires.Sub(simStart), b.Sync.Potential.Sub(simStart), uint64(b.Sync.Ours), uint64(b.Sync.Theirs), describePast(b.Past))
		}
		return s
	case BindingAck:
		s := fmt.Sprintf("BNDACK %d:", env.ID)
		for _, a := range m.Acks {
			s += fmt.Sprintf(" %v %d", a.Prefix.Addr(), a.Reason)
		}
		return s
	case Report:
		return fmt.Sprintf("STATE %v starting %v", m.State, m.Starting)
	}
	return fmt.Sprintf("%T %d", env.Message, env.ID)
}

func describePast(past []byte) (s string) {
	var h holding
	for rest, ok := cutHolding(past, &h); ok; rest, ok = cutHolding(rest, &h) {
		s += fmt.Sprintf(", before %v from %v until %v", &h.client, h.from.Sub(simStart), h.until.Sub(simStart))
		if h.others {
			s += " and others"
		}
	}
	return s
}
