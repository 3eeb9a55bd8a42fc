package ledger

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Standing is how what a client has stands to what the configuration would give it. The zero value is invalid.
type Standing uint8

const (
	_ Standing = iota
	// NoLease: nobody holds the address now, so there is nothing to compare.
	NoLease
	// Current: the client has what it would be given.
	Current
	// Unknown: it is not known what the client said, or what it was told.
	Unknown
	// Stale: it would be given something else.
	Stale
)

// Cause is why a client is stale. The zero value is that of one that is not.
type Cause uint8

const (
	_ Cause = iota
	// ConfigurationChanged: it was told what it has by an earlier version.
	ConfigurationChanged
	// OtherVersion: it was told by a version that the one served by does not come from.
	OtherVersion
	// AskedForMore: it asked for options that it had not asked for before, of a member that could not know the version by
	// which it had been told the others.
	AskedForMore
	// ToldOlder: while the members were apart it was told by a newer version, and later by a member that did not know it.
	ToldOlder
	// Elsewhere: it was told by this version, as another member's client or by another release.
	Elsewhere
	causes
)

var causeNames = [...]string{
	ConfigurationChanged: "configuration changed", OtherVersion: "granted under another version", AskedForMore: "asked for more",
	ToldOlder: "told older while apart", Elsewhere: "another home or release",
}

// String returns the cause in the operator's words.
func (c Cause) String() string {
	if c < causes {
		return causeNames[c]
	}
	return "unknown"
}

// Causes returns all causes.
func Causes() (all []Cause) {
	for c := ConfigurationChanged; c < causes; c++ {
		all = append(all, c)
	}
	return all
}

// CauseNamed returns the cause that is written so; false if there is none.
func CauseNamed(name string) (Cause, bool) {
	for _, c := range Causes() {
		if c.String() == name {
			return c, true
		}
	}
	return 0, false
}

// causeOf says why b, which is stale, has something else than p would give it.
func causeOf(p *policy.Policy, b *binding.Binding, askedForMore bool) Cause {
	switch {
	case b.Cause == binding.ToldOlder:
		return ToldOlder
	case askedForMore:
		return AskedForMore
	case b.Version == p.Version:
		return Elsewhere
	case p.Follows(b.Version):
		return ConfigurationChanged
	}
	return OtherVersion
}
