package keys

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

const (
	// Soon is how long before its end a certificate is reported.
	Soon = 14 * 24 * time.Hour
	// looks is how often the files are looked at, at most.
	looks = time.Second
)

// Ring is the identity of a member as its files say it now. It may be used from several goroutines.
type Ring struct {
	files  Files
	group  string
	member binding.Member

	mu      sync.Mutex // guards what follows
	current *Identity
	looked  time.Time
	stamps  [3]stampOf
	trouble string // why the files as they are now are not used; empty: they are
}

// stampOf tells whether a file has changed.
type stampOf struct {
	modified time.Time
	size     int64
	inode    uint64
}

// Open reads the files of the member of the group. The error names the file and the remedy.
func Open(f Files, group string, member binding.Member) (*Ring, error) {
	r := &Ring{files: f, group: group, member: member}
	r.stamps = r.look()
	id, err := Load(f, group, member)
	if err != nil {
		return nil, err
	}
	r.current = id
	return r, nil
}

// Current returns the identity. Files that have changed are read, but not oftener than once a second; while what is in
// them cannot be used, as between the copying of a certificate and of its key, the identity stays that of before.
func (r *Ring) Current(now time.Time) *Identity {
	r.mu.Lock()
	defer r.mu.Unlock()
	if since := now.Sub(r.looked); since >= 0 && since < looks {
		return r.current
	}
	r.looked = now
	stamps := r.look()
	if stamps == r.stamps && r.trouble == "" {
		return r.current
	}
	r.stamps = stamps
	id, err := Load(r.files, r.group, r.member)
	if err != nil {
		r.trouble = err.Error()
		return r.current
	}
	r.current, r.trouble = id, ""
	return id
}

func (r *Ring) look() (all [3]stampOf) {
	for i, path := range []string{r.files.Certificate, r.files.Key, r.files.Authority} {
		if info, err := os.Stat(path); err == nil {
			all[i] = stampOf{info.ModTime(), info.Size(), inode(info)}
		}
	}
	return all
}

// Report is what an operator should know of a member's certificate.
type Report struct {
	Member binding.Member
	Begins time.Time
	Ends   time.Time
	// Warning says what is wrong or soon will be, and what to do; empty: nothing.
	Warning string
	// Ended says that the certificate does not hold now: no other member will talk to this one.
	Ended bool
}

// Report looks at the files as Current does, and returns what is to be said of them.
func (r *Ring) Report(now time.Time) Report {
	id := r.Current(now)
	r.mu.Lock()
	trouble := r.trouble
	r.mu.Unlock()
	p := Report{Member: r.member, Begins: id.Begins(), Ends: id.Ends()}
	p.Ended = !now.Before(p.Ends) || now.Before(p.Begins)
	switch left := p.Ends.Sub(now); {
	case now.Before(p.Begins):
		p.Warning = fmt.Sprintf("the certificate holds from %s on: set this machine's clock", stamp(p.Begins))
	case p.Ended:
		p.Warning = fmt.Sprintf("the certificate ended on %s, and no other member talks to this one: %s", day(p.Ends), renewal)
	case left <= Soon:
		p.Warning = fmt.Sprintf("the certificate ends on %s, in %d days: %s", day(p.Ends), int(left/(24*time.Hour)), renewal)
	}
	if trouble != "" {
		p.Warning = join(p.Warning, "the files have changed, and those of before are used: "+trouble)
	}
	return p
}

const renewal = "renew it (docs/members.md, Renewing); the server takes the new files without a restart"

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
