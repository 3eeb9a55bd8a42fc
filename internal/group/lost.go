package group

import (
	"slices"

	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// A version is lost when the only member that served by it has lost its store, or had an older one put back: no head comes from it, and no
// head ever will. What clients were told by it is nobody's any more, and a conflict in which it was one side is over. Where a conflict
// ends so, State.Rival says which version it was. By which others clients were told the server knows from its bindings; one that this
// member does not have may be on the partner's disk, so the partner is asked about it.

// maxAsked is how many versions a member asks about at a time.
const maxAsked = 8

// Few are up to maxAsked versions, with zeros behind them.
type Few [maxAsked]version.ID

// All returns those that there are.
func (f *Few) All() []version.ID {
	if n := slices.Index(f[:], version.ID{}); n >= 0 {
		return f[:n]
	}
	return f[:]
}

func (f *Few) has(id version.ID) bool { return slices.Contains(f.All(), id) }

// few returns the first of all that are not left out.
func few(all []version.ID, leaveOut func(version.ID) bool) (f Few) {
	n := 0
	for _, id := range all {
		if n < len(f) && !id.IsZero() && !leaveOut(id) && !f.has(id) {
			f[n] = id
			n++
		}
	}
	return f
}

// LostVersion is a version that is lost.
type LostVersion struct {
	Version version.ID
	// Conflict says that a conflict ended so: Version was the partner's side.
	Conflict bool

	tip version.ID // that was the latest when it was found out; zero: in this step
}

// maxLost is how many lost versions are remembered. One that is forgotten while clients have what it told is found again.
const maxLost = 64

// MayAsk reports whether it is of use to say by which versions clients were told (ToldBy): both members serve by one version.
func (m *Machine) MayAsk() bool {
	return m.isOne() && (m.Partner == "" || m.link == Up)
}

// isOne reports whether both members serve by one version, and neither has a later one.
func (m *Machine) isOne() bool {
	s, t := &m.State, &m.told
	return !s.Head.IsZero() && s.Head == s.Tip && s.Rival.IsZero() && (m.Partner == "" || t.Tip == s.Tip && t.Head == s.Head)
}

// ToldBy takes by which versions, from which Head does not come, clients have what they were told. Those that the partner does not serve
// by, nor by what comes from them, are lost.
func (m *Machine) ToldBy(all []version.ID) (out Output) {
	m.asked = few(all, func(id version.ID) bool { return m.comesFrom(m.State.Tip, id) || slices.Contains(m.gone, id) })
	if m.Partner == "" && m.isOne() {
		m.lose(m.asked.All())
	}
	m.settle(&out)
	return out
}

// LostVersions returns the lost versions whose clients are to be told what Head says.
func (m *Machine) LostVersions() []version.ID {
	return slices.DeleteFunc(slices.Clone(m.gone), m.isBack)
}

// isBack reports whether a version that was lost is there again, on a disk that was put back.
func (m *Machine) isBack(id version.ID) bool {
	return m.comesFrom(m.State.Rival, id) || m.comesFrom(m.told.Tip, id) || m.comesFrom(m.State.Tip, id)
}

// lostSince returns the versions that are lost, as long as nothing has been changed since.
func (m *Machine) lostSince() (all []LostVersion) {
	for _, l := range m.lost {
		if l.tip == m.State.Tip && !m.isBack(l.Version) {
			all = append(all, l)
		}
	}
	return all
}

// comesFrom reports whether a version is another one or comes from it, as far as is known here.
func (m *Machine) comesFrom(id, from version.ID) bool {
	return !id.IsZero() && !from.IsZero() && m.History.Get(id) != nil && m.History.Get(from) != nil && m.History.Descends(id, from)
}

// answer returns which of the versions that the partner asks about are nothing that this member serves by or will.
func (m *Machine) answer() Few {
	return few(m.told.Asked.All(), func(id version.ID) bool { return m.comesFrom(m.State.Tip, id) })
}

// takeAnswer takes the partner's answer: what neither member's latest version comes from is lost.
func (m *Machine) takeAnswer() {
	if !m.isOne() {
		return
	}
	var lost []version.ID
	for _, id := range m.told.Gone.All() {
		if m.asked.has(id) && !m.comesFrom(m.State.Tip, id) && !slices.Contains(m.gone, id) {
			lost = append(lost, id)
		}
	}
	m.lose(lost)
}

// lose notes that versions are lost by which clients were told.
func (m *Machine) lose(all []version.ID) {
	for _, id := range all {
		if m.gone = append(m.gone, id); len(m.gone) > maxLost {
			m.gone = m.gone[1:]
		}
		m.noteLost(LostVersion{Version: id})
	}
}

// loseRival notes that the conflict is over since the partner does not have its side any more, if that is why.
func (m *Machine) loseRival() {
	r := m.State.Rival
	if r.IsZero() || m.told.Member == "" || m.comesFrom(m.told.Tip, r) || m.comesFrom(m.State.Tip, r) {
		return
	}
	m.noteLost(LostVersion{Version: r, Conflict: true})
}

func (m *Machine) noteLost(l LostVersion) {
	if slices.ContainsFunc(m.lost, func(x LostVersion) bool { return x.Version == l.Version && x.tip == m.State.Tip }) {
		return // it is said already: also where it is the clients that name the lost side of a conflict
	}
	if m.lost = append(m.lost, l); len(m.lost) > maxLost {
		m.lost = m.lost[1:]
	}
}
