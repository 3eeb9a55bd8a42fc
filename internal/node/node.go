// Package node is one server. Core decides: Handle(now, input) → effects, deterministic and without any outside. Run
// carries it out: sockets, journal and clock around the core, and "commit before told" in one function (carryOut).
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/socket"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// Config says what a Node serves and with what.
type Config struct {
	Document *config.Document // this member's file
	// Against is the version that the file says it was written against; zero: it does not say.
	Against version.ID
	Version string // of the program, for status
	Log     *slog.Logger
	// Store is how the data directory is opened; Dir and Member are the document's.
	Store store.Config
	// AcceptLostRecords lets the server start though records were lost of which not even the address is known.
	AcceptLostRecords bool
	// Past is the directory in which is written what happens; empty: PastName in the data directory, or, where Store.FS is in its place, nowhere.
	Past string
	// Sockets, if not nil, changes how the sockets are opened; for tests.
	Sockets func(*socket.Config)
}

// Node is one server. New opens what it needs, Run serves.
type Node struct {
	cfg     Config
	self    binding.Member
	log     *slog.Logger
	started time.Time
	clock   *clock

	store   *store.Store
	opening sync.Mutex // held while store is opened anew, and by others than the decider and the committer who use it
	sockets *socket.Sockets
	core    *Core
	keeper  *keeper
	partner *partnership // nil: this server is alone
	hub     hub
	books   *books

	control chan func()   // run by the decider
	work    chan struct{} // to the committer: there may be something to carry out
	settled chan struct{} // to the decider: something was carried out, or could not be
	answers chan answered // who uses an address
	links   chan []socket.Link
	ready   atomic.Bool
	ended   chan struct{} // closed when the decider has ended
	synced  atomic.Uint64 // commits that were made durable
	tallies tallies
	// chronicle is how it did.
	chronicle chronicle
	drifted   atomic.Pointer[drifted]
	tooLate   atomic.Uint64 // replies that were not sent because the other server may have answered by then

	seed uint64 // of the relationship

	// beginAnew ends Run with ErrBeginAnew.
	beginAnew func()

	// deciding is held by whoever decides, and guards the core, the partnership, and what follows.
	deciding  sync.Mutex
	free      *sync.Cond // with deciding: a load was carried out, or could not be
	current   *load      // what is decided now goes here
	spare     *load
	busy      bool  // a load is being carried out
	gathering bool  // whoever answers packets carries out the next
	watched   bool  // the decider wants to know when one was
	broken    error // why one could not be, until the store is open again
	reopening bool  // the store is being opened anew
	over      bool  // nothing is decided any more
	wake      *time.Timer
	wakeAt    time.Time       // when the decider wakes
	noRoom    error           // as it was last told
	snapshot  *store.Snapshot // nil: none is being taken
	octets    []byte          // of a relationship's record
	roomLost  bool
	sweepAt   time.Time // when the ledger's sweep goes on
	lookAt    time.Time // when the room on the disk is looked at again
	stall     stall     // of the load that is being carried out

	mu       sync.Mutex // guards what follows
	head     store.HeadRecord
	doc      *config.Document
	recovery recovery
	refused  refusal
	full     trouble   // there is no room for commits
	failure  trouble   // a commit failed, and the store is not open again
	attempt  time.Time // when an attempt to open it began that is under way; zero: none is
	// snapshotAt is when the newest snapshot was finished.
	snapshotAt time.Time
}

// refusal is a reload that was refused.
type refusal struct {
	why string
	at  time.Time
}

// trouble is something that is the matter, and since when; the zero value: nothing.
type trouble struct {
	err   error
	since time.Time
}

// set notes that err is the matter, or, if it is nil, that nothing is.
func (t *trouble) set(err error, now time.Time) {
	if t.err == nil || err == nil {
		t.since = now
	}
	t.err = err
}

