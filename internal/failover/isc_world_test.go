package failover

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// iscWorld is one of ours and an ISC server, with what is on its way between them.
type iscWorld struct {
	t      *testing.T
	r      *rand.Rand
	x      *talk
	isc    *iscServer
	linked bool
	toUs   []Envelope
	toISC  []Envelope
	up     bool
	rec    Record
	log    []string
}

func newISCWorld(t *testing.T, seed uint64, role Role) *iscWorld {
	w := &iscWorld{t: t, r: rand.New(rand.NewPCG(seed, 7)), up: true}
	w.x = newTalk(t, role, ISC, func(cfg *Config, _ *Record) { cfg.ReceiveTimer = 20 * time.Minute })
	w.rec = w.x.n.ep.rec
	other := Secondary
	if role == Secondary {
		other = Primary
	}
	w.isc = &iscServer{role: other, state: Recover, since: w.x.now, now: func() time.Time { return w.x.now }}
	w.isc.say = func(id uint32, m Message) {
		if w.linked {
			w.toUs = append(w.toUs, Envelope{id, m})
		}
	}
	w.isc.start(true)
	return w
}

func (w *iscWorld) logf(f string, a ...any) {
	if s := fmt.Sprintf(f, a...); !strings.Contains(s, "CONTACT") {
		w.log = append(w.log, fmt.Sprintf("%v ", w.x.now.Sub(simStart))+s)
	}
}

// ours lets something happen at our server.
func (w *iscWorld) ours(ev Event) {
	if !w.up {
		return
	}
	w.x.step(ev)
	w.rec = w.x.n.ep.rec
	for _, n := range w.x.note {
		if n.Kind == StateChanged {
			w.logf("we: %v -> %v: %s", n.From, n.To, n.Cause)
		}
	}
	w.x.note = nil
	if w.linked {
		w.toISC = append(w.toISC, w.x.said...)
	}
	w.x.said = nil
	if w.x.shut != "" {
		w.x.shut = ""
		w.cut()
	}
}

func (w *iscWorld) cut() {
	if !w.linked {
		return
	}
	w.logf("cut")
	w.linked, w.toUs, w.toISC = false, nil, nil
	if w.isc.up {
		w.isc.linkDown()
	}
	w.ours(LinkDown{"cut"})
}

func (w *iscWorld) connect() {
	if w.linked || !w.up || !w.isc.up || !w.x.n.out.Connect {
		return
	}
	w.logf("connected")
	w.linked = true
	w.isc.linkUp()
	w.ours(LinkUp{})
}

// deliver lets the first message of either direction arrive; false if there is none.
func (w *iscWorld) deliver() bool {
	first := w.r.IntN(2) == 0
	for range 2 {
		switch first = !first; {
		case first && len(w.toUs) > 0:
			e := w.toUs[0]
			w.toUs = w.toUs[1:]
			w.logf("ISC (%v) says %s", w.isc.state, brief(e))
			w.ours(Received{Envelope: e, Sent: w.x.now})
			return true
		case !first && len(w.toISC) > 0:
			e := w.toISC[0]
			w.toISC = w.toISC[1:]
			w.logf("we (%v) say %s to ISC in %v", w.x.n.ep.State(), brief(e), w.isc.state)
			w.isc.hears(e.ID, e.Message)
			if !w.isc.greeted && w.isc.linked {
				return true
			}
			return true
		}
	}
	return false
}

func (w *iscWorld) advance(d time.Duration) {
	w.x.now = w.x.now.Add(d)
	if w.isc.up {
		w.isc.tick()
		if w.linked && w.isc.greeted {
			w.isc.send(Contact{})
		}
	}
	w.ours(Tick{})
}

// happen is something that goes wrong.
func (w *iscWorld) happen() {
	switch w.r.IntN(14) {
	case 0, 1, 2:
		w.cut()
	case 3:
		if w.up && !w.x.n.ep.link.open && w.x.n.ep.MayDeclareDown(DeclareDown{}) == nil {
			w.logf("we: partner-down")
			w.ours(DeclareDown{})
		}
	case 4:
		if w.isc.up && !w.linked && (w.isc.state == CommunicationsInterrupted || w.isc.state == ResolutionInterrupted) && !w.isc.starting {
			w.logf("ISC: partner-down")
			w.isc.become(PartnerDown)
		}
	case 5, 6:
		w.stopOurs(w.r.IntN(4) == 0)
	case 7, 8:
		if w.isc.up {
			w.cut()
			w.logf("ISC ends")
			w.isc.up = false
			if w.r.IntN(4) == 0 {
				w.isc.state, w.isc.leases, w.isc.partner, w.isc.since = Recover, 0, 0, w.x.now
				w.logf("ISC is wiped")
			}
		}
	case 9:
		if w.up {
			w.ours(Maintain{On: true})
			w.ours(Maintain{On: false})
		}
	default:
		w.heal()
	}
}

func (w *iscWorld) stopOurs(wiped bool) {
	if !w.up {
		return
	}
	w.cut()
	w.logf("we end, wiped %v", wiped)
	w.up = false
	if wiped {
		w.rec = NewRecord(w.x.now, simMCLT, false)
		clear(w.x.n.recs)
	}
}

func (w *iscWorld) heal() {
	if !w.isc.up {
		w.logf("ISC starts in %v", w.isc.state)
		w.isc.start(false)
	}
	if !w.up {
		w.logf("we start in %v", w.rec.State)
		w.up = true
		w.x.n.ep = New(w.x.n.cfg, w.rec, w.x.n, w.x.now)
		w.ours(Tick{})
	}
	w.connect()
}

// live lets many things happen, then heals all, and returns what went wrong.
func (w *iscWorld) live() string {
	for range 60 {
		for range w.r.IntN(40) {
			if !w.deliver() {
				break
			}
			if w.isc.stopped != "" {
				return w.isc.stopped
			}
		}
		w.advance([]time.Duration{time.Second, 20 * time.Second, time.Minute, 70 * time.Minute}[w.r.IntN(4)])
		w.happen()
	}
	for range 60 * 4 {
		w.heal()
		for range 1000 {
			if !w.deliver() {
				break
			}
			if w.isc.stopped != "" {
				return w.isc.stopped
			}
		}
		w.advance(time.Minute)
	}
	if st := w.x.n.ep.State(); st != Normal || w.isc.state != Normal {
		return fmt.Sprintf("at the end we are in %v, ISC in %v", st, w.isc.state)
	}
	return ""
}

// Whatever happens, an ISC server is told nothing that ends it or stops it for good, and both come to NORMAL.
func TestNothingStopsAnISCServerAndBothComeToNormal(t *testing.T) {
	first, n := seedsOf(t, 3000)
	failures := 0
	for seed := first; seed < first+n && failures < 5; seed++ {
		role := Role(1 + seed%2)
		w := newISCWorld(t, seed, role)
		if why := w.live(); why != "" {
			failures++
			t.Errorf("FAILOVER_SEED=%d, we are the %v: %s\n%s", seed, role, why, strings.Join(w.log[max(0, len(w.log)-60):], "\n"))
		}
	}
}
