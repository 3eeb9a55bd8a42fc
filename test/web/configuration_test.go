package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lessor-dhcp/lessor/test/world"
)

// writes has the editor hold a text, as if somebody had typed it.
func (b *browser) writes(text string) {
	b.t.Helper()
	b.do("write", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
		`(a => { a.focus(); a.value = %q; a.dispatchEvent(new Event("input", {bubbles: true})); })(document.getElementById("document"))`, text)))
}

// until waits until an expression is true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !ask[bool](b, expression); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// caretLine is the line of the editor that the caret is in.
const caretLine = `(a => a.value.slice(0, a.selectionStart).split("\n").length)(document.getElementById("document"))`

// key presses a key that writes nothing.
func (b *browser) key(name string, shift bool) {
	b.t.Helper()
	b.do("press "+name, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
		`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: %q, shiftKey: %v, bubbles: true, cancelable: true}))`, name, shift)))
}

// What is wrong with a document is marked at its line while it is written, said there, and reached by keyboard; what would happen is
// drawn before it is applied; and what is applied is in force.
func TestTheEditor(t *testing.T) {
	s := newSite(t)
	s.settle(6)
	axe := axeSource(t)
	b := browse(t, s.west)
	b.scheme("light")
	b.signIn(s.token(s.West, "administrator"))
	b.open("/configuration/edit")
	b.until("lines have numbers", `document.querySelectorAll("#gutter .number").length > 5`)
	right := ask[string](b, `document.getElementById("document").value`)
	at := strings.Count(right[:strings.Index(right, "enterprise:")], "\n") + 1

	wrong := strings.Replace(right, "enterprise:", "enterprize:", 1)
	wrong = strings.Replace(wrong, "10.1.16.0-10.1.16.255", "10.1.16.255-10.1.16.0", 1)
	b.writes(wrong)
	b.until("two places are wrong", `document.querySelectorAll("#gutter .number.bad").length == 2`)
	b.sees("#line-says", "places are wrong", patience)
	if got := ask[string](b, `document.querySelector("#gutter .number.bad").textContent`); got != fmt.Sprint(at) {
		t.Errorf("line %s is marked, not %d", got, at)
	}
	if got := b.text("#marks .at-line"); !strings.Contains(got, "enterprize") {
		t.Errorf("at the line stands %q", got)
	}
	if ask[string](b, `document.getElementById("document").getAttribute("aria-invalid")`) != "true" {
		t.Error("who does not see is not told that it is wrong")
	}
	b.do("to the top", chromedp.Evaluate[chromedp.Void](`document.getElementById("document").setSelectionRange(0, 0)`))
	b.key("F8", false)
	warned := ask[int](b, caretLine) // the guard is short in this world, which is no error
	b.sees("#line-says", fmt.Sprintf("Line %d:", warned), patience)
	b.key("F8", false)
	first := ask[int](b, caretLine)
	b.picture("configuration-errors")
	b.key("F8", false)
	second := ask[int](b, caretLine)
	b.key("F8", true)
	if back := ask[int](b, caretLine); warned >= first || first != at || second <= first || back != first {
		t.Errorf("F8 leads to line %d, %d, %d, and back to %d", warned, first, second, back)
	}
	b.accessible(axe, "the editor with errors")
	b.do("apply what is wrong", chromedp.Click(css("button[formaction='/configuration/apply']")))
	b.until("it leads to the first error", caretLine+fmt.Sprintf(" == %d && document.activeElement.id == 'document'", at))
	b.calm("errors")

	b.writes(strings.Replace(strings.Replace(right, "routers: [10.1.0.1]", "routers: [10.1.0.254], domain-name: plant.example", 1), "10.1.16.0-10.1.16.255", "10.1.16.4-10.1.16.255", 1))
	b.until("nothing is wrong any more", `document.querySelectorAll("#gutter .number.bad").length == 0`)
	b.sees("#line-says", "Nothing is wrong", patience)
	b.do("ask what would happen", chromedp.Click(css("#editing button.main")), chromedp.WaitVisible(css("#impact")))
	said := b.text("#impact")
	for _, word := range []string{"Of all clients", "routers", "would be told something else", "in no class"} {
		if !strings.Contains(said, word) {
			t.Errorf("the picture says nothing of %q:\n%s", word, said)
		}
	}
	b.do("look at it", chromedp.Evaluate[chromedp.Void](`document.getElementById("impact").scrollIntoView()`))
	b.picture("what-if")
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		b.accessible(axe, "what-if "+scheme)
	}
	b.scheme("light")
	b.phone()
	if wide := ask[int](b, "document.documentElement.scrollWidth"); wide > 360 {
		t.Errorf("the picture is %d wide on a phone of 360: %s", wide, ask[string](b, widest))
	}
	b.desk()
	b.do("change it after that", chromedp.Focus(css("#document")), chromedp.KeyEvent("#"))
	b.until("it is said that the picture is of before", `!document.getElementById("outdated").hidden`)

	b.writes(strings.Replace(right, "routers: [10.1.0.1]", "routers: [10.1.0.254]", 1))
	b.do("apply", chromedp.SendKeys(css("#comment"), "another router"), chromedp.Click(css("button[formaction='/configuration/apply']")), chromedp.WaitNotPresent(css("#document")))
	b.sees("main", "another router", patience)
	if out, code := s.East.Command("config", "show"); code != 0 || !strings.Contains(out, "10.1.0.254") {
		t.Errorf("the other server does not have it:\n%s", out)
	}
	b.calm("the editor")
}

