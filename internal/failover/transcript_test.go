package failover

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

var update = flag.Bool("update", false, "write the transcripts of testdata anew")

// A transcript is commands, each followed by what came of it:
//
//	advance 1h
//	----
//	west: COMMUNICATIONS-INTERRUPTED -> PARTNER-DOWN: …
//
// west is the primary. Nothing is left to chance, and a message takes a millisecond.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *update {
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("it went otherwise; run with -update to see the difference, or:\n%s", got)
			}
		})
	}
}

// play carries out the commands of a transcript, and returns it with what came of them now.
func play(t *testing.T, text string) string {
	var out strings.Builder
	w := newWorld(1, 0, false)
	w.end = simStart.Add(1000 * time.Hour)
	w.steady, w.outside = true, true
	w.nodes[1].offset = 0
	for _, n := range w.nodes {
		n.cfg.MaxUnacked, n.cfg.ReceiveTimer, n.cfg.Startup = 10, 10*time.Minute, 5*time.Second
		n.disk.recs = make([]*binding.Binding, 8)
		n.acked, n.offers = make([]simAcked, 8), make([]simOffer, 8)
	}
	w.say = func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	blocks := strings.Split(strings.TrimSuffix(text, "\n"), "\n\n")
	for i, b := range blocks {
		if i > 0 {
			out.WriteByte('\n')
		}
		commands, _, _ := strings.Cut(b+"\n", "----\n")
		out.WriteString(commands)
		if strings.TrimSpace(strings.ReplaceAll(commands, "#", "")) == "" {
			continue
		}
		out.WriteString("----\n")
		for _, c := range strings.Split(strings.TrimSpace(commands), "\n") {
			if !strings.HasPrefix(c, "#") {
				w.command(t, strings.Fields(c))
				w.runUntil(w.now.Add(100 * time.Millisecond))
			}
		}
		if w.failed != "" {
			t.Fatalf("%s: %s", commands, w.failed)
		}
	}
	return out.String()
}

// node returns the server with that name.
func (w *simWorld) node(t *testing.T, name string) *simNode {
	for _, n := range w.nodes {
		if string(n.cfg.Self) == name {
			return n
		}
	}
	t.Fatalf("there is no server %q", name)
	return nil
}

func (w *simWorld) command(t *testing.T, c []string) {
	arg := func(i int) string {
		if len(c) <= i {
			return ""
		}
		return c[i]
	}
	switch c[0] {
	case "start":
		for _, name := range c[1:] {
			if n := w.node(t, name); !n.up {
				n.start()
			}
		}
		w.reconnect()
	case "link-down":
		w.cut = true
		w.resetLink("link-down")
	case "link-stall":
		w.cut = true
	case "link-up":
		w.cut = false
		w.reconnect()
	case "crash", "wipe":
		w.node(t, arg(1)).crash(c[0] == "wipe")
	case "advance":
		d, err := time.ParseDuration(arg(1))
		if err != nil {
			t.Fatal(err)
		}
		w.runUntil(w.now.Add(d))
	case "partner-down":
		cmd := DeclareDown{}
		for i, word := range c[2:] {
			switch word {
			case "never-served":
				cmd.NeverServed = true
			case "forced":
				cmd.Forced, cmd.Reason = true, strings.Join(c[i+3:], " ")
			}
		}
		w.node(t, arg(1)).step(cmd)
	case "maintenance":
		w.node(t, arg(1)).step(Maintain{On: arg(2) == "on"})
		w.reconnect()
	case "configure":
		w.configure(t, w.node(t, arg(1)), c[2:])
	case "connect": // whatever connection there is
		w.link = &simLink{}
		for _, n := range w.nodes {
			n.step(LinkUp{})
		}
	case "found":
		r := NewRecord(w.now, simMCLT, true)
		w.node(t, arg(1)).disk.rec = &r
	case "remember": // a copy of the disk is put aside
		w.kept = w.node(t, arg(1)).disk
		w.kept.recs = append([]*binding.Binding(nil), w.kept.recs...)
		r := *w.kept.rec
		w.kept.rec = &r
	case "roll-back":
		n := w.node(t, arg(1))
		n.disk = w.kept
		n.acked = make([]simAcked, len(n.acked))
	case "client":
		w.clientCommand(t, c)
	case "show":
		w.show()
	default:
		t.Fatalf("there is no command %q", c[0])
	}
}

