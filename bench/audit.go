package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// apply makes the next document the configuration.
func (s *soak) apply(at *place) (string, error) {
	s.mu.Lock()
	next := *at
	next.enterprise = s.options()
	s.mu.Unlock()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	c := exec.CommandContext(ctx, at.program, "config", "apply", "--yes", "--comment", "soak", "--socket", at.socket(), "-")
	c.Stdin = strings.NewReader(lessorPairDocument(&next))
	out, err := c.CombinedOutput()
	return string(out), err
}

// row is what is read of a lease.
type row struct {
	Address  netip.Addr `json:"address"`
	State    string     `json:"state"`
	Hardware string     `json:"hardware"`
	Expires  *time.Time `json:"expires"`
	CLTT     *time.Time `json:"cltt"`
	Result   string     `json:"result"`
}

// listed calls each with every row that a list of `lessor` prints as JSON, one a line.
func (at *place) listed(command string, each func(*row)) (n int, err error) {
	c := exec.Command(at.program, command, "--json", "--socket", at.socket())
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, err
	}
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		return 0, err
	}
	lines := json.NewDecoder(out)
	for {
		var r row
		if e := lines.Decode(&r); e != nil {
			if !errors.Is(e, io.EOF) {
				err = e
			}
			break
		}
		n++
		each(&r)
	}
	if e := c.Wait(); e != nil {
		err = errors.Join(err, fmt.Errorf("lessor %s: %w: %s", command, e, said.String()))
	}
	return n, err
}

