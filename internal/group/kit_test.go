package group

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// member is a machine and what a crash leaves of it.
type member struct {
	t       *testing.T
	name    binding.Member
	partner *member
	*Machine
	records  [][]byte // durable
	state    State    // durable
	text     string   // of its file
	out      []Message
	adopted  []version.ID
	isUp     bool
	closed   error
	messages int // sent
	// mayGoBack: its store was put back, so that what is agreed need not be on the way to its head.
	mayGoBack bool
}

const first = `group: {name: campus, members: {west: {peer: 10.9.0.1}, east: {peer: 10.9.0.2}}}
enterprise: {options: {root-path: v0, merit-dump: v0}}
networks: {n: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.99}]}}}}
`

func parsed(t *testing.T, text string) *config.Document {
	t.Helper()
	d, problems := config.Parse("lessor.yaml", []byte(text))
	if d == nil {
		t.Fatalf("%s\n%v", text, problems)
	}
	return d
}

func newPair(t *testing.T, west, east string) (a, b *member) {
	a, b = &member{t: t, name: "west", text: west}, &member{t: t, name: "east", text: east}
	a.partner, b.partner = b, a
	a.start()
	b.start()
	return a, b
}

// start begins a machine from what is durable, and reads its file.
func (m *member) start() {
	m.t.Helper()
	h, err := version.Load(m.records, m.state.Head)
	if err != nil {
		m.t.Fatal(err)
	}
	state, err := DecodeState(m.state.Append(nil))
	if err != nil {
		m.t.Fatal(err)
	}
	if m.Machine, err = New(Config{Self: m.name, Partner: m.partner.name, History: h, State: state, Load: m.stored}); err != nil {
		m.t.Fatal(err)
	}
	m.isUp, m.out = false, nil
	m.load(m.text)
}

func (m *member) load(text string) error {
	m.t.Helper()
	m.text = text
	out, err := m.File(parsed(m.t, text), version.ID{}, by("file"))
	m.do(out)
	return err
}

func by(author string) version.By {
	return version.By{Author: author, Time: time.Unix(1_795_000_000, 0)}
}

// do carries out what a step says, and checks what must always hold.
func (m *member) do(out Output) {
	m.t.Helper()
	for _, v := range out.Store {
		m.records = append(m.records, v.Append(nil))
		m.History.Release(v.ID())
	}
	before := m.state
	m.state = out.State
	s := m.state
	if !before.Head.IsZero() && !m.History.Descends(s.Head, before.Head) || !s.Head.IsZero() && !m.History.Descends(s.Tip, s.Head) {
		m.t.Fatalf("%s: head %v and tip %v after head %v", m.name, s.Head, s.Tip, before.Head)
	}
	if !s.Agreed.IsZero() && !m.mayGoBack && !m.partner.mayGoBack { // what serves by nothing will serve by that
		if !m.History.Descends(s.Head, s.Agreed) || !m.partner.state.Head.IsZero() && m.partner.Machine != nil && m.partner.name != "" && m.Partner != "" && !m.partner.History.Descends(m.partner.state.Head, s.Agreed) {
			m.t.Fatalf("%s: version %v is agreed, and not what both serve by", m.name, s.Agreed)
		}
	}
	if (out.Adopted != nil) != (before.Head != s.Head) {
		m.t.Fatalf("%s: adopted %v, and the head was %v and is %v", m.name, out.Adopted != nil, before.Head, s.Head)
	}
	if out.Adopted != nil && m.link == Up && !before.Head.IsZero() && m.partner.stored(s.Head) == nil {
		m.t.Fatalf("%s serves by %v, which %s has not stored", m.name, s.Head, m.partner.name)
	}
	if out.Close != nil {
		m.closed = out.Close
	}
	m.out = append(m.out, out.Send...)
	m.messages += len(out.Send)
}

// stored returns a version that a crash of m would leave; nil if it would not.
func (m *member) stored(id version.ID) *version.Version {
	for _, b := range m.records {
		if v, err := version.Decode(b); err == nil && v.ID() == id {
			return v
		}
	}
	return nil
}

// deliver gives m's oldest message to its partner; false if there is none.
func (m *member) deliver() bool {
	m.t.Helper()
	if len(m.out) == 0 || m.link != Up || m.partner.link != Up {
		return false
	}
	msg := m.out[0]
	m.out = m.out[1:]
	if some, ok := msg.(Versions); ok {
		msg = Versions{[]*version.Version{m.stored(some.All[0].ID())}}
	}
	m.partner.do(m.partner.Heard(msg))
	return true
}

func link(to Link, all ...*member) {
	for _, m := range all {
		m.out = nil
		m.do(m.LinkChanged(to))
	}
}

// settled delivers everything.
func settled(t *testing.T, a, b *member) {
	t.Helper()
	for n := 0; ; n++ {
		first, second := a.deliver(), b.deliver()
		if a.closed != nil || b.closed != nil {
			t.Fatalf("closed: west %v, east %v", a.closed, b.closed)
		}
		if !first && !second {
			return
		}
		if n == 200 {
			t.Fatal("they talk for ever")
		}
	}
}

func (m *member) apply(text string) error {
	out, err := m.Apply(parsed(m.t, text), version.ID{}, by(string(m.name)))
	m.do(out)
	return err
}

// head returns what the member serves by.
func (m *member) head() string {
	if m.state.Head.IsZero() {
		return ""
	}
	return string(m.stored(m.state.Head).Document)
}

func edit(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
