package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// asked are the forms that change something and may need a yes.
var asked = map[string]string{
	"/leases/198.51.100.57/reserve": "sure=yes&name=printer3&by=client-id", "/configuration/rollback": "version=3f9ac1&comment=my+reason", "/configuration/resolve": "take=east&comment=my+reason",
}

// parted makes an example of two members whose versions do not fit together. The version with the lower name is A.
func parted(ours, theirs string) *example {
	x := newExample()
	x.conflict = &node.ConfigConflict{
		Ours: node.VersionRow{Version: ours, Author: "ada", Comment: "the new router"}, Theirs: node.VersionRow{Version: theirs, Author: "bob", Member: "east", Comment: "the old one is broken"}, Clients: 7,
		Concerned: []node.ClientExample{{Address: x.detail.Address, Hostname: "printer-3", Differs: []node.Difference{{Name: "routers", HasText: "10.1.0.1", WouldText: "10.1.0.3"}}}},
		Conflicts: []version.Conflict{{Key: "networks.floor1.options.routers", Reason: version.BothChanged, Base: "[10.1.0.1]", A: "[10.1.0.2]", B: "[10.1.0.3]", ALine: 7, BLine: 9}},
	}
	return x
}

// Both values, both authors and the clients concerned stand side by side, this server's on the left, whichever version has the lower name.
func TestAConflictStandsSideBySide(t *testing.T) {
	for names, left := range map[[2]string]string{{"aaaa", "bbbb"}: "[10.1.0.2]", {"bbbb", "aaaa"}: "[10.1.0.3]"} {
		body := get(t, visit(parted(names[0], names[1]), "administrator"), "/configuration").Body.String()
		one, other, found := strings.Cut(body[strings.Index(body, `class="side s0"`):], `class="side s1"`)
		if !found || !strings.Contains(one, left) || !strings.Contains(one, "ada") || strings.Contains(other[:strings.Index(other, "</article>")], left) || !strings.Contains(other, "bob") {
			t.Errorf("%v: %s", names, body)
		}
		if at := map[string]string{"aaaa": "aaaa#L7", "bbbb": "bbbb#L9"}; !strings.Contains(one, at[names[0]]) || !strings.Contains(other, at[names[1]]) {
			t.Errorf("%v: where each says it is not a link: %s", names, body)
		}
		for _, says := range []string{"7 clients", "printer-3", "both changed it", "take=west", "take=east"} {
			if !strings.Contains(body, says) {
				t.Errorf("%v: nothing says %q", names, says)
			}
		}
		body = get(t, visit(parted(names[0], names[1]), "administrator"), "/configuration/resolve?take=west").Body.String()
		if !strings.Contains(body, "<ins>"+left) || !strings.Contains(body, "bob's change") && !strings.Contains(body, "bob&#39;s change") {
			t.Errorf("%v, before west's is kept: %s", names, body)
		}
	}
	if body := get(t, visit(parted("aaaa", "bbbb"), "viewer"), "/configuration").Body.String(); strings.Contains(body, "/configuration/resolve") {
		t.Error("a viewer is offered to end it")
	}
	for path, code := range map[string]int{"/configuration/resolve?take=north": 400, "/configuration/resolve": 400} {
		if w := get(t, visit(parted("aaaa", "bbbb"), "administrator"), path); w.Code != code {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(t, visit(newExample(), "administrator"), "/configuration/resolve?take=east"); w.Code != 400 || !strings.Contains(w.Body.String(), "no conflict any more") {
		t.Errorf("without a conflict: %d", w.Code)
	}
}

// What needs a yes is asked again with what follows from it, and what was typed stays.
func TestWhatNeedsAYesIsAskedAgain(t *testing.T) {
	for path, form := range asked {
		x := parted("aaaa", "bbbb")
		x.objection = &api.Problem{Status: http.StatusConflict, Confirm: &node.ConfirmError{Why: []string{"3 clients lose their address"}}}
		h := visit(x, "administrator")
		w := send(t, h, "POST", path, form, "HX-Request", "true", "HX-Target", "asked")
		body := strings.TrimSpace(w.Body.String())
		if w.Code != 200 || !strings.HasPrefix(body, `<div class="card" id="asked"`) || !strings.Contains(body, "3 clients lose their address") || !strings.Contains(body, `id="yes"`) {
			t.Errorf("%s: %d\n%s", path, w.Code, body)
		}
		if kept := strings.Contains(body, `value="my reason"`) || strings.Contains(body, `value="printer3"`) && strings.Contains(body, `value="client-id" checked`); !kept {
			t.Errorf("%s forgot what was typed:\n%s", path, body)
		}
		x.objection = nil
		if w := send(t, h, "POST", path, form+"&yes=yes"); w.Code != http.StatusSeeOther {
			t.Errorf("%s with a yes: %d %s", path, w.Code, w.Body)
		}
	}
}

// What a change leaves to be said is said; where there is nothing the next page comes at once.
func TestWhatAChangeLeavesToSayIsSaid(t *testing.T) {
	for path, form := range map[string]string{"/leases/198.51.100.57/reserve": "sure=yes&name=printer3", "/configuration/apply": "document=x"} {
		for _, done := range []node.Applied{
			{Version: "3f9ac1", Changed: true, Adopted: true, Notes: []string{"192.0.2.9 is in no subnet of the configuration: it is never given"}},
			{Version: "3f9ac1", Changed: true, Waits: "waits until east has it"},
		} {
			x := newExample()
			x.applied = done
			w := send(t, visit(x, "administrator"), "POST", path, form)
			if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, "3f9ac1") || !strings.Contains(body, strings.Join(done.Notes, "")+done.Waits) {
				t.Errorf("%s: %d\n%s", path, w.Code, body)
			}
		}
		if w := send(t, visit(newExample(), "administrator"), "POST", path, form); w.Code != http.StatusSeeOther {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// A history says where something may be missing from it.
func TestAHistoryNamesItsGaps(t *testing.T) {
	x := newExample()
	if body := get(t, visit(x, "viewer"), "/leases/198.51.100.57").Body.String(); strings.Contains(body, "something may be missing") {
		t.Errorf("of a whole one:\n%s", body)
	}
	for i := range 5 {
		x.history.Gaps = append(x.history.Gaps, node.Gap{From: before(time.Duration(5-i) * time.Hour), To: before(time.Duration(5-i)*time.Hour - time.Minute), Why: "gap number " + string(rune('0'+i))})
	}
	x.history.Gaps[4].To = x.history.Gaps[4].From
	body := get(t, visit(x, "viewer"), "/leases/198.51.100.57").Body.String()
	for number, want := range []bool{false, false, true, true, true} {
		if strings.Contains(body, "something may be missing: gap number "+string(rune('0'+number))) != want {
			t.Errorf("gap %d:\n%s", number, body)
		}
	}
	if !strings.Contains(body, "At about ") {
		t.Error("a moment is told as a stretch")
	}
}

// Nothing is released or reserved without the tick that says that what follows was read.
func TestNothingIsDoneWithoutATick(t *testing.T) {
	x := newExample()
	h := visit(x, "operator")
	for path, form := range map[string]string{"/leases/198.51.100.57/release": "reason=x", "/leases/198.51.100.57/reserve": "name=printer3"} {
		if w := send(t, h, "POST", path, form); w.Code != http.StatusBadRequest || len(x.done) != 0 {
			t.Errorf("%s: %d, %q", path, w.Code, x.done)
		}
		if body := get(t, h, path).Body.String(); !strings.Contains(body, `id="sure" name="sure" value="yes" required`) {
			t.Errorf("%s does not ask", path)
		}
	}
}

// A document is looked at while it is written: what is wrong stands with its line, and a few are looked at at once.
func TestADocumentIsLookedAtWhileItIsWritten(t *testing.T) {
	x := newExample()
	h := visit(x, "viewer")
	w := send(t, h, "POST", "/configuration/check", "document=enterprise%3A+%7B%7D%0Anetworkz%3A+%7B%7D%0A", "HX-Request", "true", "HX-Target", "problems")
	if body := strings.TrimSpace(w.Body.String()); w.Code != 200 || !strings.HasPrefix(body, `<div id="problems"`) || !strings.Contains(body, `data-line="2"`) || !strings.Contains(body, "networkz") {
		t.Errorf("%d\n%s", w.Code, body)
	}
	if w := send(t, h, "POST", "/configuration/check", "document=version%3A+nonsense", "HX-Request", "true", "HX-Target", "problems"); w.Code != 200 || !strings.Contains(w.Body.String(), "leave the line") {
		t.Errorf("a version that is none: %d\n%s", w.Code, w.Body)
	}
	if w := send(t, h, "POST", "/configuration/check", "document="+strings.Repeat("a", maxChecked+1), "HX-Request", "true", "HX-Target", "problems"); w.Code != http.StatusNoContent {
		t.Errorf("a long document: %d", w.Code)
	}
	p := &pages{Config: Config{Visitor: func(*http.Request) (Visitor, bool) { return Visitor{Role: "viewer"}, true }}, checks: make(chan struct{}, 1)}
	p.checks <- struct{}{}
	if w := send(t, p.page(p.check), "POST", "/configuration/check", "document=a"); w.Code != http.StatusNoContent {
		t.Errorf("one too many: %d", w.Code)
	}
	if len(x.done) != 0 {
		t.Errorf("looking did %q", x.done)
	}
}

// The picture of what would happen adds up, and says in words what it says in colours.
func TestThePictureAddsUp(t *testing.T) {
	r := &node.WhatIfReport{Total: 1000, Changed: 300, Lost: 1, Unknown: 10, ReservationCount: 2, Emptied: []string{"floor9"},
		Options: []node.ChangedPart{
			{Name: "routers", Clients: 300, Classes: []node.ClassCount{{Class: "", Clients: 200}, {Class: "phones", Clients: 100}, {Class: "c1", Clients: 9}, {Class: "c2", Clients: 8}, {Class: "c3", Clients: 7}, {Class: "c4", Clients: 6}, {Class: "c5", Clients: 5}}},
			{Name: "lease-time", Clients: 5, Classes: []node.ClassCount{{Class: "phones", Clients: 5}}}},
		Pools:        []node.PoolWhatIf{{Network: "floor1", Range: "10.0.0.1-10.0.0.10", Size: 10, Active: 8, Moving: 12, Missing: 10}},
		Reservations: []node.ReservationCollision{{Address: newExample().detail.Address, Host: "printer1", Holder: node.ClientExample{Hostname: "guest"}, Until: before(-time.Hour)}},
		Dropped:      []node.DroppedSubnet{{Network: "floor1", Subnet: "10.1.0.0/16", Clients: 4}}}
	m := impactOf(r)
	sum := 0
	for i, s := range m.Shares {
		sum += s.Count
		if s.X < 0 || s.X+s.Width > 100.01 || i > 0 && s.X < m.Shares[i-1].X {
			t.Errorf("%s from %v, %v wide", s.Name, s.X, s.Width)
		}
	}
	if sum != r.Total || len(m.Shares) != 4 {
		t.Errorf("the parts are %d clients of %d: %v", sum, r.Total, m.Shares)
	}
	if len(m.Columns) != maxColumns || m.Columns[0] != "" || m.Columns[1] != "phones" || m.Columns[maxColumns-1] != others {
		t.Errorf("columns %q", m.Columns)
	}
	if c := m.Rows[0].Cells; c[0] != (heat{200, "f1"}) || c[maxColumns-1].Count != 11 || m.Rows[1].Cells[0] != (heat{}) {
		t.Errorf("cells %v", m.Rows)
	}
	if b := m.Bars[0]; b.Size != 50 || b.Stay != 40 || b.Come != 60 {
		t.Errorf("a pool %v", b)
	}
	x := newExample()
	x.report = *r
	body := send(t, visit(x, "viewer"), "POST", "/configuration/what-if", "document=x").Body.String()
	for _, says := range []string{"would notice nothing", "other classes", "10 too few", "printer1", "guest", "in the document no more", "floor9 would have no pool", `role="img" aria-labelledby="shares-say"`} {
		if !strings.Contains(body, says) {
			t.Errorf("nothing says %q", says)
		}
	}
	if m := impactOf(&node.WhatIfReport{}); !m.Calm || len(m.Shares) != 0 {
		t.Errorf("nobody: %v", m)
	}
}

// The time line of an address has each state once, from the first that is known until now.
func TestTheTimeLineOfALease(t *testing.T) {
	x := newExample()
	a := x.detail.Address
	h := &node.LeaseHistory{
		Changes: []node.LeaseChange{{Time: before(time.Hour), Address: a, State: "active", Happened: "granted", Hardware: "02:00:00:00:00:07"}, {Time: before(2 * time.Hour), Address: a, State: "expired", Happened: "expired"},
			{Time: before(3 * time.Hour), Address: a, State: "active", Happened: "renewed", Hardware: "02:00:00:00:00:08"}, {Time: before(-time.Hour), Address: a, State: "free"}},
		Before: []node.LeaseChange{{Time: before(4 * time.Hour), Address: a, State: "active", Happened: "granted", Hardware: "02:00:00:00:00:08"}, {Address: a, State: "free"}},
	}
	all, from := stripsOf(h, "02:00:00:00:00:07", noon)
	if len(all) != 1 || !from.Equal(noon.Add(-4*time.Hour)) {
		t.Fatalf("%v from %v", all, from)
	}
	var classes []string
	end := 0.0
	for _, p := range all[0].Pieces {
		classes = append(classes, p.Class)
		if p.X < end-.5 || p.X > end+.5 {
			t.Errorf("%s begins at %v, and what was before ends at %v", p.State, p.X, end)
		}
		end = p.X + p.Width
	}
	if !slices.Equal(classes, []string{"other", "expired", "active"}) || end < 99.5 || end > 100.5 {
		t.Errorf("%q, until %v", classes, end)
	}
	if all, _ := stripsOf(&node.LeaseHistory{}, "", noon); all != nil {
		t.Errorf("of nothing: %v", all)
	}
}
