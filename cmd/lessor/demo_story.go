package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// The demo's clients, and how long what they are told lasts: short, so that somebody can watch.
const (
	demoClients = 129
	demoLease   = "60s"
	demoMCLT    = "15s"
)

const demoMap = `        west                                                 east
     198.51.100.2                                         198.51.100.3
          │                                                    │
   ───────┴──────── segment W ════ the bridge ════ segment E ──┴───────
             65 clients                       64 clients

          one shared network: 198.51.100.0/24 and 203.0.113.0/24
`

// demoRouter is what the administrator adds.
var demoRouter = netip.MustParseAddr("198.51.100.1")

// demoDocument is the group's part of the configuration.
func demoDocument(router bool) string {
	options := ""
	if router {
		options = "\n        options: {routers: [" + demoRouter.String() + "]}"
	}
	return `group:
  name: campus
  members: {west: {peer: 198.51.100.2:647}, east: {peer: 198.51.100.3:647}}
  failover: {mclt: ` + demoMCLT + `, guard: 1s, max-skew: 1s, receive-timer: 3s, startup: 1s, reconnect: 500ms}
enterprise:
  lease: {default: ` + demoLease + `, min: 5s}
  authoritative: true
  conflict-probe: 0s
  options: {domain-name: corp.example}
networks:
  floor1:
    subnets:
      198.51.100.0/24:` + options + `
        pools: [{range: 198.51.100.50-198.51.100.149}]
      203.0.113.0/24:
        options: {routers: [203.0.113.1]}
        pools: [{range: 203.0.113.50-203.0.113.149}]
`
}

func (d *demo) prologue(ctx context.Context) error {
	fmt.Fprintf(d.out, "%s\n\n", d.paint(bold, "The story of two servers and the bridge"))
	d.say("In 1997 the people who were designing a protocol between DHCP servers asked what it is for. Two servers, each on its own segment of one shared network, know of each other's leases. The configuration is changed at one of them, and the bridge between them fails before the other has it. Clients of the one now sit on the other's side. What does it tell them?")
	fmt.Fprintf(d.out, "\n%s", demoMap)
	return d.pause(ctx, 13*time.Second)
}

// found makes the two servers a group, and starts them.
func (d *demo) found(ctx context.Context) error {
	d.head("Two servers become a group")
	for _, s := range []demoSide{demoWest, demoEast} {
		text := fmt.Sprintf("server: {name: %v, interfaces: [eth0], data: %s}\n", s, d.stage.path(s.String()))
		if err := d.stage.write(s.file(), text+demoDocument(false)); err != nil {
			return err
		}
	}
	if err := d.stage.write("router.yaml", demoDocument(true)); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "%s cat west.yaml\n", d.paint(dim, "west$"))
	fmt.Fprint(d.out, indented("server: {name: west, interfaces: [eth0], data: …}\n"+demoDocument(false)), "\n")
	if err := d.pause(ctx, 7*time.Second); err != nil {
		return err
	}
	if err := d.join(ctx); err != nil {
		return err
	}
	if err := d.stage.serve(demoEast); err != nil {
		return err
	}
	if err := until(ctx, 30*time.Second, "both servers serve as a pair", func() bool {
		return d.state(ctx, demoWest) == "NORMAL" && d.state(ctx, demoEast) == "NORMAL"
	}); err != nil {
		return err
	}
	fmt.Fprintln(d.out)
	return d.pause(ctx, 4*time.Second)
}

