package web

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// look is one page: its address, what it shows once it is whole, and what its picture is called.
type look struct{ path, selector, text, picture string }

// looks are all pages, of a lease at an address.
func looks(lease string) []look {
	return []look{
		{"/", "#verdict", "The group is well", "overview"},
		{"/leases", "#found", "desk-0", "leases"},
		{"/leases/" + lease, "main", "What it was told, and why", "lease"},
		{"/leases/" + lease + "/release", "main", "What happens then", ""},
		{"/leases/" + lease + "/reserve", "main", "What happens then", ""},
		{"/stale", "main", "every client has what the configuration says", ""},
		{"/failover", "#pair", "Who was in which state", "failover"},
		{"/failover/partner-down", "main", "What happens then", ""},
		{"/failover/maintenance", "main", "What happens then", ""},
		{"/network", "#map", "A square is", "network"},
		{"/configuration", "main", "in force", "configuration"},
		{"/configuration/edit", "main", "What would happen", ""},
		{"/events", "#link", "connected", "events"},
		{"/nowhere", "main", "There is no such page", ""},
	}
}

// Every page, in light and dark, on a desk and on a phone: it shows what it is for, has nothing that axe-core calls serious, never
// scrolls sideways, and the browser has nothing to complain of.
func TestEveryPage(t *testing.T) {
	s := newSite(t)
	hosts := s.settle(6)
	lease := hosts[0].Leased("eth0", patience).Addr().String()
	axe := axeSource(t)
	b := browse(t, s.west)
	b.open("/sign-in")
	b.accessible(axe, "/sign-in")
	b.picture("sign-in")
	b.signIn(s.token(s.West, "administrator"))
	for _, l := range looks(lease) {
		for _, scheme := range []string{"light", "dark"} {
			b.scheme(scheme)
			b.desk()
			b.open(l.path)
			b.sees(l.selector, l.text, patience)
			b.accessible(axe, l.path+" "+scheme)
			if l.picture != "" && scheme == "light" {
				b.picture(l.picture)
			}
			if l.picture == "overview" && scheme == "dark" {
				b.picture(l.picture + "-dark")
			}
		}
		b.phone()
		b.open(l.path)
		b.sees(l.selector, l.text, patience)
		if wide := ask[int](b, "document.documentElement.scrollWidth"); wide > 360 {
			t.Errorf("%s is %d wide on a phone of 360: %s", l.path, wide, ask[string](b, widest))
		}
		b.accessible(axe, l.path+" on a phone")
		if l.picture == "overview" || l.picture == "lease" || l.picture == "network" {
			b.scheme("light")
			b.picture(l.picture + "-phone")
		}
		b.calm(l.path)
	}
}

// widest says which elements reach beyond the right edge.
const widest = `Array.from(document.querySelectorAll("body *")).filter(e => e.getBoundingClientRect().right > 361 && !e.closest(".wide")).slice(0, 5).map(e => e.outerHTML.slice(0, 120)).join("\n")`

