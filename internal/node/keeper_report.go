package node

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// ConfigStatus implements Configurer.
func (n *Node) ConfigStatus(context.Context) (GroupConfigStatus, error) {
	if s := n.keeper.published.Load(); s != nil {
		return *s, nil
	}
	return GroupConfigStatus{}, ErrStopped
}

// publish makes what the keeper knows visible to others.
func (k *keeper) publish() {
	m := k.machine
	s := m.Status()
	g := GroupConfigStatus{
		Head: idText(k.heads.head), Tip: idText(s.Tip), Agreed: idText(s.Agreed), Partner: m.Partner, PartnerHead: idText(s.PartnerHead),
		Waits: s.Waits, Trouble: s.Trouble.String(), FileDiffers: s.FileDiffers, Pending: []version.Change{}, Versions: k.history.Len(),
		Restart: append([]string{}, k.restart...),
	}
	if m.Partner != "" {
		g.Link = linkWords(s.Link)
	}
	if g.FileUnknown = s.FileDiffers && s.FileVersion.IsZero(); g.FileUnknown {
		g.FileChanges = k.fileChanges()
	}
	if s.Trouble == group.FilesDiffer {
		g.Differs, g.Trouble = k.filesDiffer(), string(m.Self)+" and "+string(m.Partner)+" have no common configuration yet, and their files differ"
	}
	g.Pending = k.pendingChanges()
	g.Settling = k.settling(s.Link)
	if g.Needs = int(s.Needs); g.Needs > 0 {
		g.Trouble = k.tooNew(&s)
	}
	g.Leaves = k.leaving()
	if !s.Rival.IsZero() {
		g.Conflict = k.conflict(&s)
	}
	g.Lost = k.lostRows(s.Lost)
	if k.failed != nil {
		g.Failed = k.failed.Error()
	}
	k.published.Store(&g)
	k.publishLines()
}

// tooNew says which member's release cannot read which version.
func (k *keeper) tooNew(s *group.Status) string {
	if s.Trouble == group.CannotRead {
		return fmt.Sprintf("the release on %s cannot read the latest version of %s, %s: it needs format %d, and this one reads up to %d",
			k.machine.Self, k.machine.Partner, k.machine.PartnerTip().Short(), s.Needs, version.Format)
	}
	return fmt.Sprintf("the release on %s cannot read the latest version, %s, of %s: it needs a release that reads format %d",
		k.machine.Partner, s.Tip.Short(), k.machine.Self, s.Needs)
}

