package node

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

const staleDocument = `server: {name: west, data: /nowhere}
classes:
  odd: {kind: hardware, match: 'hardware.endsWith("1") || hardware.endsWith("3")', options: {tftp-server-name: boot.example}}
networks:
  all:
    lease: {default: 1h}
    subnets:
      10.0.0.0/16:
        relays: [127.0.0.1]
        options: {domain-name: corp.example}
        pools: [{range: 10.0.1.0-10.0.1.9}, {range: 10.0.2.0-10.0.2.255}]
`

// reload has the running server serve by its document with some of it replaced, and waits until the ledger is complete.
func (r *running) reload(t *testing.T, replace ...string) {
	t.Helper()
	if err := r.node.Reload(t.Context(), staleDoc(t, replace...), version.ID{}); err != nil {
		t.Fatal(err)
	}
	for sweeping := true; sweeping; {
		if err := r.node.do(t.Context(), func(*Effects) { sweeping = r.node.core.Sweeping() }); err != nil {
			t.Fatal(err)
		}
	}
}

func staleDoc(t *testing.T, replace ...string) *config.Document {
	t.Helper()
	doc, problems := config.Parse("run.yaml", []byte(strings.NewReplacer(replace...).Replace(staleDocument)))
	if doc == nil {
		t.Fatal(problems)
	}
	return doc
}

