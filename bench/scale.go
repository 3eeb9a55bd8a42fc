package main

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// size is what a server has to deal with.
type size struct {
	leases, subnets, classes, pool int
}

// String is the beginning of its row.
func (x size) String() string {
	return fmt.Sprintf("| %d | %d | %d | %d | ", x.leases, x.subnets, x.classes, x.pool)
}

// base is the size that each row differs from in one thing.
var base = size{leases: 20000, subnets: 1, classes: 0, pool: 1 << 20}

// sizes are those that are measured, up to so many leases.
func sizes(most int) (all []size) {
	for _, n := range []int{1, 20000, 100000, 1000000, 10000000} {
		if n > most {
			break
		}
		x := base
		x.leases = n
		x.pool = max(x.pool, 3*n/2)
		all = append(all, x)
	}
	for _, n := range []int{100, 10000} {
		x := base
		x.subnets, x.pool = n, n*(each(n)-3)
		all = append(all, x)
	}
	for _, n := range []int{20, 500} {
		x := base
		x.classes = n
		all = append(all, x)
	}
	for _, n := range []int{100, 10000, widest - 2} {
		x := base
		x.pool = n
		x.leases = min(x.leases, n*4/5)
		all = append(all, x)
	}
	return all
}

// widest is how many addresses the subnets have together, from 10.16.0.0 on.
const widest = 240 << 16

// each is how many addresses each of n subnets has: a power of two.
func each(n int) int {
	e := 1
	for 2*e*n <= widest {
		e *= 2
	}
	return e
}

// growth is what was measured of one size.
type growth struct {
	size
	filled        float64 // leases a second, as fast as they were answered
	fresh, renew  *trial
	mixed         *trial
	empty, memory int           // of the process, before and with the leases
	restart       time.Duration // from kill -9 until the first renewal is answered
	whatIf        time.Duration // what a change would do to all clients; 0: not asked
	failed        error
}

// scale measures how the costs of one Lessor grow.
func (p *plan) scale(ctx context.Context) error {
	began := time.Now()
	var all []*growth
	for _, x := range sizes(p.most) {
		if !strings.Contains(x.String(), p.only) {
			continue
		}
		g := &growth{size: x}
		quiet(ctx, p.effort.patience)
		if g.failed = g.measure(ctx, p); g.failed != nil {
			fmt.Fprintf(os.Stderr, "%+v: %v\n", x, g.failed)
		}
		all = append(all, g)
		fmt.Fprint(os.Stderr, g.row())
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return p.keep(p.out, "Scale", scalePage(all, time.Since(began)))
}

// scaleRate is at which costs are compared; all sizes can do it.
const scaleRate = 4000

func (g *growth) measure(ctx context.Context, p *plan) error {
	one := alone(p.lessor)[0]
	document, relays := g.document()
	one.command = func(at *place) ([]string, []string, error) {
		conf, err := at.write("lessor.yaml", fmt.Sprintf(document, at.file("data")))
		return []string{at.program, "serve", "--config", conf, "--log-level", "warn"}, nil, err
	}
	clients := min(g.leases*2+100000, g.pool*9/10)
	s, err := sit(ctx, &one, p.lessor, filepath.Join(p.dir, "scale"), seat{clients: max(1, clients), local: relays})
	if err != nil {
		return err
	}
	defer s.leave()
	u, err := s.usage()
	if err != nil {
		return err
	}
	g.empty = u.memory
	began := time.Now()
	held := s.crowd.Acquire(ctx, g.leases-1, 0, 0, nil)
	g.filled = float64(held) / time.Since(began).Seconds()
	if held < g.leases*99/100 {
		return fmt.Errorf("only %d of %d clients have a lease", held, g.leases)
	}
	if u, err = s.usage(); err != nil {
		return err
	}
	g.memory = u.memory
	return g.costs(ctx, s, p.effort.length)
}

// costs measures what exchanges cost, and a restart. Where there is no room for new clients there is none.
func (g *growth) costs(ctx context.Context, s *sitting, length time.Duration) (err error) {
	rate := min(scaleRate, float64(max(g.leases*10, 100)))
	if err = s.rest(ctx); err != nil {
		return err
	}
	if g.renew, err = s.try(ctx, load.Renew, rate, length); err != nil {
		return err
	}
	if room := float64(g.pool*9/10 - g.leases); room > scaleRate*length.Seconds() {
		if g.fresh, err = s.try(ctx, load.New, scaleRate, length); err != nil {
			return err
		}
	}
	if g.mixed, err = s.try(ctx, load.Mixed, rate, length); err != nil {
		return err
	}
	if g.leases >= many {
		if g.whatIf, err = g.ask(ctx, s.sides[0].at); err != nil {
			return err
		}
	}
	g.restart, err = s.restart(ctx)
	return err
}

// rest waits until the server has done what it was left to do, such as a snapshot, half a minute at most.
func (s *sitting) rest(ctx context.Context) error {
	const look, idle = 300 * time.Millisecond, 10 * time.Millisecond
	before, err := s.usage()
	for end := time.Now().Add(30 * time.Second); err == nil && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		var after usage
		if after, err = s.usage(); after.cpu-before.cpu <= idle {
			break
		}
		before = after
	}
	return err
}

