package ledger

import (
	"bytes"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Judge compares what clients have with what one policy would give them. It is used by one goroutine at a time; what it
// remembers from client to client saves time and changes nothing.
type Judge struct {
	self   binding.Member
	policy *policy.Policy
	agreed *policy.Policy   // what both members have of which address is kept for whom; nil: as policy has it
	others []binding.Member // that may have answered a client, where it matters who does

	said     binding.Facts
	facts    policy.Facts
	awaits   binding.Facts // the same, for agreed
	decision policy.Decision
	given    given
	would    []byte // what the client would be told, as a binding.Result is encoded
	found    []Difference
	// wouldElse is the same for each of others. What is marked local is theirs, and a client that has it from one of them is not
	// stale.
	wouldElse [][]byte
	heads     heads // for found

	reasons *binding.Blob // those that the next two were read from
	noRoom  policy.Codes
	more    bool // the client asked for more than it had
}

// Use makes p the policy by which is judged, at the member self. agreed is the last version that both members adopted; nil where
// nothing that safety stands on differs.
func (j *Judge) Use(self binding.Member, p, agreed *policy.Policy) {
	j.self, j.policy, j.agreed, j.others, j.reasons = self, p, agreed, j.others[:0], nil
	for _, m := range p.Document.Group.Members {
		if m.Name != self && p.SomeLocal() {
			j.others = append(j.others, m.Name)
		}
	}
	j.wouldElse = make([][]byte, len(j.others))
}

// Uses reports whether that is what is judged by.
func (j *Judge) Uses(p, agreed *policy.Policy) bool { return j.policy == p && j.agreed == agreed }

// Self returns the member at which is judged.
func (j *Judge) Self() binding.Member { return j.self }

// Policy returns the policy that is judged by; nil before Use.
func (j *Judge) Policy() *policy.Policy { return j.policy }

// Agreed returns what Use was given.
func (j *Judge) Agreed() *policy.Policy { return j.agreed }

// HomeOf returns the member as which b's client is answered: its home, unless the document does not have that any more.
func (j *Judge) HomeOf(b *binding.Binding) binding.Member { return j.policy.HomeOf(b, j.self) }

// Look judges b: by octets first, and thing by thing where they differ. It allocates nothing.
func (j *Judge) Look(b *binding.Binding) (Standing, Cause) {
	if b.State != binding.Active {
		return NoLease, 0
	}
	j.given = j.give(b)
	switch {
	case j.given == givenUnknown, b.Result == nil, b.Cause == binding.ToldByPartner: // it has the answer of another vendor's server
		return Unknown, 0
	case j.given == givenNothing:
		return Stale, j.cause(b)
	case bytes.Equal(b.Result.Bytes, j.would), j.giveElse(b):
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
	if !j.place(b) {
		return givenNothing
	}
	j.would = j.answer(j.self, b, j.would[:0])
	return givenResult
}

// place fills the half of the decision that does not depend on the address, and reports whether b's client may keep its own.
func (j *Judge) place(b *binding.Binding) bool {
	d := &j.decision
	j.policy.Place(j.self, &j.facts, d)
	if j.agreed != nil {
		facts := policy.Facts{}
		if known, _ := j.agreed.ReadFacts(b, &j.awaits, &facts); known {
			j.policy.Await(j.agreed, &facts, d)
		}
	}
	return j.policy.MayKeep(d, b.Addr())
}

// answer appends what b's client, which was placed, would be told by the member who now: what its home has for it.
func (j *Judge) answer(who binding.Member, b *binding.Binding, dst []byte) []byte {
	d := &j.decision
	now := binding.Binding{Prefix: b.Prefix, Home: b.Home} // by whichever version it was told before
	j.policy.SettleHeld(who, &j.facts, &now, d)
	told := d.Told(&j.facts)
	return d.AppendResult(dst, &j.facts, &told)
}

// giveElse fills wouldElse, and reports whether b's client has exactly what one of the others would tell it.
func (j *Judge) giveElse(b *binding.Binding) (same bool) {
	for i, m := range j.others {
		j.wouldElse[i] = j.answer(m, b, j.wouldElse[i][:0])
		same = same || bytes.Equal(j.wouldElse[i], b.Result.Bytes)
	}
	return same
}

// fromAnother reports whether one of the others would tell the client in code what it has; nil: nothing.
func (j *Judge) fromAnother(code uint16, has []byte) bool {
	for _, w := range j.wouldElse {
		if p := part(w, code); bytes.Equal(p, has) && (p == nil) == (has == nil) {
			return true
		}
	}
	return false
}
