package node

import "time"

// A change of the configuration that is pending reaches clients when they renew. Those that are answered meanwhile come back
// early, at a rate that costs the server little: 50 a second that come back after five minutes are 15,000 clients.
const (
	hurriesPerSecond = 50
	hurriesAtOnce    = hurriesPerSecond
)

// hurry says which clients come back early: a bucket that the time fills.
type hurry struct {
	on     bool
	filled time.Time
	tokens float64
}

// ready reports whether the next client that is granted a lease may be told to come back early.
func (h *hurry) ready(now time.Time) bool {
	if !h.on {
		return false
	}
	if h.filled.IsZero() {
		h.tokens = hurriesAtOnce
	} else {
		h.tokens = min(hurriesAtOnce, h.tokens+now.Sub(h.filled).Seconds()*hurriesPerSecond)
	}
	h.filled = now
	return h.tokens >= 1
}

// taken notes that a client was told so.
func (h *hurry) taken() { h.tokens-- }
