package access

import (
	"net/netip"
	"sync"
	"time"
)

// The terms on which wrong tokens are answered.
const (
	// freeGuesses is how many wrong tokens an address may show before it has to wait.
	freeGuesses = 5
	// firstWait is how long it waits after the first one more; each further one doubles that, up to longestWait.
	firstWait   = time.Second
	longestWait = 5 * time.Minute
	// forgiven is how long after its last wrong token an address is forgotten.
	forgiven = 15 * time.Minute
	// maxGuessers is how many addresses are remembered.
	maxGuessers = 4096
	// allGuesses is how many wrong tokens of all addresses are looked at together at once, and allRate how many a second from then on.
	allGuesses = 200
	allRate    = 20
	// toldGuesses is how many of them are written down at once, and toldEvery how long it takes until one more is.
	toldGuesses = 20
	toldEvery   = 30 * time.Second
	// toldVisits and visitsEvery are the same for who signs in and out.
	toldVisits  = 100
	visitsEvery = 5 * time.Second
)

// Guesses holds back who shows wrong tokens, by address (for IPv6 by /64, of which one machine has all addresses) and altogether. It never
// holds back who shows a good one: 256 random bits are not guessed at any speed, and nobody may lock others out, as all who come through one proxy would be. It is
// safe for concurrent use, and its memory is bounded.
type Guesses struct {
	mu     sync.Mutex
	by     map[netip.Prefix]*guesser
	all    bucket
	told   bucket
	visits bucket
	untold int
}

type guesser struct {
	count int
	last  time.Time
	until time.Time
}

// NewGuesses returns a Guesses that has seen nothing.
func NewGuesses() *Guesses {
	return &Guesses{
		by:     map[netip.Prefix]*guesser{},
		all:    bucket{most: allGuesses, every: time.Second / allRate},
		told:   bucket{most: toldGuesses, every: toldEvery},
		visits: bucket{most: toldVisits, every: visitsEvery},
	}
}

// Wrong counts a wrong token from an address. wait is how long whoever shows another one is to wait, zero if he need not. tell
// says that this one is to be written down; untold is then how many were not since the last one that was.
func (g *Guesses) Wrong(from netip.Addr, now time.Time) (wait time.Duration, tell bool, untold int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	wait = g.count(site(from), now)
	if !g.told.take(now) {
		g.untold++
		return wait, false, 0
	}
	untold, g.untold = g.untold, 0
	return wait, true, untold
}

func (g *Guesses) count(site netip.Prefix, now time.Time) time.Duration {
	if !g.all.take(now) {
		return time.Second
	}
	x := g.by[site]
	if x == nil || now.Sub(x.last) >= forgiven || now.Before(x.last) {
		if x == nil && len(g.by) >= maxGuessers {
			g.makeRoom(now)
		}
		x = &guesser{}
		g.by[site] = x
	}
	if wait := x.until.Sub(now); wait > 0 { // who does not wait does not wait longer for it
		return wait
	}
	x.count++
	x.last = now
	wait := waitAfter(x.count)
	x.until = now.Add(wait)
	return wait
}

// waitAfter returns how long an address waits after so many wrong tokens.
func waitAfter(count int) time.Duration {
	n := count - freeGuesses
	if n <= 0 {
		return 0
	}
	if n > 16 {
		return longestWait
	}
	return min(firstWait<<(n-1), longestWait)
}

// sampled is how many addresses are looked at to find one that can be forgotten.
const sampled = 16

// makeRoom forgets, of some addresses, the one whose waiting is over longest.
func (g *Guesses) makeRoom(now time.Time) {
	var oldest netip.Prefix
	seen := 0
	for site, x := range g.by { // in random order
		if now.Sub(x.last) >= forgiven {
			delete(g.by, site)
			return
		}
		if seen == 0 || x.until.Before(g.by[oldest].until) {
			oldest = site
		}
		if seen++; seen == sampled {
			break
		}
	}
	delete(g.by, oldest)
}

// site returns who is taken for one at an address.
func site(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an address that is none has a prefix that is none
	return p
}

// bucket lets most through at once, and one more each time that every has passed. The zero time is before the first.
type bucket struct {
	most  int
	every time.Duration
	empty time.Time // when it would have been empty, had it been filled from then on
}

func (b *bucket) take(now time.Time) bool {
	if full := now.Add(-time.Duration(b.most) * b.every); b.empty.Before(full) {
		b.empty = full
	}
	if b.empty.After(now) { // the clock went back
		b.empty = now
	}
	next := b.empty.Add(b.every)
	if next.After(now) {
		return false
	}
	b.empty = next
	return true
}

// Tell reports whether one more who signs in or out is to be written down: whoever has a token can do that at will, and the log keeps only so much.
func (g *Guesses) Tell(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.visits.take(now)
}