// Two servers are parted, changed apart, and meet again: the conflict is shown side by side, and a person ends it in the browser.
func TestAConflictIsEndedInTheBrowser(t *testing.T) {
	s := newSite(t)
	s.settle(6)
	axe := axeSource(t)
	b := browse(t, s.west)
	b.scheme("light")
	b.signIn(s.token(s.West, "administrator"))
	s.edit(s.West, "plain", "routers: [10.1.0.1]", "routers: [10.1.0.1], domain-name: plant.example", "a name for the plant") // both have a head
	s.East.Isolate()
	s.West.Becomes(30*time.Second, "COMMUNICATIONS-INTERRUPTED")
	s.East.Becomes(30*time.Second, "COMMUNICATIONS-INTERRUPTED")
	s.edit(s.West, "lost", "routers: [10.1.0.1]", "routers: [10.1.0.2]", "the new router")
	s.edit(s.East, "lost", "routers: [10.1.0.1]", "routers: [10.1.0.3]", "the old one is broken")
	s.East.Rejoin()
	s.Normal(time.Minute)

	b.open("/")
	b.sees("#verdict", "", patience)
	b.open("/configuration")
	b.untilReloaded("/configuration", "#clash-h", "do not fit together")
	b.untilReloaded("/configuration", ".clash", "would be told something else by the other")
	left, right := b.text(".side.s0"), b.text(".side.s1")
	for side, words := range map[string][]string{left: {"west", "10.1.0.2", "the new router"}, right: {"east", "10.1.0.3", "the old one is broken"}} {
		for _, w := range words {
			if !strings.Contains(side, w) {
				t.Errorf("a side does not say %q:\n%s", w, side)
			}
		}
	}
	if whom := b.text(".clash table"); !strings.Contains(whom, "10.1.16.") || !strings.Contains(whom, "routers") {
		t.Errorf("whom it concerns:\n%s", whom)
	}
	b.picture("conflict")
	b.accessible(axe, "a conflict")
	b.scheme("dark")
	b.accessible(axe, "a conflict in the dark")
	b.scheme("light")
	b.phone()
	if wide := ask[int](b, "document.documentElement.scrollWidth"); wide > 360 {
		t.Errorf("a conflict is %d wide on a phone of 360: %s", wide, ask[string](b, widest))
	}
	b.desk()
	b.do("keep east's", chromedp.Click(css("#keep-1")), chromedp.WaitVisible(css("#asked")))
	if said := b.text("#asked"); !strings.Contains(said, "10.1.0.3") || !strings.Contains(said, "the new router") {
		t.Errorf("what follows is not said:\n%s", said)
	}
	b.accessible(axe, "before a conflict is ended")
	b.do("say why, and do it", chromedp.SendKeys(css("#comment"), "east is right"), chromedp.Click(css("#asked button.main")))
	for deadline := time.Now().Add(patience); b.text("#versions-h") == ""; time.Sleep(100 * time.Millisecond) { // or it needs a yes
		if ask[bool](b, `!!document.getElementById("yes")`) {
			b.do("yes", chromedp.Click(css("#yes")), chromedp.Click(css("#asked button.main")), chromedp.WaitVisible(css("#versions-h")))
		}
		if time.Now().After(deadline) {
			t.Fatalf("the conflict is not ended: %s\n%s", b.text("#trouble"), b.text("main"))
		}
	}
	if said := b.text("main"); strings.Contains(said, "do not fit together") || !strings.Contains(said, "10.1.0.3") || strings.Contains(b.text(".document"), "10.1.0.2") {
		t.Errorf("afterwards:\n%s", said)
	}
	for _, m := range s.Both() {
		b.eventually(m.Host.Role+" serves by east's", func() bool {
			out, code := m.Command("config", "show")
			return code == 0 && strings.Contains(out, "10.1.0.3") && !strings.Contains(out, "10.1.0.2")
		})
	}
	b.calm("a conflict")
}

// untilReloaded opens a page again until an element of it shows a text.
func (b *browser) untilReloaded(path, selector, text string) {
	b.t.Helper()
	b.eventually(path+" shows "+text, func() bool {
		if strings.Contains(b.text(selector), text) {
			return true
		}
		b.open(path)
		return false
	})
}

func (b *browser) eventually(what string, true func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !true(); time.Sleep(300 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// edit changes the configuration at one member, by its command line.
func (s *site) edit(m *world.Member, name, before, after, why string) {
	s.T().Helper()
	text, code := m.Command("config", "show")
	if code != 0 || !strings.Contains(text, before) {
		s.T().Fatalf("%s has no %q: %s", m.Host.Role, before, text)
	}
	file := s.Write(name+"-"+m.Host.Role+".yaml", strings.Replace(text, before, after, 1))
	if out, code := m.Command("config", "apply", "--yes", "--comment", why, file); code != 0 {
		s.T().Fatalf("config apply at %s: %s", m.Host.Role, out)
	}
}