// New opens the data directory and the sockets, and reads every binding. Its errors say what to do.
func New(cfg Config) (*Node, error) {
	n := &Node{
		cfg: cfg, self: cfg.Document.Server.Name, log: cfg.Log, doc: cfg.Document, started: time.Now(),
		control: make(chan func()), work: make(chan struct{}, 1), settled: make(chan struct{}, 1), answers: make(chan answered, 64),
		links: make(chan []socket.Link, 1), ended: make(chan struct{}),
	}
	n.free = sync.NewCond(&n.deciding)
	n.hub.epoch = n.started.UnixMilli()
	n.books = newBooks(cfg.pastDir(), n.hub.epoch)
	ring, err := openKeys(cfg.Document) // before anything else is touched
	if err != nil {
		return nil, err
	}
	p, table, commit, err := n.openAll()
	if err != nil {
		return nil, err
	}
	if ring, err = n.keysInForce(ring); err != nil {
		return nil, errors.Join(err, n.store.Close())
	}
	sc := socket.Config{Interfaces: cfg.Document.Server.Interfaces, Listen: cfg.Document.Server.Listen, Log: cfg.Log}
	if cfg.Sockets != nil {
		cfg.Sockets(&sc)
	}
	if n.sockets, err = socket.Open(sc); err != nil {
		return nil, errors.Join(err, n.store.Close())
	}
	n.core = NewCore(n.self, p, table, commit)
	n.beginServing()
	n.core.ServedSince(n.head.Since)
	if err := n.openPartnership(p, ring); err != nil {
		return nil, errors.Join(err, n.sockets.Close(), n.store.Close())
	}
	return n, nil
}

// pastDir returns where is written what happens; empty: nowhere.
func (cfg *Config) pastDir() string {
	if cfg.Past == "" && cfg.Store.FS == nil {
		return filepath.Join(cfg.Document.Server.Data, PastName)
	}
	return cfg.Past
}

// openAll opens the store, and reads the configuration and then the bindings that it has. The policy is that of the head, or of the file
// where there is none.
func (n *Node) openAll() (*policy.Policy, *binding.Table, uint64, error) {
	fail := func(err error) (*policy.Policy, *binding.Table, uint64, error) {
		if n.store != nil {
			err = errors.Join(err, n.store.Close())
		}
		return nil, nil, 0, err
	}
	st, err := n.openStore()
	if err != nil {
		return fail(err)
	}
	n.store = st
	if n.keeper, err = n.openKeeper(n.cfg.Document); err != nil {
		return fail(err)
	}
	if err := n.keeper.serveStored(); err != nil {
		return fail(err)
	}
	table, commit, err := n.load(st, n.keeper.policyOrFile())
	if err != nil {
		n.store = nil // load closed it
		return fail(err)
	}
	if err := n.keeper.begin(n.cfg.Against); err != nil {
		return fail(err)
	}
	return n.keeper.policyOrFile(), table, commit, nil
}

// openStore opens the data directory.
func (n *Node) openStore() (*store.Store, error) {
	cfg := n.cfg.Store
	cfg.Dir, cfg.Member = n.cfg.Document.Server.Data, n.self
	return store.Open(cfg)
}

// open opens the store anew and reads it.
func (n *Node) open(p *policy.Policy) (*store.Store, *binding.Table, uint64, error) {
	st, err := n.openStore()
	if err != nil {
		return nil, nil, 0, err
	}
	table, commit, err := n.load(st, p)
	return st, table, commit, err
}

// load reads the bindings. It closes the store where that fails.
func (n *Node) load(st *store.Store, p *policy.Policy) (*binding.Table, uint64, error) {
	begun := time.Now()
	table := binding.NewTable()
	guard := binding.Guard(p.LongestLifetime())
	rec, err := st.Load(table, func(b *binding.Binding) time.Time { return b.Due(guard) })
	if err != nil {
		return nil, 0, errors.Join(err, st.Close())
	}
	n.startClock(rec.Latest)
	commit, err := n.withhold(st, table, &rec, p)
	if err != nil {
		return nil, 0, errors.Join(err, st.Close())
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.recovery.note(&rec, table.Len(), time.Since(begun))
	n.recovery.log(n.log)
	return table, commit, nil
}

// startClock starts the clock, once: what it shows never goes back, whatever the store says later.
func (n *Node) startClock(latest time.Time) {
	if n.clock != nil {
		return
	}
	var held time.Duration
	if n.clock, held = newClock(time.Now(), latest); held > time.Second {
		n.log.Warn("the machine's clock is behind the newest lease: time is counted from that lease on", "behind", held.Round(time.Second))
	}
}

// Abandon closes what New opened, for a Node that is never Run.
func (n *Node) Abandon() error {
	return errors.Join(n.partner.abandon(), n.sockets.Close(), n.store.Close())
}

// Run serves until ctx is done; then what was decided is committed and told, and the store is closed. ready is called
// once the server answers all that its state allows; waiting says in words what it still waits for, and is empty if nothing. ErrBeginAnew says
// that the server is to be made again with its file, as it was read last (File).
func (n *Node) Run(ctx context.Context, ready func(waiting string)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n.beginAnew = func() { cancel(ErrBeginAnew) }
	edges, stop := context.WithCancel(context.WithoutCancel(ctx))
	events, err := n.listenForLog(edges) // before anything happens
	if err != nil {
		stop()
		return errors.Join(err, n.Abandon())
	}
	var running sync.WaitGroup
	start := func(f func()) { running.Go(f) }
	var logging sync.WaitGroup
	logging.Go(func() { n.logAll(ctx, events) })
	if runtime.GOMAXPROCS(0) < 2 { // answer holds one processor in its system calls, until the runtime's monitor notices
		runtime.GOMAXPROCS(2)
	}
	n.deciding.Lock() // decide lets go of it
	start(func() { n.answer() })
	start(func() { n.watch(edges) })
	start(func() { n.hearAnswers(edges) })
	start(func() { n.commitAll() })
	start(func() { n.runPartner(edges) })
	start(func() { n.keeper.run(edges) })
	start(func() { n.watchDrift(edges) })
	start(func() { n.keepChronicle(edges) })
	st := newStoreRunner(edges, n.store)
	over := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() { n.keepBooks(over) })

	err = n.decide(ctx, ready, st)
	close(n.ended)
	close(n.work)
	err = errors.Join(err, n.sockets.Close())
	n.hub.close()
	logging.Wait()
	stop()
	running.Wait()
	close(over)
	writing.Wait()
	st.stop()
	err = errors.Join(err, n.store.Close())
	if err == nil && context.Cause(ctx) == ErrBeginAnew {
		return ErrBeginAnew
	}
	return err
}

