package node

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/logbook"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// A text from the network comes back as it was received, whatever is in it.
var hostileName = "\x1b]0;x\a<script>\xff\x00=cmd|' /C calc'!A0\u202e" + string(bytes.Repeat([]byte{'a'}, 200))

func writtenEvent() keptEvent {
	return keptEvent{Event: Event{
		ID: EventID{7, 12}, Time: At(time.Unix(1764000000, 123456789)), Kind: LeaseGranted, Level: slog.LevelInfo, Message: "lease granted",
		Hardware: "02:00:00:00:00:01", ClientID: "01:02", Hostname: hostileName, Address: netip.MustParseAddr("10.0.0.9"), Interface: "eth0",
		Relay: netip.MustParseAddr("10.9.0.1"), Network: "lan", Class: "phones", Partner: "east", State: "NORMAL", Expires: At(binding.Forever),
		Type: "ACK", XID: 1<<32 - 1, Reason: "r", Detail: "d",
	}, missed: 5}
}

func TestAnEventIsReadAsItWasWritten(t *testing.T) {
	for _, e := range []keptEvent{writtenEvent(), {Event: Event{ID: EventID{7, 1}, Kind: ConfigRefused, Level: slog.LevelError}}} {
		var w written
		w.putEvent(&e)
		for n := range w.b {
			cut := written{b: w.b[:n]}
			if _, ok := cut.event(7); ok {
				t.Errorf("%d octets of %d were an event", n, len(w.b))
			}
		}
		if got, ok := w.event(7); !ok || got != e || len(w.b) != 0 {
			t.Errorf("%+v, %v", got, ok)
		}
	}
}

func FuzzWrittenEvents(f *testing.F) {
	var w written
	e := writtenEvent()
	w.putEvent(&e)
	f.Add(w.b)
	w = written{}
	w.putState(&StateTransition{At(time.Unix(1764000000, 0)), "west", "NORMAL", "STARTUP", "they met"})
	f.Add(w.b)
	f.Fuzz(func(t *testing.T, b []byte) {
		w := written{b: b}
		if e, ok := w.event(7); ok {
			var again written
			again.putEvent(&e)
			if got, ok := again.event(7); !ok || got != e {
				t.Fatalf("%+v became %+v, %v", e, got, ok)
			}
		}
		w = written{b: b}
		if s, ok := w.state(); ok {
			var again written
			again.putState(&s)
			if got, ok := again.state(); !ok || got != s {
				t.Fatalf("%+v became %+v, %v", s, got, ok)
			}
		}
	})
}

func someChanges() (es []pastEntry, members []binding.Member, versions []binding.Digest) {
	members, versions = []binding.Member{"west", "east"}, []binding.Digest{{1}, {2}, {3}}
	for i := range 9 {
		es = append(es, pastEntry{
			at: uint32(1764000000 + i), expires: uint32(i), addr: 0x0a000001, client: 77, version: uint16(i % 4), hardware: [6]byte{2, 3},
			htype: 1, hlen: 6, state: binding.Active, cause: 2, member: uint8(i % 3), flags: uint8(i & 1),
		})
	}
	return es, members, versions
}

func TestChangesOfLeasesAreReadAsTheyWereWritten(t *testing.T) {
	es, members, versions := someChanges()
	var w changePages
	for range 2 {
		text := slices.Clone(w.page(es, members, versions))
		page, ok := readChanges(text, uint32(len(es)))
		if !ok {
			t.Fatal("it is no page")
		}
		var p leasePast
		if bad := p.take(&page, 2, &p.rare, keptRare); bad != 0 || p.rare.end != 7 {
			t.Fatalf("%d are bad, and %d were read", bad, p.rare.end)
		}
		for i := range es[2:] {
			got, want := *p.rare.at(uint64(i), keptRare), es[i+2]
			if nth(p.members, int(got.member)) != nth(members, int(want.member)) || nth(p.versions, int(got.version)) != nth(versions, int(want.version)) {
				t.Errorf("%d: %+v of %v and %v", i, got, p.members, p.versions)
			}
			if got.member, got.version = want.member, want.version; got != want {
				t.Errorf("%+v became %+v", want, got)
			}
		}
	}
}

