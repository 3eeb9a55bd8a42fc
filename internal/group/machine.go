package group

import (
	"errors"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// Link is what is known of the connection to the partner. The zero value is invalid.
type Link uint8

const (
	_    Link = iota
	Away      // there is no connection, and the link is not declared lost: nothing is adopted
	Up        // what is sent arrives, or the link goes down
	Lost      // the link is declared lost: each member goes on by itself
)

// State is what a member keeps durably beside its history. The zero value is that of an empty store.
type State struct {
	// Head is the version that this member serves by; zero: it has no history.
	Head version.ID
	// Tip is the latest version here: Head, or one that comes from it and waits for the partner.
	Tip version.ID
	// Agreed is the last version that both members are known to have adopted, which safety stands on: members, primary,
	// protocol, MCLT, and which address either may give to whom. Head is it, or comes from it, unless this store went back;
	// zero: there is none yet.
	Agreed version.ID
	// Settled is the last agreed version of which both know to whom the other one gave an address by one before: Agreed, or what
	// comes before it. What the two do not keep for the same client is given to nobody new.
	Settled version.ID
	// FileSaid is what this member's file said when it was last looked at, and FileVersion the version that it was then;
	// zero: of none.
	FileSaid    binding.Digest
	FileVersion version.ID
	// Rival is the partner's tip where it and Tip cannot be merged; zero: there is no conflict.
	Rival version.ID
}

// Config is what a machine is made of.
type Config struct {
	Self    binding.Member
	Partner binding.Member // empty: no other Lessor is in the group
	// History has every version that State names. The machine adds to it what Output.Store says. As long as State has no
	// tip, what is in it does not count: it has arrived in part.
	History *version.History
	State   State
	// Load returns a version with its document, which History need not have; nil if that is nowhere. Load itself may be
	// nil: then every document is in History.
	Load func(version.ID) *version.Version
	// Without are rules that a test takes away; nothing else ever does (internal/house_test.go).
	Without Rules
}

// Machine is one member's view of the group's configuration. It is not safe for several goroutines.
type Machine struct {
	Config
	link Link
	file *version.Version // what the file would be as a root; nil: not read yet
	// served is the same of what this member served by before its versions were lost; nil: they are not.
	served *version.Version
	// told and said are the last that the partner told and was told since the connection began; zero before.
	told, said Told
	wanted     version.ID // that the partner was asked for
	clear      clearance
	kept       keptSame
	// conflicts keep Tip and State.Rival apart; trouble is what else does.
	conflicts []version.Conflict
	trouble   Trouble
	documents map[version.ID]*config.Document // that are open: few
	// joined are the two versions of which conflicts are known: finding them again costs as much as the documents are long.
	joined [2]version.ID
	// asked are the versions that the partner is asked about, gone those that are lost, and by which clients were told; lost are all that
	// a person is to hear of.
	asked Few
	gone  []version.ID
	lost  []LostVersion
}

// Trouble says why the two members have no common head, where it is no conflict of values. Zero: they have, or nothing is
// known against it.
type Trouble uint8

const (
	_ Trouble = iota
	// FilesDiffer: neither has a history, and their files say different things. Neither serves.
	FilesDiffer
	// Unrelated: their histories have no common ancestor. They belong to two groups.
	Unrelated
	// PartnerCannotRead: a version of this member needs a later release than the partner's.
	PartnerCannotRead
	// CannotRead: a version of the partner needs a later release than this member's.
	CannotRead
)

var troubleNames = [...]string{
	FilesDiffer: "neither member has a history, and their files differ", Unrelated: "the members belong to two different groups",
	PartnerCannotRead: "the partner's release cannot read the latest version", CannotRead: "this release cannot read the partner's latest version",
}

// String returns the trouble in words, nothing where there is none.
func (t Trouble) String() string {
	if int(t) < len(troubleNames) {
		return troubleNames[t]
	}
	return "invalid"
}

// SameFile has m know this member's file, and which versions are lost, as another machine of the same member does, and do nothing about it.
func (m *Machine) SameFile(as *Machine) {
	m.file, m.served, m.gone, m.lost = as.file, as.served, as.gone, as.lost
}

// Served says what this member served by before its versions were lost: where it meets a partner without a history, or founds one, that
// begins with it, and not with this member's file.
func (m *Machine) Served(d *config.Document) error {
	v, err := version.Root(d)
	if err == nil {
		m.served = v
	}
	return err
}

// first returns what the first version of a history would be that this member began; nil: that is not known yet.
func (m *Machine) first() *version.Version {
	if m.served != nil {
		return m.served
	}
	return m.file
}

// Look has m know what this member's file says, and do nothing about it.
func (m *Machine) Look(d *config.Document) (err error) {
	m.file, err = version.Root(d)
	return err
}

// New returns a machine whose link is away.
func New(c Config) (*Machine, error) {
	s := &c.State
	if s.Tip.IsZero() {
		c.History = &version.History{} // what of it has arrived will be asked for again
	}
	for _, id := range []version.ID{s.Head, s.Tip, s.Agreed, s.Settled, s.FileVersion, s.Rival} {
		if !id.IsZero() && c.History.Get(id) == nil {
			return nil, fmt.Errorf("version %s, which the store names, is not in the history", id.Short())
		}
	}
	m := &Machine{Config: c, link: Away, documents: map[version.ID]*config.Document{}}
	if !s.Rival.IsZero() {
		j, err := c.History.Join(s.Tip, s.Rival, m.open)
		if err != nil {
			return nil, err
		}
		m.conflicts = j.Conflicts
	}
	return m, nil
}

// Output is what is to be done after a step, in this order: Store and State are made durable in one commit; then
// Adopted holds, and Send is sent. If the commit fails the machine is thrown away, and a new one begins from the store.
type Output struct {
	//
	// What is stored may be released from the history then.
	Store []*version.Version
	// State is what is to be kept.
	State State
	// Adopted is the new Head, nil if it stays.
	Adopted *config.Document
	Send    []Message
	// Close says why the connection is to be closed, nil if it stays.
	Close error
}

// Status is what a machine knows, for people.
type Status struct {
	State
	Link        Link
	PartnerHead version.ID         // zero: not known
	Conflicts   []version.Conflict // of Tip and Rival, the lower ID being A
	Trouble     Trouble
	// Needs is the format that a release must read, where Trouble is that one cannot; else 0.
	Needs uint16
	// Waits says what Tip waits for; "" if it is Head.
	Waits string
	// FileDiffers says that this member's file says something else than Tip.
	FileDiffers bool
	// Lost are the versions that were found to be lost since the latest change.
	Lost []LostVersion
}

// Status returns what the machine knows.
func (m *Machine) Status() Status {
	s := Status{State: m.State, Link: m.link, PartnerHead: m.told.Head, Conflicts: m.conflicts, Trouble: m.trouble, Lost: m.lostSince()}
	if m.isRefused() {
		s.Trouble = PartnerCannotRead
	}
	tip := m.History.Get(m.State.Tip)
	switch theirs := m.History.Get(m.told.Tip); {
	case s.Trouble == PartnerCannotRead && tip != nil:
		s.Needs = tip.Format
	case s.Trouble == CannotRead && theirs != nil:
		s.Needs = theirs.Format
	}
	s.FileDiffers = tip != nil && m.file != nil && tip.Meaning != m.file.Meaning
	switch {
	case m.State.Tip == m.State.Head:
	case m.isRefused():
		s.Waits = fmt.Sprintf("%s reads formats up to %d, and the version needs %d", m.Partner, m.told.Format, tip.Format)
	case m.link == Up:
		s.Waits = fmt.Sprintf("%s has not adopted it yet", m.Partner)
	default:
		s.Waits = fmt.Sprintf("%s is not connected, and the link is not declared lost", m.Partner)
	}
	return s
}

// PartnerTip returns the latest version that the partner said to have; zero: not known.
func (m *Machine) PartnerTip() version.ID { return m.told.Tip }

// OwnFile returns what this member's file would be as a root; nil if it was not read yet.
func (m *Machine) OwnFile() *version.Version { return m.file }

// TheirFile returns what the partner said that its file would be as a root; nil if it has a history, or said nothing.
func (m *Machine) TheirFile() *version.Version { return m.told.File }

// Pending returns the changes of Tip that safety stands on and that do not hold yet, since not both members are known to
// serve by them: until then the settings of Agreed hold.
func (m *Machine) Pending() ([]version.Change, error) {
	s := m.State
	if s.Agreed == s.Tip || s.Agreed.IsZero() {
		return nil, nil
	}
	agreed, err := m.open(s.Agreed)
	if err != nil {
		return nil, err
	}
	tip, err := m.open(s.Tip)
	if err != nil {
		return nil, err
	}
	return version.Pending(agreed, tip), nil
}

// HasMet reports whether every version is here that the partner has said to have since the connection began: whatever binding it tells
// of, told by a version that it has, is told by one that is known here.
func (m *Machine) HasMet() bool {
	if m.link != Up || m.told.Member == "" {
		return false
	}
	return m.told.Tip.IsZero() || m.History.Get(m.told.Tip) != nil || m.trouble == Unrelated
}

// isRefused reports whether the partner cannot read Tip.
func (m *Machine) isRefused() bool { return m.told.CannotRead && m.told.Seen == m.State.Tip }

// open returns a version's document, with the lines that people are shown of it.
func (m *Machine) open(id version.ID) (*config.Document, error) {
	if d := m.documents[id]; d != nil {
		return d, nil
	}
	v := m.whole(id)
	if v == nil {
		return nil, fmt.Errorf("version %s is not here", id.Short())
	}
	d, err := v.Read()
	if err != nil {
		return nil, err
	}
	const few = 8
	if len(m.documents) >= few {
		clear(m.documents)
	}
	m.documents[id] = d
	return d, nil
}

// whole returns a version with its document, if that is anywhere; nil if the version is not in the history.
func (m *Machine) whole(id version.ID) *version.Version {
	v := m.History.Get(id)
	if v != nil && v.Document == nil && m.Load != nil {
		if loaded := m.Load(id); loaded != nil && loaded.ID() == id {
			return loaded
		}
	}
	return v
}

// adopt makes Tip the version that this member serves by, if it can read it.
func (m *Machine) adopt(out *Output) {
	if m.State.Tip == m.State.Head {
		return
	}
	d, err := m.open(m.State.Tip)
	if err != nil {
		return // moveTip saw to it that it can be read
	}
	m.State.Head, out.Adopted = m.State.Tip, d
}

// settle adopts what may be adopted, notes what both have, and tells the partner what is new. It ends every step.
//
// The receiver adopts first: whoever got a version knows that its maker has stored it. The maker adopts when the partner
// has it as its own tip, which the partner says after it has adopted it. While a conflict is open no version becomes the
// tip of both; then it is enough that the partner has stored it. What safety stands on is agreed when both serve by it.
func (m *Machine) settle(out *Output) {
	s := &m.State
	before, known := s.Head, m.link == Up && m.told.Member != ""
	switch {
	case m.Partner == "", m.link == Lost, m.Without&RuleLost != 0, known && m.Without&RuleReceiverFirst != 0:
		m.adopt(out)
		if before.IsZero() && m.Partner != "" && s.Agreed.IsZero() { // it came from the partner, or is its, too
			s.Agreed, s.Settled = s.Head, s.Head
		}
	case known && m.told.Tip == s.Tip:
		m.adopt(out)
	case known && !s.Rival.IsZero() && m.told.Seen == s.Tip && !m.told.CannotRead:
		m.adopt(out)
	}
	m.agreeOn(known)
	if known {
		m.takeAnswer()
	}
	for i := range m.lost {
		if m.lost[i].tip.IsZero() {
			m.lost[i].tip = s.Tip
		}
	}
	out.State = *s
	m.tell(out)
}

// isOfBoth reports whether both members are in what Head says.
func (m *Machine) isOfBoth() bool {
	s := &m.State
	if s.Head.IsZero() || s.Head == s.Agreed {
		return true
	}
	d, err := m.open(s.Head)
	return err != nil || hasMember(d, m.Self) && hasMember(d, m.Partner)
}

// store adds versions to the history, parents first.
func (m *Machine) store(out *Output, all ...*version.Version) error {
	for _, v := range all {
		if m.History.Get(v.ID()) != nil {
			continue
		}
		if _, err := m.History.Add(v); err != nil {
			return err
		}
		out.Store = append(out.Store, v)
	}
	return nil
}

// found makes a version the first of this member's history.
func (m *Machine) found(out *Output, v *version.Version) error {
	if !m.State.Tip.IsZero() {
		return errors.New("there is a history already")
	}
	m.History = &version.History{}
	if err := m.store(out, v); err != nil {
		return err
	}
	m.State.Tip, m.trouble = v.ID(), 0
	m.placeFile()
	return nil
}

// root returns the root of this member's history; zero if it has none.
func (m *Machine) root() version.ID {
	if m.State.Tip.IsZero() {
		return version.ID{}
	}
	return m.History.Root()
}

// placeFile notes which version of the history this member's file is, if it is one.
func (m *Machine) placeFile() {
	m.State.FileVersion = version.ID{}
	if m.file == nil {
		return
	}
	m.State.FileSaid = m.file.Meaning
	for _, id := range m.History.Of(m.file.Meaning) {
		if m.History.Descends(m.State.Tip, id) {
			m.State.FileVersion = id
		}
	}
}