// many leases are so many that what grows with them is seen.
const many = 100000

// ask asks what a change would do to all clients, and returns how long that took.
func (g *growth) ask(ctx context.Context, at *place) (time.Duration, error) {
	document, _ := g.document()
	document = strings.Replace(fmt.Sprintf(document, at.file("data")), "default: 1h}", "default: 1h}, options: {domain-name: example.org}", 1)
	file, err := at.write("changed.yaml", document)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	out, err := exec.CommandContext(ctx, at.program, "config", "apply", "--what-if", "--socket", at.socket(), file).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil // it says that it would need a yes
	}
	if err != nil {
		return 0, fmt.Errorf("what-if: %w: %s", err, last(string(out), 300))
	}
	return time.Since(began), nil
}

// longestRestart is more than ten million leases need.
const longestRestart = 5 * time.Minute

// restart kills the server, starts it, and returns how long it takes until a renewal is answered.
func (s *sitting) restart(ctx context.Context) (time.Duration, error) {
	s.sides[0].kill()
	began := time.Now()
	if err := s.launch(0); err != nil {
		return 0, err
	}
	for {
		r, err := s.crowd.Measure(ctx, load.Plan{Mode: load.Renew, Rate: 200, Duration: 10 * time.Millisecond, Wait: 10 * time.Millisecond, Once: true}, nil)
		switch {
		case err != nil || ctx.Err() != nil:
			return 0, err
		case r.Done > 0:
			return time.Since(began), nil
		case s.ended() != nil:
			return 0, s.ended()
		case time.Since(began) > longestRestart:
			return 0, fmt.Errorf("no answer within %v after the restart", longestRestart)
		}
	}
}

// document returns the configuration, with %s for the data directory, and a relay in each subnet.
func (g *growth) document() (string, []netip.Addr) {
	var b strings.Builder
	b.WriteString("server: {name: bench, interfaces: [eth0], data: %s}\nenterprise: {lease: {default: 1h}}\nnetworks:\n")
	if g.subnets == 1 {
		fmt.Fprintf(&b, "  all: {subnets: {10.0.0.0/8: {pools: [{range: 10.16.0.0-%v}]}}}\n", at(16<<16+g.pool-1))
	}
	relays := []netip.Addr{netip.MustParseAddr(clientAddr)}
	if g.subnets > 1 {
		relays = nil
		size := each(g.subnets)
		for i := range g.subnets {
			first := 16<<16 + i*size
			fmt.Fprintf(&b, "  n%d: {subnets: {%v/%d: {pools: [{range: %v-%v}]}}}\n", i, at(first), 33-bits.Len(uint(size)), at(first+2), at(first+size-2))
			relays = append(relays, at(first+1))
		}
	}
	b.WriteString(classes(g.classes))
	return b.String(), relays
}