func FuzzWrittenChanges(f *testing.F) {
	es, members, versions := someChanges()
	var w changePages
	f.Add(w.page(es, members, versions), uint32(len(es)))
	f.Add([]byte{0, 0, 0}, uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, count uint32) {
		page, ok := readChanges(b, count)
		if !ok {
			return
		}
		var p leasePast
		bad := p.take(&page, 0, &p.rare, keptRare)
		if p.rare.end+uint64(bad) != uint64(count) {
			t.Fatalf("%d and %d of %d", p.rare.end, bad, count)
		}
		for i := range p.rare.end {
			p.show(p.rare.at(i, keptRare)) // whatever is in it can be shown
		}
	})
}

// chapter is a run of a server's events, written into books and read from them by the next.
type chapter struct {
	t    *testing.T
	hub  *hub
	b    *books
	node *Node
}

// begin starts a run with what those before wrote.
func beginChapter(t *testing.T, dir string, run int64, most int64) *chapter {
	n := &Node{books: newBooks(filepath.Join(dir, "past"), run), log: slog.New(slog.DiscardHandler), core: &Core{}, clock: &clock{}}
	n.hub.epoch = run
	n.books.leases.most, n.books.troubles.most = most, most
	if !n.openBooks() {
		t.Fatal(n.books.bad.err)
	}
	return &chapter{t, &n.hub, n.books, n}
}

// Over any number of restarts, in order or not, whoever comes back hears each event once, in order, or is told that some are missing.
func TestAListenerThatComesBackAfterRestartsMissesNothingUnsaid(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 5 {
		dir := t.TempDir()
		most := int64(4<<20) >> (r.IntN(8))
		var happened []EventID
		died := map[int64]bool{}
		for run := int64(10); run < 30; run += int64(1 + r.IntN(4)) {
			c := beginChapter(t, dir, run, most)
			for range r.IntN(60) {
				var es []Event
				for range r.IntN(9) {
					e := leaseEvent(0)
					if r.IntN(3) == 0 {
						e = troubleEvent(0)
					}
					es = append(es, e)
				}
				c.hub.publish(es, 0)
				for i := range es {
					happened = append(happened, es[i].ID)
				}
				if r.IntN(4) == 0 {
					c.node.writeBooks()
				}
				c.hub.breathe()
			}
			if died[run] = r.IntN(3) == 0; !died[run] {
				c.node.endBooks()
			}
			c.b.close()
		}
		c := beginChapter(t, dir, 99, most)
		for range 30 {
			from := r.IntN(len(happened))
			after := happened[from]
			heard, missing, told := from, uint64(0), uint64(0)
			for _, e := range c.hub.replay(&EventFilter{}, after) {
				if e.Kind == EventsLost {
					if told += e.Lost; e.Lost == 0 {
						told += mostEvents // it is not known how many
					}
					continue
				}
				at := slices.Index(happened[heard+1:], e.ID)
				if at < 0 {
					t.Fatalf("seed %d: after %v came %v, behind %v", seed, after, e.ID, happened[heard])
				}
				missing += uint64(at)
				heard += 1 + at
			}
			if missing += uint64(len(happened) - 1 - heard); missing > told {
				t.Fatalf("seed %d: after %v %d are missing, and %d are said to be", seed, after, missing, told)
			}
		}
		c.b.close()
	}
}

// What was written in order is replayed without a gap; nothing is said to be missing where nothing is.
func TestAServerThatWasStoppedLosesNothing(t *testing.T) {
	dir := t.TempDir()
	for run := int64(1); run < 5; run++ {
		c := beginChapter(t, dir, run, leasesBook)
		for i := range 20 {
			c.hub.publish([]Event{leaseEvent(i), troubleEvent(i)}, 0)
		}
		c.node.endBooks()
		c.b.close()
	}
	c := beginChapter(t, dir, 9, leasesBook)
	defer c.b.close()
	for after, want := range map[EventID]int{{}: 160, {1, 1}: 159, {1, 40}: 120, {2, 17}: 103, {4, 40}: 0, {4, 99}: 0} {
		es := c.hub.replay(&EventFilter{}, after)
		if len(es) != want || slices.ContainsFunc(es, func(e Event) bool { return e.Kind == EventsLost }) {
			t.Errorf("after %v: %d events, expected %d", after, len(es), want)
		}
	}
	if es := c.hub.replay(&EventFilter{}, EventID{0, 5}); len(es) != 161 || es[0].Kind != EventsLost {
		t.Errorf("a run that nobody knows: %d", len(es))
	}
}

