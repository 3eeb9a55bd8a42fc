package node

import "time"

// bucket bounds how often something is done: as often as it has tokens. The time fills it; it begins full.
type bucket struct {
	most, perSecond float64
	filled          time.Time
	tokens          float64
}

// ready reports whether it may be done now.
func (b *bucket) ready(now time.Time) bool {
	if b.filled.IsZero() {
		b.tokens = b.most
	} else {
		b.tokens = min(b.most, b.tokens+now.Sub(b.filled).Seconds()*b.perSecond)
	}
	b.filled = now
	return b.tokens >= 1
}

// take notes that it was done.
func (b *bucket) take() { b.tokens-- }
