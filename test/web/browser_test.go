package web

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a Chromium that somebody is signed in with.
type browser struct {
	t    testing.TB
	ctx  context.Context
	home string // of the pages

	mu    sync.Mutex
	wrong []string // what the browser complained of
}

// css selects the first element that it means, and step is something that a person does.
type (
	css  = chromedp.CSS
	step = chromedp.Action[chromedp.Void]
)

// patience is how long a page may take on a busy machine.
const patience = 2 * time.Minute

// browse opens a browser at the pages of a server.
func browse(t testing.TB, home string) *browser {
	t.Helper()
	program := "chromium"
	if p := os.Getenv("LESSOR_CHROMIUM"); p != "" {
		program = p
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1280, 800), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en"), chromedp.WSURLReadTimeout(60*time.Second))
	all, end := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, endTab := chromedp.NewContext(all)
	t.Cleanup(func() { endTab(); end() })
	b := &browser{t: t, ctx: ctx, home: home}
	err := chromedp.Listen(ctx, b.hear)
	if err == nil {
		_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	}
	if err != nil {
		t.Fatalf("the browser does not start: %v (scripts/install-test-packages brings chromium)", err)
	}
	return b
}

// hear notes what a page should never have the browser say: exceptions, and what its policy of content forbade.
func (b *browser) hear(e any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := e.(type) {
	case *runtime.EventExceptionThrown:
		b.wrong = append(b.wrong, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			b.wrong = append(b.wrong, fmt.Sprintf("console: %+v", e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			b.wrong = append(b.wrong, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	}
}

// calm fails the test where the browser complained since the last time.
func (b *browser) calm(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.wrong) > 0 {
		b.t.Errorf("%s: the browser says:\n%s", where, strings.Join(b.wrong, "\n"))
		b.wrong = nil
	}
}

// hushed forgets what the browser has complained of.
func (b *browser) hushed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = nil
}

// do has the browser do something, which must work.
func (b *browser) do(what string, steps ...step) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	if err := chromedp.Do(ctx, steps...); err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.OuterHTML(css("body")))
		b.t.Fatalf("%s: %v\n%.6000s", what, err, page)
	}
}

// open shows a page.
func (b *browser) open(path string) {
	b.t.Helper()
	b.do("open "+path, chromedp.Navigate(b.home+path), chromedp.WaitReady(css("main")))
}

// signIn signs in as a person does.
func (b *browser) signIn(token string) {
	b.t.Helper()
	b.open("/")
	b.do("sign in", chromedp.WaitVisible(css("#token")), chromedp.SendKeys(css("#token"), token),
		chromedp.Submit(css("#token")), chromedp.WaitVisible(css("#verdict")))
}

// sees waits until an element shows a text.
func (b *browser) sees(selector, text string, within time.Duration) {
	b.t.Helper()
	var last string
	for deadline := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		last = b.text(selector)
		if strings.Contains(last, text) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s does not show %q within %v, but:\n%s", selector, text, within, last)
		}
	}
}

// text returns what all elements of a selector show.
func (b *browser) text(selector string) string {
	b.t.Helper()
	return ask[string](b, fmt.Sprintf("Array.from(document.querySelectorAll(%q), e => e.innerText).join('\\n')", selector))
}

// ask evaluates an expression.
func ask[T any](b *browser, expression string) (v T) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.200s: %v", expression, err)
	}
	return v
}

// press presses one key as a keyboard does: what it would write comes with the key itself, so that a page that takes the key for
// its own keeps the text from being written. (chromedp's KeyEvent sends the text apart, and it is written in any case.)
func (b *browser) press(text, code string) {
	b.t.Helper()
	for _, e := range []input.DispatchKeyEventParams{
		{Type: input.DispatchKeyEventTypeKeyDown, Key: text, Code: code, Text: text, UnmodifiedText: text},
		{Type: input.DispatchKeyEventTypeKeyUp, Key: text, Code: code},
	} {
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, e); err != nil {
			b.t.Fatalf("press %s: %v", text, err)
		}
	}
}

// desk and phone are how large a page is shown.
func (b *browser) desk() {
	b.do("a desk", chromedp.EmulateViewport(1280, 800))
}
func (b *browser) phone() {
	b.do("a phone", chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
}

// scheme has the browser prefer light or dark.
func (b *browser) scheme(name string) {
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// picture takes a picture of what is shown. With LESSOR_PICTURES set it goes to docs/pictures, otherwise nowhere that stays.
func (b *browser) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	dir := b.t.TempDir()
	if os.Getenv("LESSOR_PICTURES") != "" {
		dir = "../../docs/pictures"
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
	if len(png) < 5000 {
		b.t.Errorf("the picture %s has %d octets: nothing is on it", name, len(png))
	}
}
