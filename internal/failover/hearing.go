package failover

import "time"

const (
	// lateLook is by how much a look at a connection is behind when it was due, so that what arrived may not be handed over yet.
	lateLook = 100 * time.Millisecond
	// listening is how long after such a look nothing is made of silence: what lies in the kernel is read and handed over within it.
	listening = 250 * time.Millisecond
)

// Hearing tells a partner's silence from this server's own lateness: one whose process stood still finds the silence over its limit
// before what arrived meanwhile is handed over. The zero value has never heard anything.
type Hearing struct {
	at     time.Time // when the partner was heard last
	listen time.Time // a look was late: until then nothing is made of silence; zero: none was
	over   bool      // there was a look since the silence is over its limit
}

// Heard notes that the partner was heard at the time at.
func (h *Hearing) Heard(at time.Time) { *h = Hearing{at: at} }

// Look is called before anything is made of silence: it looks at the time now, and was to look at due at the latest (zero: whenever).
// A late look puts off what follows from silence by listening; but of those that find it over its limit the first alone does, so
// that also a server that is always late gives up a dead partner no more than that later.
func (h *Hearing) Look(now, due time.Time, limit time.Duration) {
	if !h.over && !due.IsZero() && now.Sub(due) > lateLook {
		h.listen = now.Add(listening)
	}
	h.over = h.over || !now.Before(h.at.Add(limit))
}

// SilentFrom returns from when on the partner counts as silent, after limit without a word, if it is not heard before.
func (h *Hearing) SilentFrom(limit time.Duration) time.Time { return later(h.at.Add(limit), h.listen) }
