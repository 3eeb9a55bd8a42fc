package node

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/group"
	"github.com/lessor-dhcp/lessor/internal/peer"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// keeper keeps the versions of the group's configuration: it drives the machine that decides which is the head, makes durable
// what that says, has the decider serve by it, and then tells the other member. It has a goroutine of its own, since merging
// two large documents takes a time that no client waits for.
type keeper struct {
	n *Node

	asks   chan func()     // of operators and of the file, carried out one after the other
	events chan peer.Event // of lessor-group/1
	lost   atomic.Bool     // the decider: this server has declared the link lost
	// wasLost is what of lost the keeper has acted on, and met is a meeting; both are for the decider, too.
	wasLost   atomic.Bool
	heardAt   atomic.Int64 // when the other member was last heard of versions, since the node began
	met       atomic.Int32
	clearance atomic.Pointer[clearance] // the decider: nil: not all is told
	// dismissed: the other member's addresses are this server's, on the disk.
	dismissed atomic.Bool
	nudge     chan struct{} // lost or clearance has changed
	ended     chan struct{} // closed when the goroutine has ended

	// What follows is the goroutine's own, and New's before it runs.
	machine *group.Machine
	history *version.History
	stored  group.State
	file    *config.Document // this member's file as it was read last, as this server
	served  *config.Document // what it served by before its versions were lost; nil: they are not
	start   *config.Document // by which the server was started: what cannot change while it runs
	link    groupLink
	heads   served
	restart []string // keys of what takes effect with the next start
	failed  error    // the last step could not be made durable, or be served by
	// dismissing: the decider knows that the other member is to be taken out.
	dismissing bool
	wasAlone   bool // until this start: nobody else can have promised anything
	adrift     bool // the machine has what was not kept, and cannot be made anew yet
	// These are kept, since they are asked for after each step.
	fileCompared fileCompared
	pending      pendingChanges
	concerned    concerned

	published atomic.Pointer[GroupConfigStatus]
	inFile    atomic.Pointer[fileLines]
	theirs    atomic.Pointer[theirPolicy] // what the other Lessor serves by, as far as it is known here
}

// served is what this member serves by. Without a head nobody is served.
type served struct {
	head, agreed     version.ID
	settled          version.ID
	unsettled        Unsettled
	unsettledSince   time.Time
	document         *config.Document // in force
	file             *config.Document // this member's, when the policy was made
	policy           *policy.Policy
	agreedPolicy     *policy.Policy   // nil: nothing that safety stands on waits
	gone             []binding.Digest // versions that are lost, which the policy takes the place of
	waiting, changes bool
}

// drainAfter is how often a connection is asked whether it takes more of a long document.
const drainAfter = 10 * time.Millisecond

// maxGroupEvents is how many events of connections wait for the keeper.
const maxGroupEvents = 16

// openKeeper reads what the store has of the configuration's versions. The file has no say yet.
func (n *Node) openKeeper(file *config.Document) (*keeper, error) {
	k := &keeper{n: n, file: file, asks: make(chan func()), events: make(chan peer.Event, maxGroupEvents), nudge: make(chan struct{}, 1), ended: make(chan struct{})}
	return k, k.reopen()
}

// reopen makes the machine anew from what is in the store.
func (k *keeper) reopen() error {
	k.n.opening.Lock()
	h, state, err := readVersions(k.n.store)
	k.n.opening.Unlock()
	if err != nil {
		return fmt.Errorf("the versions of the configuration in %s: %w", k.n.cfg.Document.Server.Data, err)
	}
	k.history, k.stored = h, state
	partner := lessorBeside(k.file)
	if !state.Agreed.IsZero() || !state.Head.IsZero() {
		d, err := k.document(cmp.Or(state.Agreed, state.Head))
		if err != nil {
			return err
		}
		partner = lessorBeside(d)
	}
	return k.machineFor(partner)
}

// machineFor makes the machine of a group in which the other Lessor is partner; empty: there is none.
func (k *keeper) machineFor(partner binding.Member) error {
	m, err := group.New(group.Config{Self: k.n.self, Partner: partner, History: k.history, State: k.stored, Load: k.load})
	if err != nil {
		return err
	}
	if k.machine != nil {
		m.SameFile(k.machine)
	}
	k.machine = m
	return nil
}

// readVersions returns the history and the state that a store has.
func readVersions(st *store.Store) (*version.History, group.State, error) {
	h := &version.History{}
	err := st.EachVersionHead(version.MaxHead, func(r store.VersionRecord) error {
		v, err := version.DecodeHead(r.Bytes) // the documents stay in the store
		if err == nil {
			_, err = h.Add(v)
		}
		return err
	})
	if err != nil {
		return nil, group.State{}, err
	}
	b := st.VersionState()
	if b == nil {
		return h, group.State{}, nil
	}
	state, err := group.DecodeState(b)
	return h, state, err
}