// calm waits until both servers are in NORMAL, have told each other everything, and have looked at every lease since the
// newest change.
func (s *soak) calm(ctx context.Context) error {
	for end := time.Now().Add(3 * time.Minute); ; {
		calm := 0
		for _, p := range s.sides {
			st, err := p.at.status()
			if err == nil && lessorNormal(p.at) && st.Partners[0].Unacked == 0 && st.Stale != nil && !st.Stale.Sweeping {
				calm++
			}
		}
		if calm == len(s.sides) {
			return nil
		}
		if time.Now().After(end) {
			return errors.New("the two did not calm down within 3 min")
		}
		if !wait(ctx, 500*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// judge returns what was not as it should be.
func (s *soak) judge(ctx context.Context, r *load.Report) []string {
	if r.Doubled > 0 {
		s.bad("%d addresses were given to a client while another client had them", r.Doubled)
	}
	if r.LostPart() > 0.001 {
		s.bad("%d of %d exchanges were not answered", r.Lost, r.Begun)
	}
	if r.Renew.Refused > 0 {
		s.bad("%d renewals were refused", r.Renew.Refused)
	}
	if s.refused > 0 {
		s.bad("%d changes of the configuration were refused", s.refused)
	}
	if err := s.calm(ctx); err != nil {
		s.bad("%v", err)
	} else {
		s.audit()
	}
	s.flat()
	return s.trouble
}

// audit compares what the clients were promised with what each server knows, the two servers with each other, and the
// ledger of those who have something else than they would get with what they have.
func (s *soak) audit() {
	promises := map[netip.Addr]load.Promise{}
	now := time.Now()
	for _, p := range s.crowd.Promises() {
		promises[p.Address] = p
	}
	var tables [2]map[netip.Addr]string
	var stale [2]int
	for i, p := range s.sides {
		tables[i], stale[i] = s.auditOne(p.at, promises, now)
	}
	differ := 0
	for a, x := range tables[0] {
		if tables[1][a] != x {
			differ++
		}
	}
	if differ > 0 || len(tables[0]) != len(tables[1]) {
		s.bad("the two know different things of %d addresses, of %d and %d", differ, len(tables[0]), len(tables[1]))
	}
	s.note("%d promises and %d and %d records compared, %d and %d clients in the stale ledgers", len(promises), len(tables[0]), len(tables[1]), stale[0], stale[1])
}

// auditOne looks at one server.
func (s *soak) auditOne(at *place, promises map[netip.Addr]load.Promise, now time.Time) (table map[netip.Addr]string, stale int) {
	name, table := sideName(at.side), map[netip.Addr]string{}
	kept, results := 0, map[netip.Addr]string{}
	var newest time.Time
	newestResult := ""
	if _, err := at.listed("leases", func(r *row) {
		table[r.Address] = r.State + r.Hardware
		if p, ok := promises[r.Address]; ok && r.State == "active" && r.Hardware == net.HardwareAddr(p.Hardware[:]).String() &&
			r.Expires != nil && !r.Expires.Before(now.Add(p.Left-2*time.Second)) {
			kept++
		}
		if r.State == "active" {
			results[r.Address] = r.Result
			if r.CLTT != nil && r.CLTT.After(newest) {
				newest, newestResult = *r.CLTT, r.Result
			}
		}
	}); err != nil {
		s.bad("%s: %v", name, err)
	}
	if kept < len(promises) {
		s.bad("%s knows %d of %d promises", name, kept, len(promises))
	}
	listed := map[netip.Addr]bool{}
	if _, err := at.listed("stale", func(r *row) { listed[r.Address] = true }); err != nil {
		s.bad("%s: %v", name, err)
	}
	wrong := 0
	for a, result := range results {
		if listed[a] != (result != newestResult) {
			wrong++
		}
	}
	if st, err := at.status(); err != nil || st.Stale == nil || st.Stale.Clients != len(listed) {
		s.bad("%s counts other clients in the stale ledger than the %d that it lists: %v", name, len(listed), err)
	}
	if wrong > 0 {
		s.bad("%s: the stale ledger is wrong of %d of %d clients", name, wrong, len(results))
	}
	return table, len(listed)
}

// flat looks whether the first process grew.
func (s *soak) flat() {
	early, late := s.fifth(1), s.fifth(4)
	if len(early) == 0 || len(late) == 0 {
		s.bad("too few samples of the first process")
		return
	}
	for _, x := range []struct {
		what      string
		of        func(sample) int
		part, few int // what it may grow by: a part, and some
	}{
		{"octets of memory", func(m sample) int { return m.memory }, 10, 16 << 20},
		{"descriptors", func(m sample) int { return m.descriptors }, 1 << 30, 8},
		{"goroutines", func(m sample) int { return m.goroutines }, 1 << 30, 8},
	} {
		a, b := middle(early, x.of), middle(late, x.of)
		if b > a+a/x.part+x.few {
			s.bad("%s of the first process: %d in the second fifth of the time, %d in the last", x.what, a, b)
		}
	}
}

// fifth returns the samples of one fifth of the time.
func (s *soak) fifth(i int) []sample {
	n := len(s.samples)
	return s.samples[i*n/5 : (i+1)*n/5]
}

func middle[T any, N cmp.Ordered](all []T, of func(T) N) N {
	v := make([]N, len(all))
	for i := range all {
		v[i] = of(all[i])
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// page is the record of the run.
func (s *soak) page(r *load.Report, verdict []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", circumstances())
	fmt.Fprintf(&b, "A pair of Lessors for %v: %.0f exchanges a second of the mix (16 renewals, 2 new, 2 released), %d leases, a loss every %v in turn (killed, cut off, stopped), "+
		"a change of the configuration every %v. The process of `west` lives throughout.\n\n", s.total, s.rate, s.leases, s.failEvery, s.changeEvery)
	fmt.Fprintf(&b, "- %d exchanges begun, %d done, %d unanswered, %d refused, %d asked again; given twice: %d. p50 %v, p99 %v, p999 %v, max %v.\n", r.Begun, r.Done, r.Lost,
		r.Refused, r.Again, r.Doubled, r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), r.P999.Round(time.Millisecond), r.Max.Round(time.Millisecond))
	for _, x := range []struct {
		name string
		t    load.Tally
	}{{"renewals", r.Renew}, {"new clients", r.New}} {
		fmt.Fprintf(&b, "- %s: %d refused; p99 %v, p999 %v, max %v; the longest silence was %v.\n", x.name, x.t.Refused, x.t.P99.Round(time.Millisecond), x.t.P999.Round(time.Millisecond),
			x.t.Max.Round(time.Millisecond), x.t.Silence.Round(time.Millisecond))
	}
	fmt.Fprintf(&b, "- %d losses, NORMAL again after", len(s.normal))
	for _, d := range s.normal {
		fmt.Fprintf(&b, " %.1f", d.Seconds())
	}
	fmt.Fprintf(&b, " s; %d changes of the configuration, %d refused.\n\n", s.changes, s.refused)
	fmt.Fprintln(&b, "| of `west`, median | 1st fifth | 2nd | 3rd | 4th | 5th |\n|---|---|---|---|---|---|")
	s.series(&b, "memory, MB", func(m sample) int { return m.memory >> 20 })
	s.series(&b, "descriptors", func(m sample) int { return m.descriptors })
	s.series(&b, "goroutines", func(m sample) int { return m.goroutines })
	s.series(&b, "records", func(m sample) int { return m.bindings })
	fmt.Fprintf(&b, "\n%s\n", s.log[len(s.log)-1])
	if len(verdict) == 0 {
		fmt.Fprintln(&b, "\n**All as it should be.**")
	}
	for _, v := range verdict {
		fmt.Fprintf(&b, "\n**Not as it should be**: %s\n", v)
	}
	return b.String()
}

func (s *soak) series(b *strings.Builder, what string, of func(sample) int) {
	fmt.Fprintf(b, "| %s |", what)
	for i := range 5 {
		if f := s.fifth(i); len(f) > 0 {
			fmt.Fprintf(b, " %d |", middle(f, of))
		} else {
			fmt.Fprint(b, " |")
		}
	}
	fmt.Fprintln(b)
}