// runWith runs a server with what is written in a directory.
func runWith(t *testing.T, fs *memfs.FS, dir string) *running {
	t.Helper()
	pastOfTests = dir
	defer func() { pastOfTests = "" }()
	return run(t, fs)
}

func historyOf(t *testing.T, r *running, a netip.Addr) LeaseHistory {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h, err := r.node.AddressHistory(ctx, a, 0)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// What became of an address, and what happened, is known after a restart.
func TestAServerKnowsWhatWasBeforeItsStart(t *testing.T) {
	fs, dir := memfs.New(0), filepath.Join(t.TempDir(), "past")
	var a netip.Addr
	var first EventID
	for again := range 4 {
		r := runWith(t, fs, dir)
		var err error
		if a, err = newRelay(t, r.port).lease(1); err != nil {
			t.Fatal(err)
		}
		h := historyOf(t, r, a)
		if len(h.Changes) != again+1 || h.More || len(h.Gaps) != 0 {
			t.Errorf("start %d: %+v", again+1, h)
		}
		last := h.Changes[len(h.Changes)-1]
		if last.Happened != "granted" || last.By != "west" || last.ConfigVersion == "" || h.Since.After(last.Time.Add(time.Second)) {
			t.Errorf("the first is %+v, since %v", last, h.Since)
		}
		ch, err := r.node.EventsAfter(t.Context(), EventFilter{}, first)
		if err != nil {
			t.Fatal(err)
		}
		leases := 0
		for e := range ch {
			if e.Kind == EventsLost {
				t.Errorf("start %d: %+v", again+1, e)
			}
			if first.IsZero() {
				first = e.ID
			}
			if e.Kind == LeaseGranted || e.Kind == LeaseRenewed {
				if leases++; leases == again+1 {
					break
				}
			}
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A server that is killed knows all but its last moment, and says so.
func TestAServerThatDiedSaysThatItDid(t *testing.T) {
	fs, dir := memfs.New(0), filepath.Join(t.TempDir(), "past")
	r := runWith(t, fs, dir)
	a, err := newRelay(t, r.port).lease(1)
	if err != nil {
		t.Fatal(err)
	}
	died := filepath.Join(t.TempDir(), "past")
	for deadline := time.Now().Add(20 * time.Second); ; { // what lies in the files while it lives is what a killed one leaves
		n := 0
		if err := os.CopyFS(died, os.DirFS(dir)); err == nil { // it may just make the directory, or a file of it
			private(t, died)
			_ = logbook.New(died, "changes", changesBook).Read(func(logbook.Page) { n++ })
		}
		if n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing of what happened is in the files")
		}
		if err := os.RemoveAll(died); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is said again by who comes later
		r = runWith(t, fs, died)
		h := historyOf(t, r, a)
		if len(h.Changes) != 1 || len(h.Gaps) != 1 || h.Gaps[0].Why != whyDied || !h.Gaps[0].From.Before(h.Gaps[0].To.Time) {
			t.Errorf("%+v", h)
		}
		ch, err := r.node.EventsAfter(t.Context(), EventFilter{Level: slog.LevelWarn}, EventID{})
		if err != nil {
			t.Fatal(err)
		}
		if e := <-ch; e.Kind != EventsLost || e.Message != whyEnded {
			t.Errorf("%+v", e)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// private takes everybody else's rights to what was copied.
func private(t *testing.T, dir string) {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if err := os.Chmod(filepath.Join(dir, n.Name()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever lies where its past should lie, a server begins, serves, and writes what it can.
func TestBadFilesKeepNoServerFromStarting(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"noise": func(dir string) error {
			for _, name := range []string{"changes", "renewals", "leases", "troubles", "states", "alive"} {
				if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("LLB1 noise"), 5000), 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		"directories":      func(dir string) error { return os.MkdirAll(filepath.Join(dir, "changes", "changes.1"), 0o700) },
		"links":            func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "changes")) },
		"open to all":      func(dir string) error { return os.WriteFile(filepath.Join(dir, "changes"), nil, 0o600|0o044) },
		"no directory":     func(dir string) error { _ = os.Remove(dir); return os.WriteFile(dir, nil, 0o600) },
		"an open one":      func(dir string) error { return os.Chmod(dir, 0o755) },
		"nothing above it": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "past")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			if name == "nothing above it" {
				dir = filepath.Join(dir, "past")
			}
			r := runWith(t, memfs.New(0), dir)
			a, err := newRelay(t, r.port).lease(1)
			if err != nil {
				t.Fatal(err)
			}
			if h := historyOf(t, r, a); len(h.Changes) != 1 {
				t.Errorf("%+v", h)
			}
			st, err := r.node.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			alarm := slices.ContainsFunc(st.Alarms, func(a Alarm) bool { return a.Code == "past-not-written" })
			if cannot := slices.Contains([]string{"no directory", "an open one", "nothing above it"}, name); alarm != cannot {
				t.Errorf("the alarm is raised: %v", alarm)
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What both servers of a pair were in is told over restarts, with the time in which nobody looked.
func TestStatesAreToldOverRestarts(t *testing.T) {
	at := func(s int) Instant { return At(time.Unix(1764000000+int64(s), 0)) }
	run := func(s int) int64 { return at(s).UnixMilli() }
	page := func(r int, first uint64, ts ...StateTransition) logbook.Page {
		var w written
		for i := range ts {
			w.putState(&ts[i])
		}
		return logbook.Page{Run: run(r), First: first, Count: uint32(len(ts)), Kind: pageOfEntries, Body: w.b}
	}
	ended := func(r int, kind uint32, s int) logbook.Page {
		var w written
		w.putTime(at(s).Time)
		w.putNumber(0)
		return logbook.Page{Run: run(r), Kind: kind, First: 3, Body: w.b}
	}
	var read bookRead
	for _, p := range []logbook.Page{
		page(0, 0, StateTransition{at(1), "west", "NORMAL", "STARTUP", "a"}, StateTransition{at(1), "east", "NORMAL", "UNKNOWN", "b"}),
		page(0, 2, StateTransition{at(50), "east", "COMMUNICATIONS-INTERRUPTED", "NORMAL", "c"}),
		ended(0, pageOfTheEnd, 60),
		page(100, 0, StateTransition{at(101), "west", "COMMUNICATIONS-INTERRUPTED", "STARTUP", "d"}),
	} {
		read.add(p)
	}
	if again := read.unended(run(100), at(130).Time); len(again) != 1 || again[0].run != run(100) {
		t.Errorf("%+v", again)
	}
	var e earlierRuns
	e.recallStates(&read, "west", run(200))
	line := Timeline{Since: at(200), Transitions: []StateTransition{{Time: at(200), Member: "west", State: "STARTUP"}, {Time: at(200), Member: "east", State: "unknown"},
		{at(201), "west", "NORMAL", "STARTUP", "e"}}}
	e.begin(&line)
	got := ""
	for _, s := range line.Transitions {
		got += fmt.Sprintf("%d %s %s from %s\n", s.Time.Unix()-1764000000, s.Member, s.State, s.From)
	}
	const want = `0 west STARTUP from 
0 east UNKNOWN from 
1 west NORMAL from STARTUP
1 east NORMAL from UNKNOWN
50 east COMMUNICATIONS-INTERRUPTED from NORMAL
60 west not running from NORMAL
60 east unknown from COMMUNICATIONS-INTERRUPTED
100 west STARTUP from not running
101 west COMMUNICATIONS-INTERRUPTED from STARTUP
130 west not running from COMMUNICATIONS-INTERRUPTED
200 west STARTUP from not running
200 east unknown from unknown
201 west NORMAL from STARTUP
`
	if got != want || line.Since != at(0) {
		t.Errorf("since %v:\n%s", line.Since, got)
	}
}