// Who has a keyboard only gets everywhere.
func TestByKeyboard(t *testing.T) {
	s := newSite(t)
	s.settle(3)
	b := browse(t, s.west)
	b.signIn(s.token(s.West, "viewer"))
	b.do("tab", chromedp.KeyEvent(kb.Tab))
	if got := ask[string](b, "document.activeElement.className"); got != "skip" {
		t.Errorf("the first stop is %q, not the way to the content", got)
	}
	b.do("skip", chromedp.KeyEvent(kb.Enter))
	if got := ask[string](b, "document.activeElement.id"); got != "main" {
		t.Errorf("it leads to %q", got)
	}
	b.press("/", "Slash")
	b.do("the search, and the name of a client", chromedp.KeyEvent("desk-1"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(css("#found")))
	b.sees("#found", "desk-1", patience)
	if strings.Contains(b.text("#found"), "desk-2") {
		t.Error("others are found, too")
	}
	b.do("as somebody types", chromedp.Focus(css("#search")),
		chromedp.Evaluate[chromedp.Void](`document.getElementById("search").select()`), chromedp.KeyEvent("desk-2"))
	b.sees("#found", "desk-2", patience)
	if at := ask[string](b, "location.search"); !strings.Contains(at, "search=desk-2") {
		t.Errorf("the address does not follow the search: %q", at)
	}
	if got := ask[string](b, "document.activeElement.id"); got != "search" {
		t.Errorf("what was found took the focus to %q", got)
	}
	b.open("/leases")
	b.do("a stop that can be seen", chromedp.Focus(css("#found a.address")), chromedp.KeyEvent(kb.Tab))
	if outline := ask[string](b, "getComputedStyle(document.activeElement).outlineStyle"); outline == "none" {
		t.Error("the focus cannot be seen")
	}
	b.calm("by keyboard")
}

// A choice of light or dark is kept from page to page.
func TestTheChoiceOfDarkIsKept(t *testing.T) {
	s := newSite(t)
	b := browse(t, s.west)
	b.scheme("light")
	b.signIn(s.token(s.West, "viewer"))
	colour := func() string { return ask[string](b, "getComputedStyle(document.documentElement).backgroundColor") }
	light := colour()
	b.do("dark", chromedp.Click(css("#theme")))
	dark := colour()
	b.open("/leases")
	if after := colour(); light == dark || after != dark {
		t.Errorf("light %s, dark %s, on the next page %s", light, dark, after)
	}
	b.do("the person", chromedp.Click(css(".who summary")), chromedp.Click(css(".who button")), chromedp.WaitVisible(css("#token")))
	b.open("/leases")
	b.do("nobody is signed in any more", chromedp.WaitVisible(css("#token")))
	b.calm("dark")
}

// One of the servers is lost in the middle, and comes back: the pages say so by themselves.
func TestAFailoverInTheMiddle(t *testing.T) {
	s := newSite(t)
	s.settle(4)
	b := browse(t, s.west)
	b.scheme("light")
	b.signIn(s.token(s.West, "operator"))
	b.sees("#verdict", "west and east serve together", patience)
	s.East.Pull()
	b.sees("#verdict", "west does not hear east", patience)
	b.sees("#said", "west does not hear east", patience) // said aloud, too
	b.picture("overview-alone")
	b.open("/failover")
	b.sees("#pair", "COMMUNICATIONS-INTERRUPTED", patience)
	b.do("what follows is said first", chromedp.Click(css("#down")), chromedp.WaitVisible(css("#sure")))
	b.picture("partner-down")
	b.do("I made sure", chromedp.Click(css("#sure")))
	b.declaresDown()
	b.sees("#pair", "PARTNER-DOWN", patience)
	s.East.Rejoin()
	s.East.Begin(true)
	b.sees("#pair", "connected", patience)
	s.Normal(2 * time.Minute)
	b.open("/")
	b.sees("#verdict", "west and east serve together", patience)
	b.open("/failover")
	b.sees("#states-h ~ div", "PARTNER-DOWN", patience) // it stays on the time line
	b.picture("failover-after")
	b.calm("a failover")
}

// declaresDown says that the other server is down, and again where the answer is that a client has just chosen it, as it is told to.
func (b *browser) declaresDown() {
	b.t.Helper()
	b.calm("what follows is said first")
	for deadline := time.Now().Add(patience); ; {
		b.do("east is down", chromedp.Click(css("button.grave")))
		for look := time.Now().Add(3 * time.Second); time.Now().Before(look); time.Sleep(100 * time.Millisecond) {
			if b.text("#pair") != "" {
				return
			}
		}
		if said := b.text("#trouble"); !strings.Contains(said, "may be serving") || time.Now().After(deadline) {
			b.t.Fatalf("partner-down: %s", said)
		}
		b.hushed() // htmx tells the console of every refusal
	}
}

// What an operator does is done, and what is refused is refused in words.
func TestAnOperatorReleasesAndReserves(t *testing.T) {
	s := newSite(t)
	hosts := s.settle(2)
	addr := hosts[0].Leased("eth0", patience).Addr().String()
	b := browse(t, s.west)
	b.signIn(s.token(s.West, "operator"))
	b.open("/leases/" + addr + "/reserve")
	b.do("reserve", chromedp.Click(css("#sure")), chromedp.Click(css("button.main")), chromedp.WaitNotPresent(css("input[name=name]")))
	b.sees("main", "desk-0", patience)
	if out, code := s.West.Command("config", "show"); code != 0 || !strings.Contains(out, "desk-0") {
		t.Errorf("the configuration has no host desk-0:\n%s", out)
	}
	b.open("/leases/" + addr + "/reserve")
	b.do("once more", chromedp.Click(css("#sure")), chromedp.Click(css("button.main")))
	b.sees("#trouble", "desk-0", patience) // there is one of that name
	b.open("/leases/" + addr + "/release")
	b.do("release", chromedp.SendKeys(css("#reason"), "it is gone"), chromedp.Click(css("#sure")), chromedp.Click(css("button.grave")), chromedp.WaitNotPresent(css("#reason")))
	b.sees("main", "released", patience)
}

// What happens is shown as it happens, and one client's conversation packet by packet.
func TestEventsAreLive(t *testing.T) {
	s := newSite(t)
	b := browse(t, s.west)
	b.signIn(s.token(s.West, "viewer"))
	b.open("/events?packets=yes")
	b.sees("#link", "connected", patience)
	s.settle(10) // half of them are west's to answer, and which is chance: of two it is often none
	b.sees("#events", "desk-0", patience)
	b.sees("#events", "DHCPREQUEST", patience)
	b.sees("#events", "packet-out", patience)
	b.picture("events-packets")
	b.calm("events")
}
