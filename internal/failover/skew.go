package failover

import "time"

// skew is how far the partner's clock is from ours, from what its messages say of their sending (RELIABILITY I12): the
// least difference among the last 16 messages of the last 10 minutes is the one that was delayed least.
type skew struct {
	samples [16]sample
	n       int
}

type sample struct {
	at   time.Time
	diff time.Duration // our time of receiving less the partner's time of sending
}

const skewWindow = 10 * time.Minute

func (k *skew) add(now, sent time.Time) {
	if sent.IsZero() {
		return
	}
	k.samples[k.n%len(k.samples)] = sample{now, now.Sub(sent)}
	k.n++
}

// estimate returns the offset of our clock from the partner's, and by how much the samples disagree; false if there are
// none.
func (k *skew) estimate(now time.Time) (offset, spread time.Duration, ok bool) {
	var least, most time.Duration
	for _, s := range k.samples[:min(k.n, len(k.samples))] {
		if now.Sub(s.at) > skewWindow {
			continue
		}
		if !ok || s.diff < least {
			least = s.diff
		}
		if !ok || s.diff > most {
			most = s.diff
		}
		ok = true
	}
	return least, most - least, ok
}

// Offset returns what is to be added to the partner's times to make them ours, and how uncertain that is.
func (e *Endpoint) Offset(now time.Time) (offset, spread time.Duration) {
	offset, spread, _ = e.skew.estimate(now)
	return offset, spread
}

// measure notes when the clocks differ by more than they may, and when they do no longer.
func (s *step) measure(sent time.Time) {
	s.skew.add(s.now, sent)
	offset, _, ok := s.skew.estimate(s.now)
	if !ok || s.cfg.MaxSkew <= 0 {
		return
	}
	over := max(offset, -offset) > s.cfg.MaxSkew
	if over == s.skewed {
		return
	}
	s.skewed = over
	kind := SkewGone
	if over {
		kind = SkewFound
	}
	s.note(Note{Kind: kind, Cause: "our clock is " + offset.String() + " ahead of the partner's"})
}
