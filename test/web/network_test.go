package web

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The map of a subnet is live, and says who has a square to the keyboard and to the pointer alike, also after it was drawn anew.
func TestTheMapIsLive(t *testing.T) {
	s := newSite(t)
	b := browse(t, s.west)
	b.signIn(s.token(s.West, "viewer"))
	b.open("/network?prefix=10.1.16.0/24")
	b.sees("#live", "live", patience)
	s.settle(8)
	b.until("squares are leased without anybody's asking", `document.querySelectorAll("#cells .cell.active").length >= 8`)
	if _, err := chromedp.Call(b.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	b.do("go to one by keyboard", chromedp.Evaluate[chromedp.Void](`document.querySelector("#cells .cell.active").focus()`))
	b.sees("#cell-says", "desk-", patience)
	who, at := b.text("#cell-says"), ask[string](b, "document.activeElement.id")
	b.do("it is drawn anew", chromedp.Evaluate[chromedp.Void](`document.getElementById("cells").dataset.old = "yes"; htmx.trigger("#map", "draw")`))
	b.until("it is drawn anew", `!document.getElementById("cells").dataset.old`)
	b.sees("#cell-says", "desk-", patience)
	if now := ask[string](b, "document.activeElement.id"); now != at {
		t.Errorf("the focus went from %s to %q", at, now)
	}
	b.do("point at another", chromedp.Evaluate[chromedp.Void](`(all => all[all.length - 1].dispatchEvent(new PointerEvent("pointerover", {bubbles: true})))(document.querySelectorAll("#cells .cell.active"))`))
	b.until("it says who that is", `document.getElementById("cell-says").textContent.indexOf("desk-") > 0`)
	if b.text("#cell-says") == who {
		t.Errorf("the pointer is told what the keyboard was: %s", who)
	}
	b.calm("the map")
}
