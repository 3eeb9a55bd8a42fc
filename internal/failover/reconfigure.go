package failover

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Reconfigured says that the operator's configuration is another one now. What a relationship is formed by (MayReconfigure)
// stays as it was; everything else is in force after the step. Where the partner must hear of it, the connection is closed
// with a cause that says so, and the greeting on the next one compares the two configurations again.
type Reconfigured struct{ Config Config }

func (Reconfigured) event() {}

// ErrReconfigure says why a configuration cannot be taken over while the server runs.
var ErrReconfigure = errors.New("the relationship cannot be changed while the server runs")

// MayReconfigure returns why Reconfigured would leave something of cfg out, nil if it would not.
func (e *Endpoint) MayReconfigure(cfg *Config) error {
	var differs []string
	for _, f := range [...]struct {
		name    string
		differs bool
	}{
		{"server: name", cfg.Self != e.cfg.Self},
		{"the other member's name", cfg.Partner != e.cfg.Partner},
		{"failover: primary", cfg.Role != e.cfg.Role},
		{"protocol", cfg.Protocol != e.cfg.Protocol},
		{"failover: relationship", cfg.Relationship != e.cfg.Relationship},
	} {
		if f.differs {
			differs = append(differs, f.name)
		}
	}
	if len(differs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s: put it back, or stop both servers, change both files, and start them", ErrReconfigure, strings.Join(differs, ", "))
}

// reconfigure takes over what may change while the server runs.
func (s *step) reconfigure(to Config) {
	was := s.cfg
	to.Self, to.Partner, to.Role, to.Protocol, to.Relationship = was.Self, was.Partner, was.Role, was.Protocol, was.Relationship
	to.Store, to.Seed, to.Without = was.Store, was.Seed, was.Without
	s.cfg = to
	s.adoptLongest(s.now)
	s.adoptMCLT(s.now)
	if to.Role == Primary {
		s.rec.Buckets, s.dirty = Split(to.Split), true
	}
	if why := changedForPartner(&was, &s.cfg); why != "" && s.link.up {
		s.greetAnew("the configuration has changed here: " + why)
	}
	s.sweep.begin() // when a binding is due may be another time now
	s.balance.soon(s.now)
}

// greetAnew closes the connection, so that the next one begins with a greeting that says what is in force now.
func (s *step) greetAnew(why string) {
	if s.link.open && s.cfg.Protocol == Lessor {
		s.send(Disconnect{Miscellaneous, why})
	}
	s.close(why)
}

// changedForPartner names what of the greeting is different under another configuration; empty for nothing. An ISC server
// hears of no parts.
func changedForPartner(was, is *Config) string {
	var changed Difference
	if is.Protocol == Lessor {
		changed = is.Parts.Changed(was.Parts)
	}
	names := changed.Names()
	add := func(changed bool, what string, value any) {
		if changed && !slices.Contains(names, "group.failover."+what) {
			names = append(names, fmt.Sprintf("%s is %v", what, value))
		}
	}
	primary := is.Role == Primary
	add(was.MCLT != is.MCLT && (primary || is.Protocol == Lessor), "mclt", is.MCLT)
	add(was.Split != is.Split && primary, "split", is.Split)
	add(was.ReceiveTimer != is.ReceiveTimer, "receive-timer", is.ReceiveTimer)
	add(was.MaxUnacked != is.MaxUnacked, "max-unacked", is.MaxUnacked)
	return strings.Join(names, ", ")
}

// adoptLongest puts the configured longest lifetime in force, and keeps in mind what was granted under a longer one.
func (e *Endpoint) adoptLongest(now time.Time) {
	r := &e.rec
	if r.Lifetime == e.cfg.Longest {
		return
	}
	if e.cfg.Longest < r.Lifetime {
		r.LongestUntil = later(r.LongestUntil, e.over(now))
	}
	r.Lifetime, e.dirty = e.cfg.Longest, true
	if r.Lifetime >= r.Longest {
		r.Longest, r.LongestUntil = r.Lifetime, time.Time{}
	}
}

// awaitForgotten: what a store has lost may have been promised under a larger MCLT, or for longer, than it knows of. Its partner knows
// that, where both had the same configuration.
func (s *step) awaitForgotten(h *Hello) {
	r := &s.rec
	if !r.Lost || s.cfg.Protocol != Lessor {
		return
	}
	if h.LongestLifetime > r.Longest {
		r.Longest, s.dirty = h.LongestLifetime, true
		r.LongestUntil = s.over(s.now)
	}
	if h.LargestMCLT > r.Largest {
		r.Largest, r.LargestUntil, s.dirty = h.LargestMCLT, time.Time{}, true
		if until := s.over(s.now); until.Before(binding.Forever) {
			r.LargestUntil = until
		}
	}
}

// over returns when all is over that either server can have promised until then: a potential end is half a lease behind
// its lease, and each may grant the MCLT beyond what both know.
func (e *Endpoint) over(then time.Time) time.Time {
	longest := e.rec.Longest
	if longest > binding.Infinite/4 {
		return binding.Forever
	}
	return add(then, longest+longest/2+2*e.rec.Largest)
}
