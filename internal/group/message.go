package group

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// Message is what one member tells the other on `lessor-group/1`: a Told, a Want or a Versions.
type Message interface{ message() }

// Told is what a member has. It is sent when a connection begins, and whenever something in it changes.
type Told struct {
	Member binding.Member
	// Root is the root of its history; zero: it has none, and File is what its file would be as a root, or what it served by before its versions were lost.
	Root version.ID
	File *version.Version
	Head version.ID
	Tip  version.ID
	// Agreed and Settled are those of its state. Clear says that the receiver has acknowledged all that it gave away by what held
	// before Agreed.
	Agreed, Settled version.ID
	Clear           bool
	// Seen is the last tip of the receiver that it has stored.
	Seen version.ID
	// Asked are versions by which clients were told, and from which its head does not come; Gone are those that the receiver asked about
	// and that the sender does not serve by either, nor by what comes from them.
	Asked, Gone Few
	// Format is the highest that it reads. CannotRead says that Seen needs a higher one.
	Format     uint16
	CannotRead bool
}

// Want asks for a version and what it comes from, without what Have comes from.
type Want struct{ Version, Have version.ID }

// Versions are what was wanted, or a part of it, parents before their children. One that was released from the history is
// without its document here: whoever sends it reads that from the store, and leaves it out where it is nowhere.
type Versions struct{ All []*version.Version }

func (Told) message()     {}
func (Want) message()     {}
func (Versions) message() {}

// tell says what this member has, if that is not what it said last.
func (m *Machine) tell(out *Output) {
	if m.link != Up {
		return
	}
	t := Told{Member: m.Self, Root: m.root(), Head: m.State.Head, Tip: m.State.Tip, Agreed: m.State.Agreed, Settled: m.State.Settled, Clear: m.isClear(), Format: version.Format}
	if t.Root.IsZero() {
		t.File = m.first()
	}
	if m.MayAsk() {
		t.Asked = m.asked
	}
	t.Gone = m.answer()
	if m.History.Get(m.told.Tip) != nil {
		t.Seen, t.CannotRead = m.told.Tip, m.trouble == CannotRead
	}
	if t != m.said {
		m.said = t
		out.Send = append(out.Send, t)
	}
}
