package ledger

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Judge compares what clients have with what one policy would give them. It is used by one goroutine at a time; what it
// remembers from client to client saves time and changes nothing.
type Judge struct {
	self    binding.Member
	policy  *policy.Policy
	members []binding.Member // those that the document knows

	said     binding.Facts
	facts    policy.Facts
	decision policy.Decision
	would    []byte // what the client would be told, as a binding.Result is encoded
	found    []Difference
	heads    [2]struct{ lifetime, next [4]byte } // of what a client has and would have, for found

	reasons *binding.Blob // those that the next two were read from
	noRoom  policy.Codes
	more    bool // the client asked for more than it had
}

// Use makes p the policy by which is judged, at the member self.
func (j *Judge) Use(self binding.Member, p *policy.Policy) {
	j.self, j.policy, j.members = self, p, j.members[:0]
	for _, m := range p.Document.Group.Members {
		j.members = append(j.members, m.Name)
	}
	for i := range p.Document.Servers {
		j.members = append(j.members, binding.Member(p.Document.Servers[i].Name))
	}
	j.reasons = nil
}

// Policy returns the policy that is judged by.
func (j *Judge) Policy() *policy.Policy { return j.policy }

// HomeOf returns the member as which b's client is answered: its home, unless the document does not have that any more.
func (j *Judge) HomeOf(b *binding.Binding) binding.Member {
	if b.Home != "" && slices.Contains(j.members, b.Home) {
		return b.Home
	}
	return j.self
}

// Look judges b: by octets first, and thing by thing where they differ. It allocates nothing.
func (j *Judge) Look(b *binding.Binding) (Standing, Cause) {
	if b.State != binding.Active {
		return NoLease, 0
	}
	given := j.give(b)
	switch {
	case given == givenUnknown, b.Result == nil:
		return Unknown, 0
	case given == givenNothing:
		return Stale, j.cause(b)
	case bytes.Equal(b.Result.Bytes, j.would):
		return Current, 0
	}
	differs, readable := j.differs(b, nil)
	switch {
	case !readable:
		return Unknown, 0
	case !differs:
		return Current, 0
	case j.said.Truncated: // nobody can know what of it made the answer
		if b.Version == j.policy.Version {
			return Current, 0
		}
		return Unknown, 0
	}
	return Stale, j.cause(b)
}

func (j *Judge) cause(b *binding.Binding) Cause {
	j.readReasons(b)
	return causeOf(j.policy, b, j.more)
}

// given says what a client would be given by the policy.
type given uint8

const (
	_            given = iota
	givenUnknown       // what the client said is not known
	givenNothing       // it may not keep its address
	givenResult        // Judge.would
)

// give fills would with what b's client would be told as its home's.
func (j *Judge) give(b *binding.Binding) given {
	known, linked := j.policy.ReadFacts(b, &j.said, &j.facts)
	if !known {
		return givenUnknown
	}
	if !linked {
		return givenNothing
	}
	return j.giveAs(j.HomeOf(b), b.Addr())
}

// giveAs fills would with what the client of the facts would be told by the member as.
func (j *Judge) giveAs(as binding.Member, a netip.Addr) given {
	d := &j.decision
	j.policy.Place(as, &j.facts, d)
	if !j.policy.May(d, a) {
		return givenNothing
	}
	j.policy.Settle(as, &j.facts, a, d)
	told := d.Told(&j.facts)
	j.would = d.AppendResult(j.would[:0], &j.facts, &told)
	return givenResult
}
