package peerwire

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// flights are the updates that named a record by its digest and are not answered: the partner may want them whole.
type flights struct {
	at    map[flightKey]int
	slots []flight
	free  []int
	again []flightKey // that the partner wants whole
}

type flightKey struct {
	id      uint32 // of the message
	address netip.Addr
}

type flight struct {
	update failover.Update
	octets []byte // of it
	wanted bool   // whole
}

// maxFlights bounds them; what is sent beyond can be asked for in vain, and is refused then.
const maxFlights = 1024

func (f *flights) init() { f.at = make(map[flightKey]int) }

// keep remembers u, which may lie in memory that is not to be kept.
func (f *flights) keep(id uint32, u *failover.Update) {
	k := flightKey{id, u.Binding.Addr()}
	i, ok := f.at[k]
	switch {
	case ok:
	case len(f.free) > 0:
		i, f.free = f.free[len(f.free)-1], f.free[:len(f.free)-1]
	case len(f.slots) < maxFlights:
		i, f.slots = len(f.slots), append(f.slots, flight{})
	default:
		return
	}
	f.at[k] = i
	s := &f.slots[i]
	s.update = *u
	b := &s.update.Binding
	n, own := len(b.Client.ID), len(b.Client.ID)+len(b.Facts.Own)
	s.octets = append(append(append(s.octets[:0], b.Client.ID...), b.Facts.Own...), b.Past...)
	b.Client.ID, b.Facts.Own, b.Past = nilIfEmpty(s.octets[:n]), nilIfEmpty(s.octets[n:own]), nilIfEmpty(s.octets[own:])
}

func nilIfEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// end forgets the update that was answered.
func (f *flights) end(k flightKey) {
	if i, ok := f.at[k]; ok {
		delete(f.at, k)
		octets := f.slots[i].octets
		f.slots[i] = flight{octets: octets[:0]}
		f.free = append(f.free, i)
	}
}

// want notes that the partner wants the update whole; false if it is not known.
func (f *flights) want(k flightKey) bool {
	i, ok := f.at[k]
	if ok && !f.slots[i].wanted {
		f.slots[i].wanted = true
		f.again = append(f.again, k)
	}
	return ok
}
