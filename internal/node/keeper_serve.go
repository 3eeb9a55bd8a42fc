package node

import (
	"context"
	"log/slog"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// serveHead has the server serve by the machine's head, if it does not yet.
func (k *keeper) serveHead() error {
	s, h := k.machine.State, &k.heads
	changing, gone := s.Tip != s.Head || !s.Rival.IsZero(), lostVersions(k.machine)
	isGone, settles := slices.Equal(gone, h.gone), s.Agreed != h.agreed || s.Settled != h.settled
	if s.Head.IsZero() || s.Head == h.head && !settles && changing == h.changes && isGone {
		return nil
	}
	next := served{head: s.Head, agreed: s.Agreed, settled: s.Settled, changes: changing, document: h.document, file: h.file, policy: h.policy, agreedPolicy: h.agreedPolicy, gone: gone}
	if s.Head != h.head || settles || !isGone {
		if err := k.compile(&next); err != nil {
			return err
		}
	}
	first := h.policy == nil
	adopts := s.Head != h.head
	if adopts {
		if err := k.keepHead(next.policy); err != nil {
			return err
		}
	}
	*h = next
	if k.n.core == nil { // New goes on with it
		return nil
	}
	return k.adopt(first, adopts, settles)
}

// compile makes the policies of what is served by. One that stays is not made anew.
func (k *keeper) compile(next *served) error {
	head, err := k.document(next.head)
	if err != nil {
		return err
	}
	agreed := head
	if !next.agreed.IsZero() && next.agreed != next.head {
		if agreed, err = k.document(next.agreed); err != nil {
			return err
		}
	}
	if next.policy == nil || next.policy.Version != binding.Digest(next.head) || next.policy.Document != head {
		next.policy = PolicyOf(k.history, next.head, head).WithLost(next.gone)
	} else if !slices.Equal(next.gone, k.heads.gone) {
		next.policy = next.policy.WithLost(next.gone)
	}
	if next.unsettled, err = k.unsettled(next, agreed); err != nil {
		return err
	}
	next.agreedPolicy = AgreedPolicy(k.history, next.agreed, agreed, head)
	next.document, next.file = inForce(head, agreed), k.file
	return nil
}

// unsettled returns which addresses are withheld while it is served by next, since it is not known who got them before.
func (k *keeper) unsettled(next *served, agreed *config.Document) (u Unsettled, err error) {
	if next.settled == next.agreed {
		return u, nil
	}
	settled, err := k.document(next.settled)
	if err != nil {
		return u, err
	}
	next.unsettledSince = k.n.clock.now()
	return UnsettledOf(settled, agreed, binding.Digest(next.agreed)), nil
}

// clears notes that the decider has, or has not, come to know that all is told of what held before; it does not wait.
func (k *keeper) clears(c *clearance) {
	if before := k.clearance.Load(); c == before || c != nil && before != nil && *c == *before {
		return
	}
	k.clearance.Store(c)
	k.wakeUp()
}

// clearance is what the decider knows of an agreed version (Core.Clears).
type clearance struct {
	agreed binding.Digest
	alone  bool
}

// clearanceChanged has the machine know of it.
func (k *keeper) clearanceChanged() {
	c, s := k.clearance.Load(), &k.machine.State
	if c == nil || k.adrift || s.Settled == s.Agreed || binding.Digest(s.Agreed) != c.agreed {
		return
	}
	out := k.machine.Clear(s.Agreed, c.alone)
	k.finish(&out)
}

// keepHead keeps a copy of the head beside the versions, for the day on which those are lost.
func (k *keeper) keepHead(p *policy.Policy) error {
	n := k.n
	n.opening.Lock()
	defer n.opening.Unlock()
	head, ok := n.store.Head()
	if !ok || head.Digest != p.Version {
		head = store.HeadRecord{Digest: p.Version, Since: n.clock.now(), Document: p.Document.Source}
		if err := n.store.SetHead(head); err != nil {
			return err
		}
	}
	n.mu.Lock()
	n.head, n.doc, n.refused = head, p.Document, refusal{}
	n.mu.Unlock()
	return nil
}

// adopt has the decider serve by the head.
func (k *keeper) adopt(first, adopts, settles bool) error {
	n, h := k.n, &k.heads
	doc := h.document
	if first { // it has no relationship yet that could not change
		start := *doc
		start.Group.Members, start.Group.Failover.Reconnect = k.start.Group.Members, k.start.Group.Failover.Reconnect
		k.start = &start
	}
	doc, k.restart = sinceStart(k.start, doc)
	return n.doOpen(context.Background(), func(e *Effects) {
		now := n.clock.now()
		if n.core.policy != h.policy || settles || n.core.responder.Agreed != h.agreedPolicy {
			n.core.Handle(now, Adopt{Policy: h.policy, Agreed: h.agreedPolicy, Unsettled: h.unsettled}, e)
		}
		n.core.Handle(now, Changing{On: h.changes}, e)
		if cfg, ok := n.relationshipOf(doc, h.policy); ok {
			n.reconfigure(cfg)
		}
		if first {
			n.joinGroup()
			n.useEarly()
		}
		if adopts {
			e.Events = append(e.Events, Event{Time: At(now), Kind: ConfigAdopted, Level: slog.LevelInfo,
				Message: "configuration adopted", Detail: h.policy.Version.String() + ": " + h.policy.Summary()})
		}
	})
}

// theirPolicy is what the other Lessor serves by.
type theirPolicy struct {
	member binding.Member
	head   version.ID
	policy *policy.Policy
	why    string // there is none; why
}

// partnerPolicy returns what the other Lessor of the group serves by, or why that is not known here. It takes as long as reading
// a document.
func (n *Node) partnerPolicy() (*policy.Policy, binding.Member, string) {
	k := n.keeper
	var t theirPolicy
	if err := k.do(context.Background(), func() { t = k.readTheirs() }); err != nil {
		return nil, "", err.Error()
	}
	return t.policy, t.member, t.why
}

// readTheirs compiles the partner's head as the partner reads it.
func (k *keeper) readTheirs() theirPolicy {
	s := k.machine.Status()
	t := theirPolicy{member: k.machine.Partner, head: s.PartnerHead}
	switch {
	case t.member == "":
		t.why = "there is no other Lessor in the group, so that nobody tells what the other server would do"
		return t
	case t.head.IsZero():
		t.why = string(t.member) + " has not said what it serves by since the connection began"
		return t
	case t.head == k.heads.head:
		t.policy = k.heads.policy
		return t
	}
	if last := k.theirs.Load(); last != nil && last.head == t.head && last.policy != nil {
		return *last
	}
	d, err := k.document(t.head)
	if err != nil {
		t.why = err.Error()
		return t
	}
	t.policy = PolicyOf(k.history, t.head, theirReading(d, t.member))
	k.theirs.Store(&t)
	return t
}

// theirReading returns a document as another member reads it, whose own part is not known here.
func theirReading(d *config.Document, member binding.Member) *config.Document {
	own := *d
	own.Server = config.Server{Name: member}
	return own.As(member)
}

// serveStored makes the policies of the head that the store has, if it has one.
func (k *keeper) serveStored() error {
	if k.machine.State.Head.IsZero() {
		return nil
	}
	next := served{head: k.machine.State.Head, agreed: k.machine.State.Agreed, settled: k.machine.State.Settled, gone: lostVersions(k.machine), changes: k.machine.State.Tip != k.machine.State.Head || !k.machine.State.Rival.IsZero()}
	if err := k.compile(&next); err != nil {
		return err
	}
	k.heads = next
	return nil
}

// servesBy returns the document by which a server that is being made has a partner, or not: the head as far as it is in force, and the
// file where there is none.
func (k *keeper) servesBy() *config.Document {
	if k.heads.document != nil {
		return k.heads.document
	}
	return k.file
}

// policyOrFile returns the policy of the head, or what the file's would be, by which nobody is served.
func (k *keeper) policyOrFile() *policy.Policy {
	if k.heads.policy != nil {
		return k.heads.policy
	}
	return policy.Compile(k.file)
}

// beginServing has a new core know what of its configuration waits, or that it has none to serve by.
func (n *Node) beginServing() {
	n.core.descend(n.keeper.descent())
	h := &n.keeper.heads
	if h.policy == nil {
		n.core.headless = true
		return
	}
	var out Effects
	if h.agreedPolicy != nil || h.settled != h.agreed {
		n.core.Handle(n.clock.now(), Adopt{Policy: h.policy, Agreed: h.agreedPolicy, Unsettled: h.unsettled}, &out)
	}
	n.core.Handle(n.clock.now(), Changing{On: h.changes}, &out)
	n.keeper.dismissing = n.keeper.machine.Gone()
	n.core.Handle(n.clock.now(), Dismiss{On: n.keeper.dismissing}, &out)
}

// noteDeclared has the keeper know whether this server has declared the link to its partner lost, and whether the partner knows all
// that was done by what held before.
func (n *Node) noteDeclared() {
	if e := n.core.Endpoint(); e != nil {
		n.keeper.declare(isDeclaredLost(e.State()))
	}
	if n.core.unsettled.agreed.IsZero() {
		return
	}
	if agreed, alone, ok := n.core.Clears(n.clock.now()); ok {
		n.keeper.clears(&clearance{agreed, alone})
	} else {
		n.keeper.clears(nil)
	}
}

// refusedFile notes that the file's change is not taken.
func (n *Node) refusedFile(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refused = refusal{why: n.keeper.refusal(err).Error(), at: n.clock.now()}
}