// join founds the group at west, starts it, and gets east its keys.
func (d *demo) join(ctx context.Context) error {
	show := func(s demoSide, line string) {
		fmt.Fprintf(d.out, "%s %s\n", d.paint(dim, s.String()+"$"), line)
	}
	show(demoWest, "lessor group init --config west.yaml --json | jq -r '.tokens[].token' >token")
	out, err := d.stage.quiet(ctx, demoWest, "group", "init", "--config", demoWest.file(), "--json")
	if err != nil {
		return err
	}
	var founded struct{ Tokens []struct{ Token string } }
	if err := json.Unmarshal(out, &founded); err != nil || len(founded.Tokens) != 1 {
		return fmt.Errorf("lessor group init gave no token: %w: %s", err, out)
	}
	if err := d.stage.write("token", founded.Tokens[0].Token+"\n"); err != nil {
		return err
	}
	show(demoWest, "lessor serve --config west.yaml &")
	if err := d.stage.serve(demoWest); err != nil {
		return err
	}
	if err := until(ctx, 20*time.Second, "west serves", func() bool { return d.state(ctx, demoWest) != "" }); err != nil {
		return err
	}
	show(demoEast, "lessor group join --config east.yaml <token")
	if _, err := d.stage.quiet(ctx, demoEast, "group", "join", "--config", demoEast.file(), "--token-file", "token"); err != nil {
		return err
	}
	show(demoEast, "lessor serve --config east.yaml &")
	return nil
}

// state is the state that a server is in with the other one; empty: it does not answer.
func (d *demo) state(ctx context.Context, s demoSide) string {
	st, err := d.stage.client(s).Status(ctx)
	if err != nil || len(st.Partners) != 1 {
		return ""
	}
	return st.Partners[0].State
}

// arrive makes the clients come.
func (d *demo) arrive(ctx context.Context) error {
	d.head(fmt.Sprintf("%d clients come", demoClients))
	var err error
	if d.people, err = newDemoPeople(demoClients, d.stage.path("clients")); err != nil {
		return err
	}
	all := d.people.some(func(*demoClient) bool { return true })
	whole := func() (n int) {
		for _, c := range all {
			if d.people.of(c).lease >= 59*time.Second {
				n++
			}
		}
		return n
	}
	if err := until(ctx, 40*time.Second, "every client has a whole lease", func() bool { return whole() == len(all) }); err != nil {
		return err
	}
	if d.root, err = d.oneHead(ctx, 10*time.Second); err != nil {
		return err
	}
	in198 := d.people.some(func(c *demoClient) bool { return demo198(c.told) })
	d.say("Both servers know all %d leases. %d clients have an address of 198.51.100.0/24, for which no router is configured.", len(all), len(in198))
	fmt.Fprintln(d.out)
	if err := d.stage.show(ctx, demoEast, "config", "status"); err != nil {
		return err
	}
	return d.pause(ctx, 7*time.Second)
}

var demoSubnet198 = netip.MustParsePrefix("198.51.100.0/24")

// demo198 reports whether a client has an address in the subnet that is changed.
func demo198(t demoTold) bool { return demoSubnet198.Contains(t.address) }

// oneHead waits until both servers serve by one version, and returns it.
func (d *demo) oneHead(ctx context.Context, t time.Duration) (head string, err error) {
	err = until(ctx, t, "both servers serve by one version", func() bool {
		w, err1 := d.stage.client(demoWest).ConfigStatus(ctx)
		e, err2 := d.stage.client(demoEast).ConfigStatus(ctx)
		head = w.Head
		return err1 == nil && err2 == nil && w.Head != "" && w.Head == e.Head && w.Tip == w.Head && e.Tip == e.Head
	})
	return head, err
}

// change lets the bridge fail, and has the configuration changed at west.
func (d *demo) change(ctx context.Context) error {
	d.head("The administrator adds a router at west, and the bridge fails")
	if err := d.stage.bridge(false); err != nil {
		return err
	}
	d.say("The bridge fails just before the change is made: east has not heard of it. West does not know that yet.")
	fmt.Fprintln(d.out)
	if err := d.stage.show(ctx, demoWest, "config", "apply", "router.yaml", "--comment", "a router for 198.51.100.0/24"); err != nil {
		return err
	}
	st, err := d.stage.client(demoWest).ConfigStatus(ctx)
	if err != nil {
		return err
	}
	d.made = st.Tip
	if st.Head != d.root && st.Link != "lost" {
		return errors.New("west serves by the change before it has declared the link lost")
	}
	d.say("A change is served by when the other member has it, too, or when the link to it is declared lost. Until then clients go on hearing what both know.")
	return d.pause(ctx, 5*time.Second)
}

