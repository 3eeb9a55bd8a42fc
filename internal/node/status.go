package node

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Table returns the bindings. They are the core's.
func (c *Core) Table() *binding.Table { return c.table }

// Observe says which events somebody wants from now on.
func (c *Core) Observe(o Observe) { c.observe = o }

// status fills in what the core knows.
func (c *Core) status(now time.Time, s *Status) {
	s.Received, s.Sent = byType(&c.counts.Received, false), byType(&c.counts.Sent, true)
	s.Drops, s.ProbesSkipped = c.counts.DropsByName(), c.counts.ProbesSkipped
	s.OptionsLeftOut, s.OffersRecalled = c.counts.OptionsLeftOut, c.pools.Recalled()
	s.Memory = c.table.Memory()
	for _, i := range slices.Sorted(maps.Keys(c.links)) {
		l := c.links[i]
		st := InterfaceStatus{Name: l.Name, Up: l.Up, Addresses: l.Addrs}
		if sub, _ := c.policy.Locate(&nobody, &policy.Arrival{Interface: l.Name, Addrs: l.Addrs, OnLink: true}); sub != nil {
			st.Network = sub.Network.Name
		}
		s.Interfaces = append(s.Interfaces, st)
	}
	s.ClassesFailed = c.classFailures()
	s.Alarms = append(append(append(s.Alarms, c.alarms()...), c.quotaAlarms()...), c.classAlarm(now)...)
	s.Bindings = c.byState()
	s.Stale = c.ledger.summary(c.table.Len())
}

// byState counts the bindings by state, and all of them.
func (c *Core) byState() map[string]int {
	m := map[string]int{"total": c.table.Len()}
	for s, n := range c.states {
		if n > 0 {
			m[binding.State(s).String()] = n
		}
	}
	return m
}

// count counts the bindings of a table that was just read.
func (c *Core) count() {
	c.states = [len(c.states)]int{}
	for next, done := uint64(0), false; !done; {
		next, done = c.table.Scan(next, 1<<20, func(b *binding.Binding) bool {
			c.states[b.State]++
			return true
		})
	}
}

func (c *Core) poolStatus(q *policy.Pool) PoolStatus {
	k := c.pools.Counts(q.ID)
	return PoolStatus{
		Network: q.Subnet.Network.Name, Subnet: q.Subnet.Prefix, Range: q.Name(), Size: k.Size, Active: k.Active,
		Offered: k.Offered, Grace: k.Grace, Abandoned: k.Abandoned, Reserved: k.Reserved, Free: k.Free, PartnerFree: k.PartnerFree,
	}
}

func byType(counts *[19]uint64, reply bool) map[string]uint64 {
	m := map[string]uint64{}
	for t, n := range counts {
		if n > 0 {
			m[typeName(dhcpv4.MessageType(t), reply)] = n
		}
	}
	return m
}

// alarms returns what an operator should know of the pools.
func (c *Core) alarms() (as []Alarm) {
	for _, name := range slices.Sorted(maps.Keys(c.short)) {
		s := c.short[name]
		as = append(as, Alarm{
			Code: "pool-exhausted", Title: "No free address on " + name, Severity: Critical, Since: At(s.since),
			Text:   fmt.Sprintf("new clients on network %s are not answered: %d messages so far, the last at %s", name, s.refused, s.last.UTC().Format(time.RFC3339)),
			Remedy: "add a pool to the network, or shorten its lease; lessor leases --state active --network shows who has the addresses",
		})
	}
	return as
}

// Status implements Reporter.
func (n *Node) Status(ctx context.Context) (Status, error) {
	s := Status{
		Server: n.self, Version: n.cfg.Version, Ready: n.ready.Load(), Started: At(n.started),
		Uptime: int64(time.Since(n.started) / time.Second), Goroutines: runtime.NumGoroutine(),
	}
	var counted *policy.Policy
	more := false
	err := n.do(ctx, func(*Effects) {
		n.core.status(n.clock.now(), &s)
		n.statusOfStore(&s)
		n.statusOfPartner(&s)
		counted, more = n.core.morePools(nil, &s)
	})
	for more && err == nil {
		err = n.do(ctx, func(*Effects) { counted, more = n.core.morePools(counted, &s) })
	}
	if err != nil {
		return Status{}, err
	}
	n.socketDrops(&s)
	n.placeFailures(s.Config.Head, s.ClassesFailed)
	n.mu.Lock()
	s.Alarms = append(s.Alarms, n.books.alarms(n.clock.now())...)
	s.Alarms = append(s.Alarms, interfaceAlarms(n.doc.Server.Interfaces, s.Interfaces)...)
	n.mu.Unlock()
	slices.SortStableFunc(s.Alarms, func(a, b Alarm) int { return gravity(b) - gravity(a) })
	return s, nil
}

