package access

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestWhoGuessesWaitsLongerAndLonger(t *testing.T) {
	g, a, now := NewGuesses(), netip.MustParseAddr("192.0.2.1"), noon
	for i := range freeGuesses {
		if wait, _, _ := g.Wrong(a, now); wait != 0 {
			t.Errorf("guess %d waits %v", i+1, wait)
		}
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		wait, _, _ := g.Wrong(a, now)
		if wait != want*time.Second {
			t.Errorf("waits %v, want %v", wait, want*time.Second)
		}
		if again, _, _ := g.Wrong(a, now.Add(wait/2)); again != wait-wait/2 {
			t.Errorf("who does not wait waits %v, want %v", again, wait-wait/2)
		}
		now = now.Add(wait)
	}
	if wait, _, _ := g.Wrong(a, now.Add(forgiven)); wait != 0 {
		t.Errorf("after a long time it waits %v", wait)
	}
}

func TestOneAddressIsHeldBackAndOthersAreNot(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.2", false}, {"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:2", true}, {"2001:db8::1", "2001:db8:0:1::1", false}, {"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		g := NewGuesses()
		for range freeGuesses + 1 {
			g.Wrong(netip.MustParseAddr(test.a), noon)
		}
		if wait, _, _ := g.Wrong(netip.MustParseAddr(test.b), noon); wait > 0 != test.same {
			t.Errorf("%s and %s: waits %v", test.a, test.b, wait)
		}
	}
	if wait, _, _ := NewGuesses().Wrong(netip.Addr{}, noon); wait != 0 {
		t.Errorf("no address waits %v", wait)
	}
}

// A million wrong tokens, from as many addresses or from one, take bounded memory, and few are written down.
func TestAMillionWrongTokens(t *testing.T) {
	g, told, untold := NewGuesses(), 0, 0
	for i := range 1_000_000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		_, tell, before := g.Wrong(a, noon.Add(time.Duration(i)*50*time.Microsecond)) // 50 s in all
		if tell {
			told, untold = told+1, untold+before
		}
	}
	if len(g.by) > maxGuessers {
		t.Errorf("%d addresses are remembered", len(g.by))
	}
	if told < toldGuesses || told > toldGuesses+3 {
		t.Errorf("%d were written down", told)
	}
	if told+untold+g.untold != 1_000_000 {
		t.Errorf("%d of them are known of", told+untold+g.untold)
	}
}

func TestAFullMemoryForgetsTheOldest(t *testing.T) {
	g, now := NewGuesses(), noon
	busy := netip.MustParseAddr("192.0.2.1")
	for i := range 3 * maxGuessers {
		now = now.Add(time.Second / allRate)
		g.Wrong(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), now)
		if i%64 == 0 {
			now = now.Add(time.Second / allRate)
			if wait, _, _ := g.Wrong(busy, now); i > 64*freeGuesses+64 && wait == 0 {
				t.Fatalf("after %d others it is forgotten", i)
			}
		}
	}
	if len(g.by) != maxGuessers {
		t.Errorf("%d are remembered", len(g.by))
	}
}

func TestAClockThatGoesBackLocksNobodyOut(t *testing.T) {
	g, a := NewGuesses(), netip.MustParseAddr("192.0.2.1")
	for range 100 {
		g.Wrong(a, noon)
	}
	if wait, _, _ := g.Wrong(a, noon.Add(-24*time.Hour)); wait > longestWait {
		t.Errorf("waits %v", wait)
	}
}

func TestSessionsEnd(t *testing.T) {
	all := openTokens(t, t.TempDir())
	_, made := makeToken(t, all, Operator)
	for name, test := range map[string]struct {
		used []time.Duration // after the beginning
		good bool            // at the last
	}{
		"at once":             {[]time.Duration{0}, true},
		"used each half hour": {[]time.Duration{30 * time.Minute, time.Hour, 90 * time.Minute}, true},
		"idle":                {[]time.Duration{time.Hour}, false},
		"almost idle":         {[]time.Duration{time.Hour - 1}, true},
		"the clock went back": {[]time.Duration{-time.Second}, false},
	} {
		s := NewSessions(all)
		secret, good := s.Begin(made, noon), false
		for _, d := range test.used {
			_, good = s.Use(secret, noon.Add(d))
		}
		if good != test.good {
			t.Errorf("%s: %v", name, good)
		}
	}
	s := NewSessions(all)
	secret := s.Begin(made, noon)
	for d := time.Duration(0); d < SessionLife; d += 50 * time.Minute {
		if _, good := s.Use(secret, noon.Add(d)); !good {
			t.Fatalf("ended after %v", d)
		}
	}
	if _, good := s.Use(secret, noon.Add(SessionLife)); good {
		t.Error("it lasts longer than a session may")
	}
}

func TestASessionEndsWithItsToken(t *testing.T) {
	all := openTokens(t, t.TempDir())
	s := NewSessions(all)
	_, one := makeToken(t, all, Operator)
	_, other := makeToken(t, all, Viewer)
	first, second := s.Begin(one, noon), s.Begin(other, noon)
	if _, _, err := all.Revoke(one.ID); err != nil {
		t.Fatal(err)
	}
	if _, good := s.Use(first, noon); good {
		t.Error("it goes on")
	}
	if got, good := s.Use(second, noon); !good || got.ID != other.ID {
		t.Errorf("the other: %v, %v", got, good)
	}
	s.End(second)
	if _, good := s.Use(second, noon); good || s.Count() != 0 {
		t.Errorf("signed out: %v, %d sessions", good, s.Count())
	}
}

func TestTenThousandSessions(t *testing.T) {
	all := openTokens(t, t.TempDir())
	s := NewSessions(all)
	quiet, _ := makeToken(t, all, Viewer)
	known, _ := all.Check(quiet, noon)
	kept := s.Begin(known, noon)
	var last string
	_, greedy := makeToken(t, all, Viewer)
	for range 10_000 {
		last = s.Begin(greedy, noon)
	}
	if s.Count() != maxSessionsEach+1 {
		t.Errorf("%d sessions", s.Count())
	}
	for _, secret := range []string{kept, last} {
		if _, good := s.Use(secret, noon); !good {
			t.Error("a session that is used was ended")
		}
	}
	for i := range 10_000 {
		s.Begin(Token{ID: fmt.Sprint("t", i)}, noon)
	}
	if s.Count() != maxSessions {
		t.Errorf("%d sessions", s.Count())
	}
}

func TestCSRFIsOfOneSession(t *testing.T) {
	a, b := random(secretOctets), random(secretOctets)
	if !IsCSRF(a, CSRF(a)) || IsCSRF(a, CSRF(b)) || IsCSRF(a, "") || IsCSRF(a, a) || CSRF(a) == a {
		t.Error("it is not of one session")
	}
}