// answer waits until west serves by the change, and lets clients hear it.
func (d *demo) answer(ctx context.Context) error {
	d.head("West has declared the link lost, and serves by the change")
	if err := until(ctx, 30*time.Second, "west serves by the change", func() bool {
		st, err := d.stage.client(demoWest).ConfigStatus(ctx)
		return err == nil && st.Head == d.made
	}); err != nil {
		return err
	}
	if err := d.stage.show(ctx, demoWest, "config", "status"); err != nil {
		return err
	}
	heard := d.people.some(func(c *demoClient) bool { return c.at == demoWest && demo198(c.told) })
	heard = heard[:min(24, len(heard))]
	if _, err := d.people.asks(ctx, demoRebinding, heard, 10*time.Second); err != nil {
		return err
	}
	n := d.hears(heard, demoRouter)
	d.say("%d clients on west's segment ask for more time, and %d of them hear the new answer:", len(heard), n)
	d.quote(heard[:min(3, len(heard))])
	if n != len(heard) {
		return fmt.Errorf("only %d of %d clients heard of the router from west", n, len(heard))
	}
	d.moved = heard[:min(10, len(heard))]
	return d.pause(ctx, 9*time.Second)
}

// hears counts the clients that were last told the router; the zero Addr: none.
func (d *demo) hears(all []*demoClient, router netip.Addr) (n int) {
	for _, c := range all {
		if d.people.of(c).router == router {
			n++
		}
	}
	return n
}

// quote shows what clients were told, in their own words.
func (d *demo) quote(all []*demoClient) {
	for _, c := range all {
		t := d.people.of(c)
		router := "no router"
		if t.router.IsValid() {
			router = "router " + t.router.String()
		}
		d.note("%s %-10s %v, %s, for %v", d.paint(dim, t.by().String()+" to"), c.name+":", t.address, d.paint(bold, router), t.lease)
	}
	fmt.Fprintln(d.out)
}

// move takes some of those who heard the new answer to the other side.
func (d *demo) move(ctx context.Context) error {
	d.head(fmt.Sprintf("%d of them move to east's segment", len(d.moved)))
	// Servers order what two of them told a client by whole seconds.
	if err := sleep(ctx, 1100*time.Millisecond); err != nil {
		return err
	}
	d.people.move(d.moved, demoEast)
	half := len(d.moved) / 2
	n, err := d.people.asks(ctx, demoRebinding, d.moved[:half], 10*time.Second)
	if err != nil {
		return err
	}
	m, err := d.people.asks(ctx, demoRebooting, d.moved[half:], 10*time.Second)
	if err != nil {
		return err
	}
	d.say("%d look for anybody who gives them more time, and %d start anew. East knows their leases from before the bridge failed, and what they had been told then. That, and nothing else, is what it tells them: it cannot know that they have heard something newer.", n, m)
	fmt.Fprintln(d.out)
	d.quote(d.moved[:min(3, len(d.moved))])
	if n+m != len(d.moved) || d.hears(d.moved, netip.Addr{}) != len(d.moved) {
		return errors.New("east told those who moved something that it could not know, or did not answer them")
	}
	if err := d.stage.show(ctx, demoEast, "lease", d.people.of(d.moved[0]).address.String()); err != nil {
		return err
	}
	return d.pause(ctx, 9*time.Second)
}

// meet heals the bridge.
func (d *demo) meet(ctx context.Context) error {
	d.head("The bridge heals")
	began := time.Now()
	if err := d.stage.bridge(true); err != nil {
		return err
	}
	if err := until(ctx, 30*time.Second, "both servers serve by the change", func() bool {
		head, err := d.oneHead(ctx, time.Second)
		return err == nil && head == d.made && d.state(ctx, demoWest) == "NORMAL" && d.state(ctx, demoEast) == "NORMAL"
	}); err != nil {
		return err
	}
	d.say("%.1f s later both serve by the new version, and have told each other all leases. Those who moved had heard something newer, and then something older. No server could have known that while it happened. Now both do, and name them:", time.Since(began).Seconds())
	fmt.Fprintln(d.out)
	var named []netip.Addr
	if err := until(ctx, 15*time.Second, "those who moved are named", func() bool {
		all, err := d.stale(ctx, demoWest, "told older while apart")
		named = all
		return err == nil && len(all) == len(d.moved)
	}); err != nil {
		return fmt.Errorf("%w (%d of %d)", err, len(named), len(d.moved))
	}
	if err := d.stage.show(ctx, demoEast, "stale", "--cause", "told"); err != nil {
		return err
	}
	return d.pause(ctx, 9*time.Second)
}