// load returns a version with its document from the store; nil if it is not there.
func (k *keeper) load(id version.ID) *version.Version {
	k.n.opening.Lock()
	b, ok, err := k.n.store.Version(id)
	k.n.opening.Unlock()
	if err != nil || !ok {
		return nil
	}
	v, err := version.Decode(b)
	if err != nil {
		return nil
	}
	return v
}

// document returns a version as this server reads it, with the lines of what is shown of it.
func (k *keeper) document(id version.ID) (*config.Document, error) {
	v := k.history.Get(id)
	if v == nil {
		return nil, fmt.Errorf("version %s is not here", id.Short())
	}
	if v.Format > version.Format { // whatever of it could be read
		_, err := v.Open()
		return nil, err
	}
	if h := &k.heads; h.policy != nil && h.head == id && h.file == k.file {
		return h.policy.Document, nil
	}
	if v.Document == nil {
		if v = k.load(id); v == nil {
			return nil, fmt.Errorf("the document of version %s is not in the store", id.Short())
		}
	}
	d, err := k.read(v)
	if err != nil {
		return nil, err
	}
	own := k.asThis(d)
	own.File = "version " + id.Short()
	return own, nil
}

// read returns what a version says. Where that is this member's file, it was read when the file was.
func (k *keeper) read(v *version.Version) (*config.Document, error) {
	if f := k.machine; f != nil && f.OwnFile() != nil && bytes.Equal(f.OwnFile().Document, v.Document) && bytes.Equal(f.OwnFile().Source, v.Source) {
		v = f.OwnFile()
	}
	return v.Read()
}

// asThis returns a document of the group as this server reads it, with the part that is this machine's own.
func (k *keeper) asThis(d *config.Document) *config.Document {
	own := *d
	if own.File == "" {
		own.File = "the group's configuration"
	}
	own.Server = k.file.Server
	return own.As(k.n.self)
}

// begin takes what the file says at the start: it founds the history of a server that needs nobody's leave, and adopts at once
// what a server alone may.
func (k *keeper) begin(against version.ID) error {
	if err := k.inherit(); err != nil {
		return err
	}
	refused := k.takeFile(k.file, against)
	if k.machine.State.Tip.IsZero() && (k.machine.Partner == "" || k.founded()) {
		out, err := k.machine.Found()
		if err == nil {
			err = k.carryOut(&out)
		}
		if err != nil {
			return err
		}
	}
	// A server that was alone begins to be one of two by its file alone, and the other way round.
	if d := k.heads.document; d != nil && lessorBeside(d) != k.machine.Partner {
		k.wasAlone = k.machine.Partner == ""
		if err := k.machineFor(lessorBeside(d)); err != nil {
			return err
		}
	}
	if k.start = k.heads.document; k.start == nil {
		k.start = k.file
	} else if err := k.keepHead(k.heads.policy); err != nil {
		return err
	}
	if refused != nil {
		k.n.refusedFile(refused) // behind keepHead, which says that nothing is
	}
	k.publish()
	return nil
}

// inherit gives a server a history that served before there were any, or, alone, has lost its history: the document that it served by.
// One of two that lost its history gets it from the other.
func (k *keeper) inherit() error {
	head, served := k.n.store.Head()
	if !k.machine.State.Tip.IsZero() || !served {
		return k.serveHead()
	}
	d, _ := config.Parse("the configuration that was served", head.Document)
	if d == nil {
		return nil // of a release that allowed what this one does not
	}
	before := d.Digest == head.Digest // there were versions: they name it by its meaning
	if !before && k.machine.Partner != "" {
		k.n.log.Error("the versions of the configuration are lost: they come from the other member", "data", k.n.cfg.Document.Server.Data)
		k.served = k.asThis(d) // if that has lost its own, too
		return k.machine.Served(k.served)
	}
	if _, err := k.machine.File(k.asThis(d), version.ID{}, version.By{}); err != nil {
		return err
	}
	out, err := k.machine.Found()
	if err != nil {
		return err
	}
	if !before { // what the file said when it was read last is lost, too: it has not changed
		k.n.log.Error("the versions of the configuration are lost: a history begins anew with the one that was served", "data", k.n.cfg.Document.Server.Data)
		k.machine.State.FileSaid, k.machine.State.FileVersion = k.file.Digest, version.ID{}
		if d.Digest == k.file.Digest {
			k.machine.State.FileVersion = k.machine.State.Tip
		}
		out.State = k.machine.State
	}
	return k.carryOut(&out)
}

// founded reports whether `lessor group init` of a release before there were versions founded the group here.
func (k *keeper) founded() bool {
	b, ok := k.n.store.Relationship()
	if !ok || k.served != nil { // there were versions, and the other member has them
		return false
	}
	rec, err := failover.DecodeRecord(b)
	return err == nil && rec.Founder
}

