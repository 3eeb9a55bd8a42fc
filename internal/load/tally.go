package load

import "time"

// Tally is what became of the exchanges of one kind.
type Tally struct {
	Begun   uint64 `json:"begun"`
	Done    uint64 `json:"done"`
	Refused uint64 `json:"refused"`
	// Silence is the longest time in which none of them was done, and SilenceAt when it began, since the first was due.
	Silence   time.Duration `json:"silence_ns"`
	SilenceAt time.Duration `json:"silence_at_ns"`

	P50  time.Duration `json:"p50_ns"` // from when it was due until its ACK
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p999_ns"`
	Max  time.Duration `json:"max_ns"`
}

// tally is Tally as it is counted.
type tally struct {
	Tally
	whole Histogram
	last  time.Duration // when one was done last
}

// finish notes that an exchange that was due then is done now.
func (t *tally) finish(due, now, since time.Duration) {
	t.Done++
	t.whole.Add(now - due)
	t.quiet(now, since)
	t.last = now
}

// quiet notes the silence that ends now, in a run that began at since.
func (t *tally) quiet(now, since time.Duration) {
	from := max(t.last, since)
	if d := now - from; d > t.Silence {
		t.Silence, t.SilenceAt = d, from-since
	}
}

// close returns what was counted.
func (t *tally) close() Tally {
	t.P50, t.P99, t.P999, t.Max = t.whole.Quantile(.5), t.whole.Quantile(.99), t.whole.Quantile(.999), t.whole.Max()
	return t.Tally
}
