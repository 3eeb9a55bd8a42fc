package sim

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"time"

	"github.com/lessor-dhcp/lessor/internal/policy"
)

// epoch is when every history begins.
var epoch = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// World is a history that is played. Its time is the true one, which no clock in it need show.
type World struct {
	plan    *Plan
	set     *Settings
	without *Removal

	now    time.Duration // since epoch
	events heap
	seq    uint64
	steps  int
	hash   uint64
	calm   bool // faults are over

	members [2]*Member
	clients []*Client
	link    link
	group   groupLink
	chain   chain
	lan     lan
	ledger  ledger
	oracle  oracle
	marks   Marks
	ambush  []Action

	policies map[string]*policy.Policy
	out      io.Writer // the log; nil: none
	failed   string
}

// Outcome is what a history came to.
type Outcome struct {
	Failed  string // what did not hold, and when; empty: everything held
	Hash    uint64 // of everything that happened
	Steps   int
	Lived   time.Duration
	Marks   Marks
	Doubles int // outside of the assumptions: addresses that two clients held at a time
	Named   int // of these, those that the servers have named
}

// Run plays a plan. The log goes to out, if it is not nil.
func Run(p *Plan, without *Removal, out io.Writer) Outcome {
	w := newWorld(p, without, out)
	w.play()
	return w.outcome()
}

func newWorld(p *Plan, without *Removal, out io.Writer) *World {
	if without == nil {
		without = &Removal{}
	}
	w := &World{plan: p, set: &p.Settings, without: without, out: out, policies: map[string]*policy.Policy{}}
	w.marks.init()
	w.lan.init(w)
	w.link.init(w)
	w.group.init(w)
	w.chain.init(w)
	w.ledger.init(w)
	w.oracle.init(w)
	for i := range w.members {
		w.members[i] = newMember(w, i)
	}
	for i := range p.Settings.Clients {
		w.clients = append(w.clients, newClient(w, i))
	}
	return w
}

// play lives the history to its end.
func (w *World) play() {
	for _, m := range w.members {
		m.start()
	}
	w.link.attempt()
	for _, a := range w.plan.Actions {
		w.at(a.At, func() { w.carryOut(a) })
	}
	w.runUntil(w.set.Days)
	w.heal()
}

func (w *World) outcome() Outcome {
	return Outcome{
		Failed: w.failed, Hash: w.hash, Steps: w.steps, Lived: w.now, Marks: w.marks,
		Doubles: len(w.ledger.doubles), Named: w.ledger.named(),
	}
}

// chances returns a source of chances of its own for a part of the world.
func (w *World) chances(part, number int) *rand.Rand {
	return rand.New(rand.NewPCG(w.set.Seed, uint64(part)<<32|uint64(number)))
}

// The parts of the world that have their own chances.
const (
	chancesOfClient = 1 + iota
	chancesOfLink
	chancesOfDisk
	chancesOfLan
	chancesOfClock
	chancesOfPlan
	chancesOfFaults
	chancesOfHaste
	chancesOfGroup
	chancesOfKeeper
	chancesOfVersions
)

// maxSteps is more than any history has that is not running wild.
const maxSteps = 3_000_000

// runUntil lets everything happen that is due until then.
func (w *World) runUntil(end time.Duration) {
	for w.failed == "" && len(w.events) > 0 && w.events[0].at <= end {
		e := w.events.pop()
		w.now = e.at
		if w.steps++; w.steps > maxSteps {
			w.fail("I18: the servers never rest")
			return
		}
		e.do()
		w.oracle.afterEvent()
	}
	w.now = max(w.now, end)
}

// at has do happen at a time; what was before now happens now.
func (w *World) at(t time.Duration, do func()) {
	w.seq++
	w.events.push(event{max(t, w.now), w.seq, do})
}

func (w *World) after(d time.Duration, do func()) { w.at(w.now+d, do) }

// fail says that something does not hold. Only the first is kept.
func (w *World) fail(format string, args ...any) {
	if w.failed == "" {
		w.failed = fmt.Sprintf("%v: ", w.now.Round(time.Millisecond)) + fmt.Sprintf(format, args...)
		w.logf("FAILED: %s", w.failed)
	}
}

func (w *World) logf(format string, args ...any) {
	if w.out != nil {
		fmt.Fprintf(w.out, "%15v "+format+"\n", append([]any{w.now.Round(time.Microsecond)}, args...)...)
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// trace takes something that happened into the hash of the history.
func (w *World) trace(what byte, who int, octets []byte) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(w.now))
	b[8], b[9] = what, byte(who)
	binary.LittleEndian.PutUint32(b[12:], crc32.Update(0, castagnoli, octets))
	for _, half := range [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])} {
		w.hash = (w.hash ^ half) * 0x9e3779b97f4a7c15
		w.hash ^= w.hash >> 29
	}
}

// uniform returns a time of lo to hi.
func uniform(r *rand.Rand, lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(r.Int64N(int64(hi-lo)+1))
}

// chance is true n of a thousand times.
func chance(r *rand.Rand, n int) bool { return n > 0 && r.IntN(1000) < n }

// event is something that happens at a time. Of two at one time the one that was thought of first comes first.
type event struct {
	at  time.Duration
	seq uint64
	do  func()
}

// heap is the events to come, the next one first.
type heap []event

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

func (h *heap) push(e event) {
	*h = append(*h, e)
	q := *h
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if !q[i].before(&q[up]) {
			return
		}
		q[i], q[up] = q[up], q[i]
		i = up
	}
}

func (h *heap) pop() event {
	q := *h
	e, n := q[0], len(q)-1
	q[0], q[n] = q[n], event{}
	q = q[:n]
	*h = q
	for i := 0; ; {
		least := i
		for _, k := range [2]int{2*i + 1, 2*i + 2} {
			if k < n && q[k].before(&q[least]) {
				least = k
			}
		}
		if least == i {
			return e
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}
