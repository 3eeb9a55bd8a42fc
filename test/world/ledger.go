package world

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Ledger is what clients on all segments say that they were told, in their own words. It asks no server anything, so it
// can be compared with what servers say.
type Ledger struct {
	mu     sync.Mutex
	holds  map[netip.Addr]Promise
	wrongs []string
	phase  string
	phases []string
	phased map[string]*Account
	stray  []Stray
	lost   []Promise
}

// Stray is an ACK that came to a client that was no longer waiting for it.
type Stray struct {
	// Asked is when the question that it answers was asked last; At is when the answer came.
	Asked, At time.Time
	By        netip.Addr
	MAC       string
}

// Promise is a lease as its client counts it.
type Promise struct {
	MAC     string
	Address netip.Addr
	// Asked is when the client first sent the request that was answered, and Again when it did so last: a client that
	// repeats itself cannot know which of them was answered.
	Asked, Again time.Time
	Lease        time.Duration
	// By is the identifier of the server that granted it.
	By netip.Addr
}

// Until is the last moment at which the client may use the address.
func (p Promise) Until() time.Time { return p.Again.Add(p.Lease) }

// Least is when the server that granted it may count it as over.
func (p Promise) Least() time.Time { return p.Asked.Add(p.Lease) }

// Account is what clients went through in one phase of a test.
type Account struct {
	// Waits are the times from the first question to the answer that gave or kept an address, by what was asked.
	Waits map[Question][]time.Duration
	// Asked are how often each of them asked until then: what a client, or its machine, is late by does not count.
	Asked map[Question][]int
	// By counts the ACKs by the server that sent them.
	By map[netip.Addr]int
	// Sent counts the messages of clients, Naks those who were told no about an address that they held.
	Sent, Naks, Releases int
	// Withdrawn counts the offers that were refused when they were asked for: a server forgets them when it starts.
	Withdrawn int
	// Lost counts the leases that ended although their client had asked for more time.
	Lost int
	// Moved counts the clients that got another address while they held one.
	Moved int
}

// Question is why a client speaks to a server.
type Question string

const (
	ForNew     Question = "new"
	ForRenewal Question = "renew"
	ForReboot  Question = "reboot"
)

// NewLedger makes an empty ledger, in its first phase.
func NewLedger(phase string) *Ledger {
	l := &Ledger{holds: map[netip.Addr]Promise{}, phased: map[string]*Account{}}
	l.Phase(phase)
	return l
}

// Phase begins a new phase, or goes on with an old one. What clients ask from now on is counted under its name.
func (l *Ledger) Phase(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase = name
	if l.phased[name] == nil {
		l.phased[name] = &Account{Waits: map[Question][]time.Duration{}, Asked: map[Question][]int{}, By: map[netip.Addr]int{}}
		l.phases = append(l.phases, name)
	}
}

// account is the one of the phase that is on. The lock is held.
func (l *Ledger) account() *Account { return l.phased[l.phase] }

// Of returns a copy of what happened in a phase.
func (l *Ledger) Of(phase string) Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := *l.phased[phase]
	a.Waits, a.Asked, a.By = map[Question][]time.Duration{}, map[Question][]int{}, map[netip.Addr]int{}
	for q, w := range l.phased[phase].Waits {
		a.Waits[q], a.Asked[q] = slices.Clone(w), slices.Clone(l.phased[phase].Asked[q])
	}
	for s, n := range l.phased[phase].By {
		a.By[s] = n
	}
	return a
}

// sent counts a message.
func (l *Ledger) sent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account().Sent++
}

// granted writes a promise down, in the phase in which it was first asked for, and how often, and notes if somebody else holds the
// address.
func (l *Ledger) granted(p Promise, old *Promise, q Question, began time.Time, asked int, phase string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	a := l.phased[phase]
	a.By[p.By]++
	a.Waits[q], a.Asked[q] = append(a.Waits[q], now.Sub(began)), append(a.Asked[q], asked)
	if other, held := l.holds[p.Address]; held && other.MAC != p.MAC && now.Before(other.Until()) {
		l.wrong("%v was given to %s by %v until %s, and %s holds it from %v until %s", p.Address, p.MAC, p.By, clock(p.Until()), other.MAC, other.By, clock(other.Until()))
	}
	if old != nil && old.Address != p.Address {
		if now.Before(old.Until()) {
			a.Moved++
			l.wrong("%s held %v from %v until %s, and was given %v by %v", p.MAC, old.Address, old.By, clock(old.Until()), p.Address, p.By)
		}
		l.forget(*old)
	}
	l.holds[p.Address] = p
}

// refused notes a NAK. It is wrong where the client holds the address.
func (l *Ledger) refused(p *Promise, mac string, by netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p == nil {
		l.account().Withdrawn++
		return
	}
	if time.Now().Before(p.Until()) {
		l.account().Naks++
		l.wrong("%s was told no by %v about %v, which it holds from %v until %s", mac, by, p.Address, p.By, clock(p.Until()))
	}
}