// configure: "configure west mclt=30m ranges=a options=b relationship=lab partner=north store=2". A server that runs takes it
// as a reload.
func (w *simWorld) configure(t *testing.T, n *simNode, words []string) {
	var parts []Part
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "mclt":
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			n.cfg.MCLT = d
		case "ranges", "options":
			parts = append(parts, partOf(key, value, key == "ranges"))
		case "relationship":
			n.cfg.Relationship = value
		case "partner":
			n.cfg.Partner = binding.Member(value)
		default:
			t.Fatalf("nobody can configure %q", key)
		}
	}
	if len(parts) > 0 {
		n.cfg.Parts = PartsOf(parts)
	}
	if n.up {
		n.step(Reconfigured{n.cfg})
		w.reconnect()
	}
}

// clientCommand: "client 1 asks west", "client 1 renews east", "client 1 releases west".
func (w *simWorld) clientCommand(t *testing.T, words []string) {
	var id int
	if _, err := fmt.Sscan(words[1], &id); err != nil {
		t.Fatal(err)
	}
	for len(w.clients) <= id {
		c := &simClient{id: len(w.clients), addr: -1, reach: [2]bool{true, true}}
		c.self.Hardware = binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, byte(c.id)})
		w.clients = append(w.clients, c)
	}
	c, n := w.clients[id], w.node(t, words[3])
	before := c.until
	c.reach = [2]bool{w.nodes[0] == n, w.nodes[1] == n}
	if !n.up {
		w.tell("client %d: %s does not run", id, words[3])
		return
	}
	switch words[2] {
	case "asks":
		if i, ok := n.offer(c); ok {
			n.selecting(c, i)
		}
	case "renews":
		n.verify(c)
	case "releases":
		c.from = w.side(n)
		w.release(c)
		w.tell("client %d: gave it back", id)
		return
	default:
		t.Fatalf("a client does not %q", words[2])
	}
	w.runUntil(w.now.Add(200 * time.Millisecond))
	if c.until.Equal(before) {
		w.tell("client %d: no answer", id)
		return
	}
	w.tell("client %d: %v until +%v", id, w.addr(c.addr), c.until.Sub(w.now).Round(time.Minute))
}

// show says what either server knows.
func (w *simWorld) show() {
	for _, n := range w.nodes {
		if !n.up {
			w.tell("%s: down", n.cfg.Self)
			continue
		}
		t := n.terms
		share := "-"
		if !t.PartnerShareFrom.IsZero() {
			share = max(0, t.PartnerShareFrom.Sub(n.now())).Round(time.Minute).String()
		}
		w.tell("%s: %v, partner %v, known %v, new %v, balanced %v, partner's share in %s, unacked %d",
			n.cfg.Self, n.ep.State(), n.ep.rec.Partner, t.Known, t.New, t.Balanced, share, n.ep.outbox.len()+len(n.ep.rec.Gifts))
		for i, b := range n.recs {
			if b == nil {
				continue
			}
			owner := string(b.Owner)
			if owner != "" {
				owner = " of " + owner
			}
			w.tell("  %v %v%s, %v until +%v", w.addr(i), b.State, owner, &b.Client, b.Expires.Sub(n.now()).Round(time.Minute))
		}
		w.tell("  never used: %s", w.unused(n))
	}
}

func (w *simWorld) unused(n *simNode) string {
	count := map[binding.Member]int{}
	for i, b := range n.recs {
		if b == nil {
			count[n.ep.ownerOf(w.addr(i))]++
		}
	}
	return fmt.Sprintf("%d of west, %d of east", count["west"], count["east"])
}