func idText(id version.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

func linkWords(l group.Link) string {
	switch l {
	case group.Up:
		return "up"
	case group.Lost:
		return "lost"
	case group.Away:
		return "away"
	}
	return "unknown"
}

// conflict says what keeps the two members' versions apart, and has the clients counted whom that concerns.
func (k *keeper) conflict(s *group.Status) *ConfigConflict {
	c := &ConfigConflict{Ours: k.row(s.Tip), Theirs: k.row(s.Rival), Conflicts: s.Conflicts, Clients: -1, Concerned: []ClientExample{},
		Remedy: fmt.Sprintf("lessor config resolve --take %s, or --take %s, settles every conflict by one side; or apply a document that joins them", k.machine.Self, k.machine.Partner)}
	at := [...]version.ID{s.Tip, s.Rival}
	switch x := &k.concerned; {
	case x.of != at:
		*x = concerned{of: at, clients: -1}
		k.count(at)
	case x.clients >= 0:
		c.Clients, c.Concerned = x.clients, x.first
	}
	return c
}

// concerned is whom a conflict of two versions concerns.
type concerned struct {
	of      [2]version.ID
	clients int // -1: not counted yet
	first   []ClientExample
}

// maxConcerned is how many clients of a conflict are named.
const maxConcerned = 20

// count has the clients counted who get something else by the one version than by the other, beside what the keeper does.
func (k *keeper) count(of [2]version.ID) {
	if k.n.core == nil { // it does not run yet
		k.concerned.of = [2]version.ID{}
		return
	}
	theirs, err := k.document(of[1])
	if err != nil {
		return
	}
	go func() {
		r, err := k.n.WhatIf(context.Background(), theirs, func(int, int) {})
		if err != nil {
			return
		}
		_ = k.do(context.Background(), func() {
			if k.concerned.of == of {
				k.concerned.clients, k.concerned.first = r.ByChange, firstConcerned(r)
			}
		})
	}()
}

// firstConcerned names the first clients of a report.
func firstConcerned(r *WhatIfReport) []ClientExample {
	all := []ClientExample{}
	for _, part := range r.Options {
		for _, c := range part.Examples {
			at := slices.IndexFunc(all, func(x ClientExample) bool { return x.Address == c.Address })
			switch {
			case at >= 0:
				all[at].Differs = append(all[at].Differs, c.Differs...)
			case len(all) < maxConcerned:
				c.Differs = slices.Clone(c.Differs)
				all = append(all, c)
			}
		}
	}
	return all
}

// filesDiffer returns what differs between the files of two members without a history.
func (k *keeper) filesDiffer() []version.Change {
	theirs := k.machine.TheirFile()
	if theirs == nil {
		return nil
	}
	d, err := theirs.Read()
	if err != nil {
		return nil
	}
	all := version.Diff(cmp.Or(k.served, k.file), d)
	for i := range all { // a person has the files, and neither is what the lines are counted in
		all[i].BeforeLine, all[i].AfterLine = 0, 0
	}
	return all
}

// pendingChanges are the changes of what safety stands on that wait, as they were found last.
type pendingChanges struct {
	agreed, tip version.ID
	changes     []version.Change
}

// settling returns what is withheld until both know who got it before; nil: nothing.
func (k *keeper) settling(link group.Link) *Settling {
	const few = 32
	addrs := k.heads.unsettled.Addrs
	if len(addrs) == 0 {
		return nil
	}
	s := &Settling{Since: At(k.heads.unsettledSince), Count: len(addrs), Addresses: addrs[:min(len(addrs), few)]}
	switch partner := k.machine.Partner; {
	case link != group.Up:
		s.Waits = fmt.Sprintf("until %s is connected again, or is declared down and nobody can hold what it gave", partner)
	case k.clearance.Load() == nil:
		s.Waits = fmt.Sprintf("until %s has acknowledged the leases of before, with the relationship in NORMAL", partner)
	default:
		s.Waits = fmt.Sprintf("until %s has told the leases of before, with the relationship in NORMAL", partner)
	}
	return s
}

// pendingChanges returns the changes of what safety stands on that wait until both members have them, never nil.
func (k *keeper) pendingChanges() []version.Change {
	s, p := k.machine.State, &k.pending
	if p.changes == nil || p.agreed != s.Agreed || p.tip != s.Tip {
		changes, err := k.machine.Pending()
		if err != nil || changes == nil {
			changes = []version.Change{}
		}
		*p = pendingChanges{s.Agreed, s.Tip, changes}
	}
	return p.changes
}

// maxFileChanges is how many differences between the file and the tip are told.
const maxFileChanges = 32

// fileChanges returns where this member's file differs from the latest version.
func (k *keeper) fileChanges() []version.Change {
	tip := k.machine.State.Tip
	if c := &k.fileCompared; c.file != k.file || c.tip != tip {
		*c = fileCompared{file: k.file, tip: tip}
		if d, err := k.document(tip); err == nil {
			all := version.Diff(d, k.file)
			c.changes = all[:min(len(all), maxFileChanges)]
		}
	}
	return k.fileCompared.changes
}

// fileCompared is what was found at the last comparison.
type fileCompared struct {
	file    *config.Document
	tip     version.ID
	changes []version.Change
}

// row says what a version is.
func (k *keeper) row(id version.ID) VersionRow {
	v := k.history.Get(id)
	if v == nil {
		return VersionRow{Version: idText(id), Parents: []string{}}
	}
	s := k.machine.State
	r := VersionRow{
		Version: id.String(), Parents: make([]string, len(v.Parents)), Author: v.Author, Member: v.Member, Comment: v.Comment, Document: v.Meaning.String(),
		Head: id == k.heads.head, Tip: id == s.Tip, Agreed: id == s.Agreed, PartnerHead: id == k.machine.Status().PartnerHead,
	}
	if !v.Time.IsZero() {
		r.Time = At(v.Time)
	}
	for i, p := range v.Parents {
		r.Parents[i] = p.String()
	}
	return r
}

// named returns the version that a text names: digits that begin its name and no other's, or head.
func (k *keeper) named(text string) (version.ID, error) {
	switch {
	case text == "" || text == "head":
		if k.heads.head.IsZero() {
			return version.ID{}, k.refusal(group.ErrNoHistory)
		}
		return k.heads.head, nil
	case text == "tip":
		return k.machine.State.Tip, nil
	case len(text) < MinVersion:
		return version.ID{}, &RefusedError{Why: fmt.Sprintf("%q is too short to name a version", text), Remedy: fmt.Sprintf("give at least %d digits; lessor config history lists the versions", MinVersion)}
	}
	text = strings.ToLower(text)
	var found version.ID
	for _, id := range k.all() {
		if !strings.HasPrefix(id.String(), text) {
			continue
		}
		if !found.IsZero() {
			return version.ID{}, &RefusedError{Why: fmt.Sprintf("%q begins the names of several versions", text), Remedy: "give more digits; lessor config history lists the versions"}
		}
		found = id
	}
	if found.IsZero() {
		return found, &RefusedError{Why: fmt.Sprintf("there is no version %q here", text), Remedy: "lessor config history lists the versions"}
	}
	return found, nil
}

// all returns every version that this member's latest, or the other's, comes from, and what was lost of late.
func (k *keeper) all() []version.ID {
	s := k.machine.State
	all := k.history.Log(s.Tip, version.MaxVersions)
	if !s.Rival.IsZero() {
		all = append(all, k.history.Missing(s.Tip, s.Rival)...)
	}
	for _, l := range k.machine.Status().Lost {
		for _, id := range k.history.Missing(s.Tip, l.Version) {
			if !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

// ConfigShow implements Configurer.
func (n *Node) ConfigShow(ctx context.Context, id string) (shown VersionShown, err error) {
	k := n.keeper
	err2 := k.do(ctx, func() {
		var v version.ID
		if v, err = k.named(id); err != nil {
			return
		}
		x := k.load(v)
		if x == nil {
			err = &RefusedError{Why: "the version's document is not in the store", Remedy: "ask the other member, or look at the disk: lessor check-store"}
			return
		}
		shown = VersionShown{VersionRow: k.row(v), Text: string(x.Show())}
	})
	return shown, cmp.Or(err2, err)
}

// ConfigHistory implements Configurer.
func (n *Node) ConfigHistory(ctx context.Context, limit int) (rows []VersionRow, err error) {
	k := n.keeper
	err = k.do(ctx, func() {
		all := k.all()
		for _, id := range all[:min(len(all), max(limit, 0))] {
			rows = append(rows, k.row(id))
		}
	})
	return rows, err
}

// ConfigDiff implements Configurer.
func (n *Node) ConfigDiff(ctx context.Context, a, b string) (changes []version.Change, err error) {
	k := n.keeper
	err2 := k.do(ctx, func() {
		var x, y version.ID
		if x, err = k.named(a); err == nil {
			y, err = k.named(b)
		}
		if err == nil {
			changes, err = k.diff(x, y)
		}
	})
	return changes, cmp.Or(err2, err)
}

// noteTrouble has operators hear of what keeps the members from one head, when it begins.
func (k *keeper) noteTrouble() {
	before := k.published.Load()
	k.publish()
	now := k.published.Load()
	if before != nil {
		k.noteLost(before.Lost, now.Lost)
	}
	switch {
	case before == nil:
	case now.Trouble != "" && now.Trouble != before.Trouble:
		detail := version.Text(now.Differs)
		k.event(slog.LevelError, now.Trouble, cmp.Or(detail, troubleRemedy(now)))
	case now.Conflict != nil && (before.Conflict == nil || before.Conflict.Theirs.Version != now.Conflict.Theirs.Version):
		var lines []string
		for _, c := range now.Conflict.Conflicts {
			lines = append(lines, fmt.Sprintf("%s: %s", c.Key, c.Reason))
		}
		k.event(slog.LevelError, fmt.Sprintf("the configurations of %s and %s are in conflict: %s", k.machine.Self, k.machine.Partner, now.Conflict.Remedy), strings.Join(lines, "\n"))
	case now.Conflict == nil && before.Conflict != nil && !slices.ContainsFunc(now.Lost, func(l LostVersion) bool { return l.Conflict }):
		k.event(slog.LevelInfo, "the conflict between the members' configurations is resolved", "")
	}
}

func (k *keeper) event(level slog.Level, message, detail string) {
	// It goes out with whatever is decided next.
	_ = k.n.do(context.Background(), func(e *Effects) {
		e.Events = append(e.Events, Event{Time: At(k.n.clock.now()), Kind: ConfigDiffers, Level: level, Message: message, Detail: detail, Partner: k.machine.Partner})
	})
}

// troubleRemedy says what to do about what keeps the members from one head.
func troubleRemedy(s *GroupConfigStatus) string {
	switch {
	case len(s.Differs) > 0:
		return "make the two files equal there, or choose one: lessor config resolve --take MEMBER"
	case strings.HasPrefix(s.Trouble, group.Unrelated.String()):
		return "one of the two must begin anew: stop it, move its data directory away, and have it join the other's group"
	case s.Needs > 0:
		return fmt.Sprintf("install a release that reads format %d on the member that is named; until then it goes on with its own version, and clients keep what they were told", s.Needs)
	case s.Trouble != "":
		return "install the same release on both members"
	}
	return ""
}
