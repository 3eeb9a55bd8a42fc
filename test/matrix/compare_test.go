package matrix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestProfilesMeanWhatTheirServersMean(t *testing.T) {
	t.Logf("seed %d", seed)
	for _, pr := range profiles {
		t.Run(pr.name, func(t *testing.T) {
			plans := pr.plans()
			sums := make([]tally, len(plans))
			t.Run("plans", func(t *testing.T) {
				for k, p := range plans {
					t.Run(strings.ReplaceAll(p.name, " ", "-"), func(t *testing.T) {
						t.Parallel()
						peer, lessor := pr.run(t, p)
						sums[k] = pr.compare(t, p, peer, lessor)
					})
				}
			})
			all := tally{known: map[string]int{}}
			for k, s := range sums {
				t.Logf("%-27s %v", plans[k].name, s)
				all.add(s)
			}
			t.Logf("%-27s %v", "in all", all)
			for _, why := range slices.Sorted(maps.Keys(all.known)) {
				t.Logf("%5d differ: %s", all.known[why], why)
			}
		})
	}
}

// Each two places of a peer must meet: for options in a case of their own, for each parameter in a case where they are
// the strongest that say it.
func TestPlansHaveEveryPair(t *testing.T) {
	for _, pr := range profiles {
		met := map[string]bool{}
		for _, p := range pr.plans() {
			for _, s := range p.sites {
				for _, c := range s.cases {
					if by := pr.ranked(s, c); len(by) >= 2 && (c.what >= nextServer || len(c.among) == 2) {
						met[meeting(c.what, by[0], by[1])] = true
					}
				}
			}
		}
		pairs(pr.inOrder(), func(a, b place) {
			if !met[meeting(1, a, b)] {
				t.Errorf("%s: no option is said by %v and %v alone", pr.name, a, b)
			}
			for _, i := range parameters {
				if pr.may(a, i) && pr.may(b, i) && !met[meeting(i, a, b)] {
					t.Errorf("%s: %v is nowhere decided between %v and %v", pr.name, i, a, b)
				}
			}
		})
	}
}

func meeting(i item, a, b place) string {
	if i < nextServer {
		i = 1
	}
	return fmt.Sprint(i, min(a, b), max(a, b))
}

// tally counts what was compared.
type tally struct {
	two, others    int // cases that two places say, and those that fewer or more do
	answers        int
	fields, alike  int
	known          map[string]int // fields that differ, by the reason
	unknown, shown int
}

func (a *tally) add(b tally) {
	a.two += b.two
	a.others += b.others
	a.answers += b.answers
	a.fields += b.fields
	a.alike += b.alike
	a.unknown += b.unknown
	for why, n := range b.known {
		a.known[why] += n
	}
}

func (a tally) String() string {
	known := 0
	for _, n := range a.known {
		known += n
	}
	return fmt.Sprintf("%4d items said by two, %4d by fewer or more; %4d answers with %5d fields: %5d alike, %4d differ for a known reason, %d without",
		a.two, a.others, a.answers, a.fields, a.alike, known, a.unknown)
}

// orderOf checks that the peer has for each item the value that the profile's order gives.
func (pr *profile) orderOf(t *testing.T, p *plan, peer answers) {
	t.Helper()
	wrong := 0
	for k, s := range p.sites {
		ack := peer[k][request]
		if ack == nil {
			t.Errorf("%s: %s: the peer gives nothing", s.name(), s.title)
			continue
		}
		for _, c := range s.cases {
			if c.what == leaseMin || c.what == leaseMax || c.what == leaseDefault && len(c.among) == 0 {
				continue // seen where time is asked for, and compared there; without a word each has a default of its own
			}
			got, want := said(ack).get(c.what), pr.value(p, s, c)
			if bytes.Equal(got, want) {
				continue
			}
			if wrong++; wrong <= mostShown {
				t.Errorf("%s: %s: %v, said by %v: the peer has %x (%s), the order gives %x", s.name(), s.title, c.what, c.among, got, c.winner(said(ack)), want)
			}
		}
	}
}

// mostShown is how many differences of one plan are told.
const mostShown = 12

// ranked are the places whose word counts in a case, the strongest first.
func (pr *profile) ranked(s *site, c testCase) (by []place) {
	order := pr.options
	if c.what >= nextServer {
		order = pr.parameters
	}
	for _, a := range slices.Backward(order) {
		if slices.Contains(c.among, a) && (a != pool || pr.inPool(s)) {
			by = append(by, a)
		}
	}
	return by
}

