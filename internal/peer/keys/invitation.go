package keys

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// maxInvitations is how many tokens may be good at a time.
const maxInvitations = 64

// invitation is what the group's authority remembers of a token: a file, whose name is the token's id in hex.
type invitation struct {
	Member  binding.Member `json:"member"`
	Key     []byte         `json:"key"` // derived of the token's secret
	Expires time.Time      `json:"expires"`
	// Spent names the key that the token got a certificate for; empty: none. That key may ask again, since an answer
	// can be lost on its way.
	Spent string `json:"spent,omitempty"`
}

// good reports whether the invitation holds at now. One that holds for longer than any does was made by another clock.
func (i *invitation) good(now time.Time) bool {
	left := i.Expires.Sub(now)
	return left > 0 && left <= TokenLife
}

// Invite makes a token with which a machine may join as the member, from that member's address, within TokenLife. founder
// is where this member is reached. The group must have been founded in d; a server that runs on d takes notice by itself.
func (d Dir) Invite(member binding.Member, founder netip.AddrPort, now time.Time) (*Token, error) {
	a, err := d.Authority()
	if err != nil {
		return nil, err
	}
	if err := checkNames(a.group, member); err != nil {
		return nil, err
	}
	dir := d.path(invitations)
	if err := ownfile.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("directory of the invitations: %w", err)
	}
	good, err := d.sweep(now)
	if err != nil {
		return nil, err
	}
	if good >= maxInvitations {
		return nil, fmt.Errorf("%d tokens are good at this time: use them, or wait until they end after %v", good, TokenLife)
	}
	t := newToken(a, member, founder)
	i := &invitation{Member: member, Key: t.key(), Expires: now.Add(TokenLife).UTC()}
	if err := d.keep(hex.EncodeToString(t.id[:]), i); err != nil {
		return nil, err
	}
	return t, nil
}

func (d Dir) keep(name string, i *invitation) error {
	b, err := json.Marshal(i)
	if err == nil {
		err = ownfile.Write(filepath.Join(d.path(invitations), name), b)
	}
	if err != nil {
		return fmt.Errorf("invitation of member %s: %w", i.Member, err)
	}
	return nil
}

// invitation returns the one of that name; fs.ErrNotExist if there is none.
func (d Dir) invitation(name string) (*invitation, error) {
	b, err := ownfile.ReadLinked(filepath.Join(d.path(invitations), name), maxFile)
	if err != nil {
		return nil, err
	}
	i := &invitation{}
	if err := json.Unmarshal(b, i); err != nil || len(i.Key) == 0 {
		return nil, fmt.Errorf("invitation %s cannot be read: remove it and make a new token", name)
	}
	return i, nil
}

// sweep removes the invitations that are no longer good, and what a crash left of their writing, and returns how many are.
func (d Dir) sweep(now time.Time) (good int, err error) {
	var gone error
	err = d.eachInvitation(func(name string) {
		if i, err := d.invitation(name); err == nil && i.good(now) {
			good++
			return
		}
		gone = errors.Join(gone, os.Remove(filepath.Join(d.path(invitations), name)))
	})
	return good, errors.Join(err, gone)
}

// open reports whether an invitation is good.
func (d Dir) open(now time.Time) (open bool) {
	d.eachInvitation(func(name string) {
		if !open {
			i, err := d.invitation(name)
			open = err == nil && i.good(now)
		}
	})
	return open
}

// eachInvitation calls do with the names of the files in the directory of the invitations; there may be no directory.
func (d Dir) eachInvitation(do func(name string)) error {
	f, err := os.Open(d.path(invitations))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("directory of the invitations: %w", err)
	}
	defer f.Close()
	names, err := f.Readdirnames(4 * maxInvitations)
	for _, name := range names {
		do(name)
	}
	if len(names) == 0 { // also where there are none at all, which it calls the end
		return nil
	}
	return err
}