// File returns this member's file as it was read last, once Run has ended.
func (n *Node) File() *config.Document { return n.keeper.file }

// Reload takes what this member's file says now, and which version it says it was written against, if any: its server: section at once, and
// what has changed in the rest as a new version of the group's configuration. The error says what of it is not taken.
func (n *Node) Reload(ctx context.Context, doc *config.Document, against version.ID) error {
	k := n.keeper
	var old *config.Document
	if err := k.do(ctx, func() { old = k.file }); err != nil {
		return err
	}
	switch {
	case doc.Server.Name != old.Server.Name || doc.Server.Data != old.Server.Data:
		return fmt.Errorf("server: name and data cannot change while the server runs: restart it")
	case n.partner != nil && files(old.Server.TLS) != files(doc.Server.TLS):
		return fmt.Errorf("server: tls: this cannot change while the server runs: restart it")
	}
	refused := k.mayReload(ctx, doc)
	if refused == nil {
		refused = k.fileAgain(ctx, doc, against)
	}
	return errors.Join(refused, n.reloadOwn(ctx, doc, refused == nil))
}

// reloadOwn takes what a file says of this machine alone, also where its group part is refused.
func (n *Node) reloadOwn(ctx context.Context, doc *config.Document, whole bool) error {
	if err := n.keeper.do(ctx, func() { n.keeper.takeServer(doc) }); err != nil {
		return err
	}
	if err := n.sockets.Serve(doc.Server.Interfaces, doc.Server.Listen); err != nil {
		return fmt.Errorf("interfaces: %w", err)
	}
	if whole {
		n.mu.Lock()
		n.refused = refusal{}
		n.mu.Unlock()
	}
	return n.doOpen(ctx, func(e *Effects) {
		n.core.Handle(n.clock.now(), LinksChanged{Links: linksOf(n.sockets.Links())}, e)
	})
}

// doOpen is do for what a core whose commit failed would not hear of: it waits until the store is open again.
func (n *Node) doOpen(ctx context.Context, f func(*Effects)) error {
	for {
		ran := false
		err := n.do(ctx, func(e *Effects) {
			if ran = !n.reopening; ran {
				f(e)
			}
		})
		if ran || err != nil {
			return err
		}
		n.opening.Lock() // which is held until then
		n.opening.Unlock()
	}
}

// Refuse notes that a reload was refused, for status and events; the old configuration stays.
func (n *Node) Refuse(ctx context.Context, why string) {
	now := n.clock.now()
	n.mu.Lock()
	n.refused = refusal{why, now}
	n.mu.Unlock()
	// The events go out with whatever is decided next; that it failed to is of no consequence.
	_ = n.do(ctx, func(e *Effects) {
		e.Events = append(e.Events, Event{Time: At(now), Kind: ConfigRefused, Level: slog.LevelError,
			Message: "configuration refused: the old one stays", Detail: why})
	})
}

// ErrStopped says that the server has ended.
var ErrStopped = errors.New("the server has stopped")

// do has f run by the decider, and returns when it has.
func (n *Node) do(ctx context.Context, f func(*Effects)) error {
	ran := make(chan struct{})
	select {
	case n.control <- func() { f(&n.current.effects); close(ran) }:
		<-ran
		return nil
	case <-n.ended:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}
