package failover

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// flights are the updates that were sent on this connection and are not answered.
type flights struct {
	sent   map[uint32]*flown          // by the number of the message
	spare  []*flown                   // whose memory is used again
	latest map[place]binding.Sequence // the change that was sent last, of those in flight
	n      int                        // of bindings that are not answered
	dumped int                        // how many the running dump waits for
	lookAt time.Time                  // when the oldest is looked at: it should be answered by then
}

// flown is a message of which not every binding is answered.
type flown struct {
	all  []flight // as they stand in it
	left int      // not answered
	next int      // behind the one that was answered last: answers come in the same order
}

type flightID struct {
	id uint32 // of the message
	at place
}

type flight struct {
	place    place
	ours     binding.Sequence
	at       time.Time     // when it was sent
	as       binding.State // what it was told as
	dump     bool          // the running dump waits for it
	gift     bool
	answered bool
}

func (f *flights) init() {
	f.sent, f.latest = map[uint32]*flown{}, map[place]binding.Sequence{}
}

func (f *flights) clear() {
	clear(f.sent)
	clear(f.latest)
	f.spare, f.n, f.dumped = nil, 0, 0
}

// len returns how many bindings are not answered.
func (f *flights) len() int { return f.n }

// messages returns how many messages are not answered, or not in full.
func (f *flights) messages() int { return len(f.sent) }

func (f *flights) begin(id flightID, fl flight) {
	if fl.dump {
		f.dumped++
	}
	if f.n == 0 {
		f.lookAt = fl.at
	}
	m := f.sent[id.id]
	if m == nil {
		m = f.fresh()
		f.sent[id.id] = m
	}
	fl.place = id.at
	m.all = append(m.all, fl)
	m.left++
	f.n++
	f.latest[id.at] = fl.ours
}

func (f *flights) fresh() *flown {
	n := len(f.spare)
	if n == 0 {
		return &flown{}
	}
	m := f.spare[n-1]
	f.spare = f.spare[:n-1]
	*m = flown{all: m.all[:0]}
	return m
}

// find returns the one that an acknowledgement answers; nil if it answers nothing.
func (f *flights) find(id flightID) (*flown, *flight) {
	m := f.sent[id.id]
	if m == nil {
		return nil, nil
	}
	for k := range m.all {
		i := (m.next + k) % len(m.all)
		if fl := &m.all[i]; fl.place == id.at && !fl.answered {
			m.next = i + 1
			return m, fl
		}
	}
	return nil, nil
}

// end takes out what an acknowledgement answers; false if it answers nothing.
func (f *flights) end(id flightID) (flight, bool) {
	m, found := f.find(id)
	if found == nil {
		return flight{}, false
	}
	found.answered = true
	fl := *found
	f.n--
	if m.left--; m.left == 0 {
		delete(f.sent, id.id)
		f.spare = append(f.spare, m)
	}
	if f.latest[id.at] == fl.ours {
		delete(f.latest, id.at)
	}
	if fl.dump {
		f.dumped--
	}
	return fl, true
}

// flying reports whether this change of p is on its way.
func (f *flights) flying(p netip.Prefix, ours binding.Sequence) bool {
	at, ok := f.latest[placeOf(p)]
	return ok && at == ours
}

// each calls do for all that is on its way.
func (f *flights) each(do func(id uint32, fl *flight)) {
	for id, m := range f.sent {
		for i := range m.all {
			if fl := &m.all[i]; !fl.answered {
				do(id, fl)
			}
		}
	}
}

// await makes the dump wait for all that is on its way.
func (f *flights) await() {
	f.each(func(_ uint32, fl *flight) { fl.dump = true })
	f.dumped = f.n
}