func (r *running) stale(t *testing.T, f StaleFilter) (rows []StaleRow) {
	t.Helper()
	if err := r.node.Stale(t.Context(), f, func(row *StaleRow) error { rows = append(rows, *row); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(rows, func(a, b StaleRow) int { return a.Address.Compare(b.Address) })
	return rows
}

// The ledger names who has something else than the configuration gives, and what, and drains as they renew.
func TestTheLedgerNamesWhoIsStaleUntilTheyRenew(t *testing.T) {
	r, err := runAt(t, memfs.New(0), false, staleDocument, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	c := newRelay(t, r.port)
	addrs := map[uint32]netip.Addr{}
	for n := uint32(1); n <= 6; n++ {
		if addrs[n], err = c.lease(n); err != nil {
			t.Fatal(err)
		}
	}
	if rows := r.stale(t, StaleFilter{}); len(rows) != 0 {
		t.Fatalf("nothing was changed, and %+v", rows)
	}
	before, err := r.node.Status(t.Context())
	if err != nil || before.Stale.Clients != 0 || before.Stale.Total != 6 || before.Stale.Sweeping || !before.Stale.SinceOldest.IsZero() {
		t.Errorf("%v %+v", err, before.Stale)
	}
	at := time.Now().Add(-2 * time.Second)
	r.reload(t, "corp.example", "new.example", "boot.example", "tftp.example")
	rows := r.stale(t, StaleFilter{})
	if len(rows) != 6 {
		t.Fatalf("%d of 6 clients are stale", len(rows))
	}
	for _, row := range rows {
		want := []Difference{{
			Name: "domain-name", Has: "corp.example", WouldHave: "new.example", HasText: "corp.example", WouldText: "new.example", Why: fmt.Sprintf("subnet 10.0.0.0/16, version %.12s:10", row.WouldVersion),
		}}
		if odd := strings.HasSuffix(row.Hardware, "1") || strings.HasSuffix(row.Hardware, "3"); odd != (len(row.Differs) == 2) {
			t.Errorf("%+v", row)
		}
		if !reflect.DeepEqual(row.Differs[:1], want) || row.Cause != "configuration changed" || row.Home != "west" || row.Network != "all" ||
			row.HasVersion == "" || row.WouldVersion == row.HasVersion || row.Since.Before(at) || row.Since.After(time.Now().Add(2*time.Second)) {
			t.Errorf("%+v", row)
		}
	}
	if got := r.stale(t, StaleFilter{Limit: 2}); len(got) != 2 {
		t.Errorf("%d rows where two are wanted", len(got))
	}
	if got := r.stale(t, StaleFilter{Address: host(addrs[3])}); len(got) != 1 || got[0].Address != addrs[3] {
		t.Errorf("of one address: %+v", got)
	}
	if got := r.stale(t, StaleFilter{Client: ParseClient(rows[0].Hardware)}); len(got) != 1 || got[0].Address != rows[0].Address {
		t.Errorf("of one client: %+v", got)
	}
	if got := r.stale(t, StaleFilter{Cause: "told older while apart"}); len(got) != 0 {
		t.Errorf("of another cause: %+v", got)
	}
	if err := r.node.Stale(t.Context(), StaleFilter{Cause: "the weather"}, nil); err == nil {
		t.Error("there is no such cause")
	}

	// lessor lease says the same.
	d, _, err := r.node.Lease(t.Context(), addrs[2])
	if err != nil || !d.Today.Differs || slices.IndexFunc(d.Options, func(o ToldOption) bool { return o.Differs && o.Name == "domain-name" }) < 0 {
		t.Errorf("%v %+v", err, d)
	}
	for left := 6; left > 0; left-- {
		s, err := r.node.Status(t.Context())
		if err != nil || s.Stale.Clients != left || s.Stale.ByCause["configuration changed"] != left || s.Stale.SinceOldest.IsZero() {
			t.Errorf("%d are left: %v %+v", left, err, s.Stale)
		}
		if _, err := c.lease(uint32(left)); err != nil {
			t.Fatal(err)
		}
	}
	if rows := r.stale(t, StaleFilter{}); len(rows) != 0 {
		t.Errorf("everybody renewed, and %+v", rows)
	}
	audit(t, r)

	// Back to what it was: since a restart nothing is forgotten of who is stale.
	r.reload(t)
	since := r.stale(t, StaleFilter{})[0].Since
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again, err := runAt(t, r.fs, false, staleDocument, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer again.stop()
	if rows := again.stale(t, StaleFilter{}); len(rows) != 6 || rows[0].Since.Sub(since.Time).Abs() > 5*time.Second {
		t.Errorf("after a restart: since %v, %+v", since, rows)
	}
}

func audit(t *testing.T, r *running) {
	t.Helper()
	var wrong error
	if err := r.node.do(t.Context(), func(*Effects) { wrong = r.node.core.Audit() }); err != nil || wrong != nil {
		t.Error(err, wrong)
	}
}

// A proposed configuration is run over the leases, and says what it would do to whom.
func TestWhatIf(t *testing.T) {
	r, err := runAt(t, memfs.New(0), false, staleDocument, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	c := newRelay(t, r.port)
	var addrs []netip.Addr
	for n := uint32(1); n <= 14; n++ { // ten in the first pool, four in the second
		a, err := c.lease(n)
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, a)
	}
	whatIf := func(replace ...string) *WhatIfReport {
		t.Helper()
		last := 0
		w, err := r.node.WhatIf(t.Context(), staleDoc(t, replace...), func(done, total int) {
			if last = done; total != 14 || done > total {
				t.Errorf("%d of %d", done, total)
			}
		})
		if err != nil || w.Total != 14 || last != 14 {
			t.Fatalf("%v %d %+v", err, last, w)
		}
		return w
	}

	if w := whatIf(); w.Changed+w.ByChange+w.Lost+w.StaleNow+w.Unknown != 0 || len(w.Consequences()) != 0 || w.Head != w.Head {
		t.Errorf("nothing would change: %+v", w)
	}
	w := whatIf("corp.example", "new.example", "boot.example", "tftp.example")
	if w.Changed != 14 || w.ByChange != 14 || w.Lost != 0 || len(w.Consequences()) != 0 {
		t.Errorf("%+v", w)
	}
	var names []string
	for _, o := range w.Options {
		names = append(names, fmt.Sprintf("%s %d %d", o.Name, o.Clients, len(o.Examples)))
	}
	if got, want := strings.Join(names, ", "), "domain-name 14 14"; !strings.HasPrefix(got, want) {
		t.Errorf("%s", got)
	}
	if d := w.Options[0].Examples[0].Differs; len(d) != 1 || d[0].Has != "corp.example" || d[0].WouldHave != "new.example" || d[0].Why == "" {
		t.Errorf("%+v", d)
	}
	if w := whatIf("default: 1h", "default: 2h"); w.Changed != 14 || len(w.Options) != 1 || w.Options[0].Name != "lifetime" || w.Options[0].Examples[0].Differs[0].WouldText != "2h" {
		t.Errorf("%+v", w)
	}

	// The second pool is taken out: four lose their address, and there is no other for them.
	w = whatIf(", {range: 10.0.2.0-10.0.2.255}", "")
	if w.Lost != 4 || w.Orphans() != 4 || w.LostBy[0].Why != "no pool has it" || len(w.LostBy[0].Examples) != 4 || len(w.Pools) != 2 {
		t.Fatalf("%+v", w)
	}
	if p := w.Pools[0]; !p.Gone || p.Active != 4 || p.Range != "10.0.2.0-10.0.2.255" {
		t.Errorf("%+v", p)
	}
	if p := w.Pools[1]; p.Gone || p.Size != 10 || p.Active != 10 || p.Moving != 4 || p.Missing != 4 {
		t.Errorf("%+v", p)
	}
	wants(t, w, "4 clients would lose their address: 4 because no pool has it", "pool 10.0.2.0-10.0.2.255 of subnet 10.0.0.0/16 would be gone, with 4 leases in it",
		"10 of 10 stay in use, 4 clients would look for one there, and for 4 there is none")

	// The first is: the ten have room in the second.
	w = whatIf("{range: 10.0.1.0-10.0.1.9}, ", "")
	if w.Lost != 10 || len(w.Pools) != 1 || !w.Pools[0].Gone {
		t.Errorf("%+v", w)
	}
	// All are.
	w = whatIf("{range: 10.0.1.0-10.0.1.9}, {range: 10.0.2.0-10.0.2.255}", "")
	wants(t, w, "14 clients would lose their address", "", "", "network all would have no pool any more")
	// The subnet is.
	w = whatIf("10.0.0.0/16", "10.7.0.0/16", "10.0.1.0-10.0.1.9", "10.7.1.0-10.7.1.9", "10.0.2.0-10.0.2.255", "10.7.2.0-10.7.2.255")
	if len(w.Dropped) != 1 || w.Dropped[0] != (DroppedSubnet{Network: "all", Subnet: "10.0.0.0/16", Clients: 14}) || w.LostBy[0].Why != "its subnet is on another network than the client" && w.LostBy[0].Why != "no subnet has it" {
		t.Errorf("%+v", w)
	}
	wants(t, w, "14 clients would lose their address", "subnet 10.0.0.0/16 of network all would be dropped, with 14 leases in it")
	// The pools deny those of a class.
	w = whatIf("10.0.1.0-10.0.1.9}", "10.0.1.0-10.0.1.9, deny: [unknown]}")
	if w.Lost != 10 || w.LostBy[0].Why != "its pool does not admit the client" {
		t.Errorf("%+v", w)
	}
	// An address is kept for somebody else than who has it.
	w = whatIf("classes:", "hosts: {printer: {hardware: 02:ff:00:00:00:01, address: "+addrs[3].String()+"}}\nclasses:")
	if w.Lost != 1 || w.ReservationCount != 1 || w.Reservations[0].Address != addrs[3] || w.Reservations[0].Host != "printer" || w.Reservations[0].Holder.Address != addrs[3] {
		t.Errorf("%+v", w)
	}
	wants(t, w, "1 client would lose its address: 1 because it is reserved for another client", "1 address would be reserved while another client has it, the first of them "+addrs[3].String()+", for host printer")
	audit(t, r)
}

// wants checks the sentences that need a yes, of each how it begins.
func wants(t *testing.T, w *WhatIfReport, want ...string) {
	t.Helper()
	got := w.Consequences()
	if len(got) != len(want) {
		t.Errorf("%q", got)
		return
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("%q is not about %q", got[i], want[i])
		}
	}
}