// inPool reports whether the site's client has an address of the pool, in the eyes of the peer.
func (pr *profile) inPool(s *site) bool {
	return s.reserve == unreserved || s.reserve == inPool && pr.poolOfReserved
}

// value is what a case comes to by the profile's order; nil if nobody says anything.
func (pr *profile) value(p *plan, s *site, c testCase) (b []byte) {
	if c.what == item(subnetMask.code) && pr.ownMask || c.what == item(subnetMask.code) && len(pr.ranked(s, c)) == 0 {
		return []byte{255, 255, 255, 0}
	}
	for _, a := range slices.Backward(pr.ranked(s, c)) {
		v := p.said(s, a, c.what)
		octets := c.what.octets(v)
		switch v.form {
		case set:
			b = octets
		case appended:
			b = slices.Concat(b, octets)
		case prepended:
			b = slices.Concat(octets, b)
		}
	}
	return b
}

// compare holds what the two said against each other.
func (pr *profile) compare(t *testing.T, p *plan, peer, lessor answers) tally {
	t.Helper()
	sum := tally{known: map[string]int{}}
	for k, s := range p.sites {
		for _, c := range s.cases {
			if len(c.among) == 2 {
				sum.two++
			} else {
				sum.others++
			}
		}
		for st := range stages {
			if peer[k][st] == nil || lessor[k][st] == nil {
				t.Errorf("%s: %s: %v: answer of the peer: %v, of Lessor: %v", s.name(), s.title, st, peer[k][st] != nil, lessor[k][st] != nil)
				continue
			}
			sum.answers++
			d := difference{pr: pr, p: p, s: s, st: st, peer: said(peer[k][st]), lessor: said(lessor[k][st])}
			if lessor[k][discover] != nil {
				d.plain = said(lessor[k][discover])
			}
			d.count(t, &sum)
		}
	}
	return sum
}

// difference is what two answers to one message say.
type difference struct {
	pr           *profile
	p            *plan
	s            *site
	st           stage
	peer, lessor fields
	plain        fields // what Lessor says where no time is asked for
}

func (d *difference) count(t *testing.T, sum *tally) {
	t.Helper()
	if want := d.s.expects().AsSlice(); !bytes.Equal(d.peer["yiaddr"], want) {
		t.Errorf("%s: %s: %v: the peer gives %v, the plan %v", d.s.name(), d.s.title, d.st, d.peer["yiaddr"], d.s.expects())
	}
	names := maps.Clone(d.peer)
	maps.Copy(names, d.lessor)
	for _, n := range slices.Sorted(maps.Keys(names)) {
		sum.fields++
		if bytes.Equal(d.peer[n], d.lessor[n]) && (d.peer[n] == nil) == (d.lessor[n] == nil) {
			sum.alike++
			continue
		}
		if why := d.known(n); why != "" {
			sum.known[why]++
			continue
		}
		if sum.unknown++; sum.unknown <= mostShown {
			t.Errorf("%s: %s: %v: %s: the peer says %s, Lessor %s", d.s.name(), d.s.title, d.st, n, d.tell(n, d.peer), d.tell(n, d.lessor))
		}
	}
}

// hostRequirements are the options of which Lessor knows what a host does that is told nothing, and tells who asks.
var hostRequirements = []item{19, 20, 22, 23, 24, 27, 29, 30, 31, 32, 34, 35, 36, 37, 38, 39}

// known names the reason for which a field may differ, as docs/layers.md has it; "" if there is none.
func (d *difference) known(name string) string {
	if name == "lease time" && d.p.accept == "" && d.st == askLong && bytes.Equal(d.lessor[name], d.plain[name]) {
		return "without accept a client that asks for more time than it would get is not given more"
	}
	for _, c := range d.s.cases {
		if c.what.String() != name && !(c.what >= leaseDefault && name == "lease time") {
			continue
		}
		if d.peer[name] == nil && len(d.pr.ranked(d.s, c)) == 0 && slices.Contains(hostRequirements, c.what) {
			return "what RFC 1122 and its successors give a host is told to who asks for it"
		}
	}
	return ""
}

// tell says whose value a field has.
func (d *difference) tell(name string, f fields) string {
	if name == "lease time" && len(f[name]) == 4 {
		return fmt.Sprintf("%d s", binary.BigEndian.Uint32(f[name]))
	}
	for _, c := range d.s.cases {
		if c.what.String() == name {
			return fmt.Sprintf("%x (%s, among %v)", f[name], c.winner(f), c.among)
		}
	}
	return fmt.Sprintf("%x", f[name])
}