// interfaceAlarms names the interfaces that the configuration wants and that are not there, or down.
func interfaceAlarms(wanted []string, there []InterfaceStatus) (as []Alarm) {
	for _, name := range wanted {
		what := "is not there"
		if i := slices.IndexFunc(there, func(s InterfaceStatus) bool { return s.Name == name }); i >= 0 {
			if there[i].Up {
				continue
			}
			what = "is down"
		}
		as = append(as, Alarm{Code: "interface-missing", Title: "Interface " + name + " " + what, Severity: Critical,
			Text: "clients on it are not heard", Remedy: "bring it up (ip link set " + name + " up), or take it out of server.interfaces"})
	}
	return as
}

func gravity(a Alarm) int {
	if a.Severity == Critical {
		return 1
	}
	return 0
}

// answerTooLate counts replies that one of two servers did not send because it stood still before it could.
const answerTooLate = "answer-too-late"

func (n *Node) socketDrops(s *Status) {
	if k := n.tooLate.Load(); k > 0 {
		s.Drops[answerTooLate] = k
	}
	k := n.sockets.Counters()
	k.Each(func(group, reason string, count uint64) {
		if count > 0 {
			s.Drops["socket-"+group+"-"+reason] = count
		}
	})
	if k.Overflow > 0 {
		s.Drops["socket-overflow"] = k.Overflow
	}
}

func (n *Node) statusOfStore(s *Status) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Config = ConfigStatus{Head: n.head.Digest.String(), Since: At(n.head.Since), File: n.cfg.Document.File}
	if g := n.keeper.published.Load(); g != nil {
		s.Alarms = append(s.Alarms, configAlarms(n.clock.now(), g, string(n.self))...)
		s.Alarms = append(s.Alarms, n.driftAlarm(g)...)
	}
	if n.refused.why != "" {
		s.Config.Refused, s.Config.RefusedAt = n.refused.why, At(n.refused.at)
		s.Alarms = append(s.Alarms, Alarm{Code: "config-refused", Title: "The newest configuration was refused", Severity: Warning,
			Since: At(n.refused.at), Text: "the server goes on with the one before: " + n.refused.why, Remedy: "mend the file (lessor check FILE) and reload"})
	}
	s.Store = StoreStatus{Dir: n.doc.Server.Data, State: "open", Syncs: n.synced.Load(), Recovered: n.recovery.status}
	k := n.store.Stats()
	s.Store.Commits, s.Store.Segments, s.Store.JournalBytes, s.Store.SnapshotBytes = k.Commit, k.Segments, k.JournalBytes, k.SnapshotBytes
	s.Store.Snapshot = At(n.snapshotAt)
	now := n.clock.now()
	since, stands := n.stall.stands(now)
	switch {
	case n.failure.err != nil:
		s.Store.State = "failed"
		s.Alarms = append(s.Alarms, n.failedAlarm(now))
	case stands: // what else is the matter comes of it, or can wait
		s.Store.State = "stalled"
		s.Alarms = append(s.Alarms, n.stalledAlarm(now, since))
	case n.full.err != nil:
		s.Store.State = "full"
		s.Alarms = append(s.Alarms, Alarm{Code: "disk-full", Title: "No room for leases on the disk", Severity: Critical,
			Since: At(n.full.since), Text: "no lease is given or renewed: " + n.full.err.Error(), Remedy: "free space on the file system of " + n.doc.Server.Data + "; the server goes on by itself"})
	}
	if k := n.recovery.status.DamagedCount; k > 0 {
		s.Alarms = append(s.Alarms, Alarm{Code: "store-damaged", Title: "The store was damaged", Severity: Warning, Since: At(n.started),
			Text: fmt.Sprintf("the newest start found %d places that could not be read; addresses withheld because their newest record was "+
				"lost: %d; of other leases, what the client said or was told may be missing", k, n.recovery.withheld),
			Remedy: "look at the disk; lessor check-store names every place; withheld addresses come back by themselves, and renewals fill in what is missing"})
	}
}

func (n *Node) storeEvent(level slog.Level, message, detail string) {
	e := Event{Time: At(n.clock.now()), Kind: StoreAlarm, Level: level, Message: message, Detail: detail}
	n.current.effects.Events = append(n.current.effects.Events, e)
}

func (n *Node) roomEvent(err error) {
	if err != nil {
		n.storeEvent(slog.LevelError, "no room on the disk: nothing that must be durable is decided until there is", err.Error())
		return
	}
	n.storeEvent(slog.LevelInfo, "there is room on the disk again", "")
}