// at returns the address of that number in 10.0.0.0/8.
func at(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// classes are such as a site has: most compare the beginning of a text, some look closer, and each gives something.
func classes(n int) string {
	if n == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("classes:\n")
	for i := range n {
		match := fmt.Sprintf(`vendor_class.startsWith("Model%d:")`, i)
		switch i % 5 {
		case 1:
			match = fmt.Sprintf(`hardware.startsWith("02:4c:00:%02x")`, i%256)
		case 2:
			match = fmt.Sprintf(`hardware.endsWith(":%02x") && relayed`, i%256)
		case 3:
			match = fmt.Sprintf(`size(option[55]) > %d && !vendor_class.contains("Model%d")`, 8+i/2, i)
		}
		fmt.Fprintf(&b, "  c%d: {kind: user, match: '%s', options: {domain-name: c%d.example}}\n", i, match, i)
	}
	return b.String()
}

// spread makes all addresses from 10.16.0.0 on the clients', so that there is a relay in each subnet.
func (l *lab) spread() error {
	for _, net := range []string{"10.16.0.0/12", "10.32.0.0/11", "10.64.0.0/10", "10.128.0.0/9"} {
		for _, c := range []string{"-n " + l.client + " route add local " + net + " dev lo", "-n " + l.servers[0] + " route add " + net + " via " + clientAddr} {
			if out, err := ip(strings.Fields(c)...); err != nil {
				return fmt.Errorf("ip %s: %w: %s", c, err, out)
			}
		}
	}
	return nil
}

const scaleColumns = "| leases | subnets | classes | addresses in pools | filled, leases/s | renewal: CPU, µs | p99, ms | new: CPU, µs | p99, ms | mixed: CPU, µs | p99, ms | RSS, MB | octets a lease | kill -9 to first answer, ms | what-if, s |\n" +
	"|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"

func scalePage(all []*growth, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nOne Lessor at %d exchanges a second each (less where there are less than %d leases), durable; each row from an empty store. Filled: by 48 exchanges\n"+
		"at a time, as fast as they are answered; what that leaves to be done, such as a snapshot, is waited for. Classes: a fifth read the vendor class, two the hardware address, which is new with every client, two fifths the\nrequested options. "+
		"Octets a lease: what the resident memory grew by. Took %v. Again: `bench/run --scale`, with `--most 10000000` for 10M leases.\n\n", circumstances(), scaleRate, scaleRate/10, took.Round(time.Second))
	b.WriteString(scaleColumns)
	for _, g := range all {
		b.WriteString(g.row())
	}
	return b.String()
}

func (g *growth) row() string {
	head := g.size.String()
	if g.failed != nil {
		return head + strings.Join(strings.Fields(strings.ReplaceAll(g.failed.Error(), "|", "/")), " ") + " | | | | | | | | | | |\n"
	}
	cells := func(t *trial) string {
		if t == nil {
			return " | "
		}
		if !t.holds() {
			return fmt.Sprintf("%.1f (%.1f %% unanswered) | %.1f", micros(t.cpu), 100*t.report.LostPart(), micros(t.report.P99)/1000)
		}
		return fmt.Sprintf("%.1f | %.1f", micros(t.cpu), micros(t.report.P99)/1000)
	}
	each := ""
	asked := ""
	if g.leases >= many {
		each = fmt.Sprint((g.memory - g.empty) / g.leases)
		asked = fmt.Sprintf("%.1f", g.whatIf.Seconds())
	}
	return head + fmt.Sprintf("%.0f | %s | %s | %s | %d | %s | %d | %s |\n", g.filled, cells(g.renew), cells(g.fresh), cells(g.mixed), g.memory>>20, each, g.restart.Milliseconds(), asked)
}
