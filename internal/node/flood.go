package node

import "time"

// mostRefused is how many refused updates are events within a second: a partner that tells nonsense of all its bindings would
// otherwise drown what else happens, in the log and for whoever listens. The status has the latest ones.
const mostRefused = 50

// flood bounds the events of one kind that a partner can cause in any number. The zero value has seen none.
type flood struct {
	since time.Time
	count int
}

// lets reports whether e is to be made known. The first that is one too many says so, and the rest of its second is silent.
func (f *flood) lets(e *Event) bool {
	if e.Kind != UpdateRefused {
		return true
	}
	if at := e.Time.Time; at.Sub(f.since) >= time.Second || at.Before(f.since) {
		*f = flood{since: at}
	}
	f.count++
	if f.count == mostRefused+1 {
		e.Message = "failover: more binding updates were refused than are told one by one: see status for the latest"
	}
	return f.count <= mostRefused+1
}