// stale returns who is in a server's ledger for a cause; "" is any.
func (d *demo) stale(ctx context.Context, s demoSide, cause string) (all []netip.Addr, err error) {
	err = d.stage.client(s).Stale(ctx, node.StaleFilter{Cause: cause}, func(r node.StaleRow) error {
		all = append(all, r.Address)
		return nil
	})
	return all, err
}

// drain waits until everybody has heard of the change, as they renew.
func (d *demo) drain(ctx context.Context) error {
	d.head("Everybody hears of it")
	d.say("The ledger of those who have something else than the configuration would give them empties by itself, as they renew: at half of their lease, here 30 s.")
	fmt.Fprintln(d.out)
	began, last := time.Now(), -1
	err := until(ctx, 90*time.Second, "both ledgers are empty", func() bool {
		w, err1 := d.stale(ctx, demoWest, "")
		e, err2 := d.stale(ctx, demoEast, "")
		if err1 != nil || err2 != nil {
			return false
		}
		d.bar(max(len(w), len(e)), &last, time.Since(began))
		return len(w) == 0 && len(e) == 0
	})
	fmt.Fprintln(d.out)
	if err != nil {
		return err
	}
	in198 := d.people.some(func(c *demoClient) bool { return demo198(c.told) })
	n := d.hears(in198, demoRouter)
	d.say("%d of %d clients of 198.51.100.0/24 have the router, by their own lease files. Nobody lost an address, or was given another's.", n, len(in198))
	if wrongs := d.people.wrongs(); n != len(in198) || len(wrongs) > 0 {
		return fmt.Errorf("not everybody was served well: %d of %d have the router; %s", n, len(in198), strings.Join(wrongs, "; "))
	}
	return d.pause(ctx, 4*time.Second)
}

// bar shows how many are left: on a terminal in one line, else a line for about each ten.
func (d *demo) bar(n int, last *int, after time.Duration) {
	if n == *last || !d.colour && n > 0 && *last-n < 10 && *last >= 0 {
		return
	}
	*last = n
	line := fmt.Sprintf("  %3d %s", n, strings.Repeat("▪", min(n, width(d.out)-20)))
	switch {
	case d.colour:
		fmt.Fprintf(d.out, "\r\x1b[K%s", line)
	default:
		fmt.Fprintf(d.out, "  after %4.1f s: %d\n", after.Seconds(), n)
	}
}

// end tells what can be played with, and waits until somebody has had enough.
func (d *demo) end(ctx context.Context) error {
	fmt.Fprintln(d.out)
	d.say("The same story with two ISC dhcpd and with two Kea is in docs/story.md, with what their clients were told, and all its variations: two edits that do not fit together, an option of which each server has its own value, a restart in the middle.")
	if !d.paced {
		return nil
	}
	program := d.stage.program
	fmt.Fprintf(d.out, `
%s From another terminal, as root:

  cd %s
  export LESSOR_SOCKET=$PWD/west/lessor.sock          # you are at west now
  alias lessor=%s

  lessor status                                       # how the two servers stand
  lessor lease %-15v                        # one lease: what it was told, and why
  lessor config history                               # who changed what
  lessor config show | sed s/100.1]/100.9]/ | lessor config apply - --comment "another router"
  lessor stale                                        # who has not heard of it yet

  ip -n %s link set bridge down             # the bridge fails; `+"`up`"+` heals it
  lessor config apply FILE                            # now change the same thing on both sides,
  LESSOR_SOCKET=$PWD/east/lessor.sock lessor config apply OTHER     # heal the bridge, and see:
  lessor config resolve

Ctrl-C ends it, and takes everything away.
`, d.paint(bold, "Everything goes on running."), d.stage.dir, program, d.people.of(d.moved[0]).address, demoWire)
	<-ctx.Done()
	return ctx.Err()
}

// indented puts two spaces before each line.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}
