package peer

import (
	"net/netip"
	"sync"
	"time"
)

// gate bounds the connections that have not said who they are. It knows the members' addresses only, so it cannot grow.
type gate struct {
	limits *Limits

	mu      sync.Mutex // guards what follows
	unknown int
	at      map[netip.Addr]*visits
}

// visits are the connections from one address.
type visits struct {
	unknown int
	tokens  float64 // how many connections may come at once
	counted time.Time
}

func newGate(l *Limits) *gate { return &gate{limits: l, at: map[netip.Addr]*visits{}} }

// enter lets a connection in, which must leave; or says why not.
func (g *gate) enter(a netip.Addr, now time.Time) (Reason, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.at[a]
	if v == nil {
		v = &visits{tokens: float64(g.limits.Burst), counted: now}
		g.at[a] = v
	}
	v.tokens = min(float64(g.limits.Burst), v.tokens+g.limits.Rate*now.Sub(v.counted).Seconds())
	v.counted = now
	switch {
	case g.unknown >= g.limits.Unknown, v.unknown >= g.limits.PerAddress:
		return TooMany, false
	case v.tokens < 1:
		return TooOften, false
	}
	v.tokens--
	v.unknown++
	g.unknown++
	return 0, true
}

// leave says that a connection is known, or gone.
func (g *gate) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unknown--
	g.at[a].unknown--
}
