package failover

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// refuse returns why the two must not serve together; zero if they may. Both servers come to the same verdict about their
// configurations, each by what the other one told.
func (s *step) refuse(h *Hello) (Reason, string) {
	switch {
	case s.cfg.Protocol == Lessor && h.Member != s.cfg.Partner:
		return InvalidPartner, fmt.Sprintf("the partner is %q here, but %q spoke", s.cfg.Partner, h.Member)
	case s.cfg.Protocol == Lessor && h.Store == s.cfg.Store:
		return InvalidPartner, "both servers run on copies of one data directory"
	}
	var reasons []string
	var first Reason
	add := func(r Reason, text string) {
		if reasons = append(reasons, text); first == 0 {
			first = r
		}
	}
	vital := &s.compared.vital
	if s.cfg.Protocol == Lessor {
		s.compared.with(s.cfg.Parts, &h.Parts)
	}
	if h.Relationship != s.cfg.Relationship {
		add(InvalidPartner, fmt.Sprintf("the relationship is named %q here, %q there", s.cfg.Relationship, h.Relationship))
	}
	switch {
	case s.cfg.Role == Secondary && h.MCLT <= 0:
		add(InvalidMCLT, "no MCLT")
	case s.cfg.Protocol == Lessor && h.MCLT != s.cfg.MCLT && vital.names("group.failover.mclt"): // said below
		first = cmp.Or(first, InvalidMCLT)
	case s.cfg.Protocol == Lessor && h.MCLT != s.cfg.MCLT:
		add(InvalidMCLT, fmt.Sprintf("mclt is %v here, %v there: both must say the same", s.cfg.MCLT, h.MCLT))
	}
	if !vital.None() {
		add(Miscellaneous, "the configurations differ in what both must agree on: "+vital.Words())
	}
	return first, strings.Join(reasons, "; ")
}

// mustAsk reports whether a Lessor that is the secondary should say who it is, since nobody greets: the partner may take
// this server for the primary, and neither would hear why they do not come together.
func (e *Endpoint) mustAsk() bool {
	l := &e.link
	return l.up && !l.open && !l.complained && e.cfg.Role == Secondary && e.cfg.Protocol == Lessor
}

// patience is how long a secondary waits for the greeting of the primary until it says itself who it is: less than a silence
// after which the connection is given up.
func (e *Endpoint) patience() time.Duration { return min(5*time.Second, e.cfg.ReceiveTimer/2) }

// compared is what was found at the last greeting. It is found again only for other configurations: two members that
// refuse each other greet every few seconds.
type compared struct {
	ours          *Parts
	vitals, rest  binding.Digest // the partner's
	vital, others Difference
}

func (c *compared) with(ours *Parts, theirs *Told) {
	if c.ours == ours && c.vitals == theirs.Vital.Digest && c.rest == theirs.Other.Digest && ours != nil {
		return
	}
	*c = compared{ours: ours, vitals: theirs.Vital.Digest, rest: theirs.Other.Digest}
	c.vital, c.others = ours.Compare(theirs)
}

// lines returns the parts that differ: those that safety stands on first.
func (c *compared) lines() []string {
	const most = 256
	return append(c.vital.Lines(most), c.others.Lines(most)...)
}