// run carries out what is asked and told, until ctx is done.
func (k *keeper) run(ctx context.Context) {
	defer close(k.ended)
	beat := time.NewTicker(k.beat())
	defer beat.Stop()
	for {
		var more <-chan time.Time
		if k.link.isWaiting() {
			more = time.After(drainAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-more:
			k.drain()
			continue
		case f := <-k.asks:
			f()
		case e := <-k.events:
			k.linkEvent(e)
		case <-k.nudge:
			k.lostChanged()
			k.clearanceChanged()
		case <-beat.C:
			k.pulse()
		}
		k.publish()
		k.noteMeeting(ctx)
		k.noteDismissal(ctx)
	}
}

// do has the keeper's goroutine run f, and returns when it has.
func (k *keeper) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case k.asks <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-k.ended:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// declare notes whether this server has declared the link lost. It is the decider's, and does not wait.
func (k *keeper) declare(lost bool) {
	if k.lost.Swap(lost) != lost {
		k.wakeUp()
	}
}

// errDeclaredLost is why a connection ends over which a partner may still be thought to answer.
var errDeclaredLost = errors.New("this server has declared the link to its partner lost")

// lostChanged has the machine know that the link is declared lost, or is not any more. A connection that stands is ended then: it may be
// one on which nobody answers.
func (k *keeper) lostChanged() {
	lost := k.lost.Load()
	if lost == k.wasLost.Load() {
		return
	}
	if lost {
		k.dropGroupLink(errDeclaredLost)
		k.met.Store(notMeeting)
	}
	k.wasLost.Store(lost)
	k.tellLink()
}

// tellLink tells the machine what is known of the connection.
func (k *keeper) tellLink() {
	out := k.machine.LinkChanged(linkOf(k.link.up != nil, k.wasLost.Load()))
	k.finish(&out)
}

// finish carries out a step, and begins anew from the store where that cannot be.
func (k *keeper) finish(out *group.Output) {
	if err := k.carryOut(out); err != nil && !errors.Is(err, ErrStopped) {
		k.n.log.Error("the configuration's versions cannot be kept", "error", err)
	}
}

// carryOut does what a step says, in its order: durable, then adopted, then told.
func (k *keeper) carryOut(out *group.Output) error {
	if k.adrift {
		return errors.Join(k.failed, k.again())
	}
	k.history = k.machine.History // which begins anew at the first contact
	if err := k.keep(out); err != nil {
		k.failed = err
		k.dropGroupLink(err)
		return errors.Join(err, k.again())
	}
	k.failed = k.serveHead()
	if err := k.failed; err != nil { // what would be said rests on it: pulse tries again, and the next connection begins anew
		k.dropGroupLink(err)
		return errors.Join(err, k.again())
	}
	for _, msg := range out.Send {
		k.say(msg)
	}
	if out.Close != nil {
		k.refuseGroupLink(out.Close)
	}
	return nil
}

// again makes the machine anew after a step that was not kept.
func (k *keeper) again() error {
	was := k.machine.Partner
	k.adrift = true
	if err := k.reopen(); err != nil {
		return err
	}
	if err := k.machineFor(was); err != nil {
		return err
	}
	k.adrift = false
	return nil
}

// keep makes durable what a step says is to be.
func (k *keeper) keep(out *group.Output) error {
	if len(out.Store) == 0 && out.State == k.stored {
		return nil
	}
	records := make([]store.VersionRecord, len(out.Store))
	for i, v := range out.Store {
		records[i] = store.VersionRecord{ID: v.ID(), Bytes: v.Append(nil)}
	}
	k.n.opening.Lock()
	err := k.n.store.PutVersions(records, out.State.Append(nil))
	k.n.opening.Unlock()
	if err != nil {
		return err
	}
	k.stored = out.State
	for _, v := range out.Store {
		k.history.Release(v.ID())
	}
	return k.tellDescent(out.Store)
}

// FoundConfiguration makes what a document says the first version of a group's history in the store of a server that is stopped,
// if that has none yet: `lessor group init`.
func FoundConfiguration(st *store.Store, self binding.Member, d *config.Document) error {
	h, state, err := readVersions(st)
	if err != nil || !state.Tip.IsZero() {
		return err
	}
	m, err := group.New(group.Config{Self: self, Partner: lessorBeside(d), History: h, State: state})
	if err != nil {
		return err
	}
	if _, err := m.File(d, version.ID{}, version.By{}); err != nil {
		return err
	}
	out, err := m.Found()
	if err != nil {
		return err
	}
	records := make([]store.VersionRecord, len(out.Store))
	for i, v := range out.Store {
		records[i] = store.VersionRecord{ID: v.ID(), Bytes: v.Append(nil)}
	}
	return st.PutVersions(records, out.State.Append(nil))
}
