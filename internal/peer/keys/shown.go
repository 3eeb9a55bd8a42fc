package keys

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Trusted is an authority whose certificates a member accepts.
type Trusted struct {
	Fingerprint Fingerprint
	Ends        time.Time
}

// Authorities returns the authorities whose certificates the member accepts, in the order of their file.
func (id *Identity) Authorities() []Trusted {
	all := make([]Trusted, len(id.authorities))
	for i, c := range id.authorities {
		all[i] = Trusted{sha256.Sum256(c.Raw), c.NotAfter}
	}
	return all
}

// Invited is a token that is good, without anything that is secret.
type Invited struct {
	Member  binding.Member
	Expires time.Time
	Spent   bool // used; the key that used it may ask again
}

// Invitations returns the tokens that are good at now, the one that ends first before the others.
func (d Dir) Invitations(now time.Time) (all []Invited, err error) {
	err = d.eachInvitation(func(name string) {
		if i, err := d.invitation(name); err == nil && i.good(now) {
			all = append(all, Invited{i.Member, i.Expires, i.Spent != ""})
		}
	})
	slices.SortFunc(all, func(a, b Invited) int { return a.Expires.Compare(b.Expires) })
	return all, err
}
