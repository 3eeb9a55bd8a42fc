package node

import "time"

// A change of the configuration that is pending reaches clients when they renew. Those that are answered meanwhile come back
// early, at a rate that costs the server little: 50 a second that come back after five minutes are 15,000 clients.
const (
	hurriesPerSecond = 50
	hurriesAtOnce    = hurriesPerSecond
)

// hurry says which clients come back early.
type hurry struct {
	on   bool
	rate bucket
}

// ready reports whether the next client that is granted a lease may be told to come back early.
func (h *hurry) ready(now time.Time) bool {
	if !h.on {
		return false
	}
	h.rate.most, h.rate.perSecond = hurriesAtOnce, hurriesPerSecond
	return h.rate.ready(now)
}

// taken notes that a client was told so.
func (h *hurry) taken() { h.rate.take() }