// released notes that the client gave its address back.
func (l *Ledger) released(p Promise) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account().Releases++
	l.forget(p)
}

// ended notes that the time of a lease is over; lost says that its client had asked for more.
func (l *Ledger) ended(p Promise, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lost {
		l.account().Lost++
		l.lost = append(l.lost, p)
	}
	l.forget(p)
}

// Lost returns the leases that ended although their client had asked for more time.
func (l *Ledger) Lost() []Promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lost)
}

// forget takes the promise out of the books. The lock is held.
func (l *Ledger) forget(p Promise) {
	if l.holds[p.Address].MAC == p.MAC {
		delete(l.holds, p.Address)
	}
}

func (l *Ledger) wrong(format string, args ...any) {
	l.wrongs = append(l.wrongs, clock(time.Now())+" "+fmt.Sprintf(format, args...))
}

// current is the name of the phase that is on.
func (l *Ledger) current() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.phase
}

// strayed notes an ACK that nobody was waiting for.
func (l *Ledger) strayed(mac string, by netip.Addr, asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stray = append(l.stray, Stray{Asked: asked, At: time.Now(), By: by, MAC: mac})
}

// Strays returns the ACKs that nobody was waiting for: the second of two servers' answers to a client that asked both, or
// an answer that took too long.
func (l *Ledger) Strays() []Stray {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.stray)
}

// Wrongs names each promise that met another one, each client that was told no about an address that it held, and each
// that was moved to another address.
func (l *Ledger) Wrongs() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.wrongs)
}

// Held returns the promises that clients count on now, in the order of their addresses.
func (l *Ledger) Held() []Promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Promise
	for _, p := range l.holds {
		if time.Now().Before(p.Until()) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Promise) int { return a.Address.Compare(b.Address) })
	return all
}

// rounding is what a server may round a time by: it counts in whole seconds.
const rounding = 2 * time.Second

// Unknown names the promises that a server with these bindings does not know, or knows to be shorter than the client
// does. Only those are looked at that were granted by `by`; the zero Addr: by anybody.
func Unknown(held []Promise, rows []Row, by netip.Addr) []string {
	known := make(map[netip.Addr]Row, len(rows))
	for _, r := range rows {
		known[r.Address] = r
	}
	var all []string
	for _, p := range held {
		if by.IsValid() && p.By != by {
			continue
		}
		r, ok := known[p.Address]
		what := fmt.Sprintf("%v of %s, from %v at %s until %s, is ", p.Address, p.MAC, p.By, clock(p.Asked), clock(p.Least()))
		switch {
		case !ok:
			all = append(all, what+"not known")
		case r.State != "active" || !strings.EqualFold(r.Hardware, p.MAC):
			all = append(all, what+fmt.Sprintf("known as %s of %s", r.State, r.Hardware))
		case r.Expires.Before(p.Least().Add(-rounding)):
			all = append(all, what+"known until "+clock(r.Expires))
		}
	}
	return all
}

// String tells all phases: how many answers there were and how long they took.
func (l *Ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, name := range l.phases {
		a := l.phased[name]
		fmt.Fprintf(&b, "%s: %d messages", name, a.Sent)
		for _, q := range []Question{ForNew, ForRenewal, ForReboot} {
			if w := a.Waits[q]; len(w) > 0 {
				fmt.Fprintf(&b, "; %s %s", q, Spread(w))
			}
		}
		by := make([]string, 0, len(a.By))
		for s, n := range a.By {
			by = append(by, fmt.Sprintf("%v: %d", s, n))
		}
		slices.Sort(by)
		fmt.Fprintf(&b, "; ACKs by server %v; %d NAKs, %d offers withdrawn, %d released, %d lost, %d moved\n", by, a.Naks, a.Withdrawn, a.Releases, a.Lost, a.Moved)
	}
	return b.String()
}

// Spread tells times in a line: how many, the middle one, the one that 99 of 100 do not exceed, the longest, and how many
// were answered at the first, the second and a later question of a client that asks again after 4 s and then 8 s
// (RFC 2131 §4.1).
func Spread(w []time.Duration) string {
	if len(w) == 0 {
		return "none"
	}
	s := slices.Sorted(slices.Values(w))
	first, second := 0, 0
	for _, d := range s {
		switch {
		case d < 3*time.Second:
			first++
		case d < 11*time.Second:
			second++
		}
	}
	return fmt.Sprintf("%d (median %v, p99 %v, most %v; within 3 s %d, 11 s %d, later %d)", len(s), short(s[len(s)/2]),
		short(s[len(s)*99/100]), short(s[len(s)-1]), first, second, len(s)-first-second)
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

func clock(t time.Time) string { return t.Format("15:04:05.000") }
