package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// adoptedWithin is how long a change waits for the other member before its author is told that it waits.
const adoptedWithin = 2 * time.Second

// maxUndoAsked is how many versions are looked at for what a change would undo of them.
const maxUndoAsked = 32

// takeFile takes what this member's file says, and the version that it says it was written against, if any.
func (k *keeper) takeFile(file *config.Document, against version.ID) error {
	was := k.file
	k.file = file
	if err := k.mayTakeFile(file, against); err != nil {
		return cmp.Or(k.machine.Look(file), err)
	}
	by := version.By{Author: "file " + file.File, Member: k.n.self, Time: k.n.clock.now()}
	if len(by.Author) > version.MaxAuthor {
		by.Author = "its file"
	}
	out, err := k.machine.File(file, against, by)
	if err2 := k.carryOut(&out); err2 != nil {
		k.file = was
		return err2
	}
	return err
}

// takeServer takes what a file says of this machine.
func (k *keeper) takeServer(file *config.Document) {
	if k.file != file {
		own := *k.file
		own.Server = file.Server
		k.file = &own
	}
}

// mayTakeFile returns why what has changed in this member's file is refused before anything else is looked at.
func (k *keeper) mayTakeFile(file *config.Document, against version.ID) error {
	s := &k.machine.State
	if against.IsZero() {
		against = s.FileVersion
	}
	if s.Tip.IsZero() || against.IsZero() || file.Digest == s.FileSaid || k.history.Get(against) == nil {
		return nil
	}
	return k.mayRemove(file, against)
}

// fileAgain is a reload: the file is read again. The error says why what it says is not in force.
func (k *keeper) fileAgain(ctx context.Context, doc *config.Document, against version.ID) error {
	var err error
	if err2 := k.do(ctx, func() { err = k.takeFile(doc, against) }); err2 != nil {
		return err2
	}
	return k.refusal(err)
}

// refusal returns the machine's reason as an operator sees it.
func (k *keeper) refusal(err error) error {
	stale, ok := errors.AsType[*group.StaleError](err)
	refused, said := errors.AsType[*RefusedError](err)
	switch {
	case err == nil:
		return nil
	case said:
		return refused
	case ok:
		e := &ConflictError{Parent: stale.Parent.String(), Tip: stale.Tip.String(), Conflicts: stale.Conflicts,
			Remedy: "look at lessor config show, bring the two together, and apply the result"}
		e.Changes, _ = k.diff(stale.Parent, stale.Tip)
		return e
	case errors.Is(err, group.ErrNoHistory):
		return &RefusedError{Why: "the group has no configuration yet", Remedy: "start the other member too, or found the group by lessor group init on its primary"}
	case errors.Is(err, group.ErrNoParent):
		return &RefusedError{Why: "the file is no version of the group's configuration, so what was changed in it cannot be told",
			Remedy: "edit what lessor config show prints, which says on its first line what it is written against"}
	}
	return &RefusedError{Why: err.Error(), Remedy: "lessor config history and lessor config show say what is in force"}
}

// diff returns what differs between two versions.
func (k *keeper) diff(a, b version.ID) ([]version.Change, error) {
	before, err := k.document(a)
	if err != nil {
		return nil, err
	}
	after, err := k.document(b)
	if err != nil {
		return nil, err
	}
	return version.Diff(before, after), nil
}

// ConfigApply implements Configurer.
func (n *Node) ConfigApply(ctx context.Context, r ApplyRequest) (Applied, error) {
	return n.applyFor(ctx, "", r)
}

// applyFor is ConfigApply for a change that is about one host, or, where that has no name, about anything.
func (n *Node) applyFor(ctx context.Context, host string, r ApplyRequest) (Applied, error) {
	parent, src, err := version.Against(r.Document)
	if err != nil {
		return Applied{}, &RefusedError{Why: err.Error(), Remedy: "leave the line as lessor config show printed it, or take it out"}
	}
	d, problems := config.Parse(cmp.Or(r.File, "the document"), src)
	if d == nil {
		return Applied{}, problems
	}
	var notes []string
	if d.Server.Position.Line > 0 {
		notes = append(notes, fmt.Sprintf("server: in line %d is this machine's own and was left out: only its own file says that", d.Server.Position.Line))
	}
	if note := inNoSubnet(d, host); note != "" {
		notes = append(notes, note)
	}
	a, err := n.keeper.change(ctx, r, notes, func(k *keeper) (*config.Document, version.ID, error) { return k.asThis(d), parent, nil })
	if clash, ok := errors.AsType[*ConflictError](err); ok {
		clash.inFile(version.LinesIn(src))
	}
	return a, err
}

// ConfigRollback implements Configurer.
func (n *Node) ConfigRollback(ctx context.Context, id string, r ApplyRequest) (Applied, error) {
	r.Comment = cmp.Or(r.Comment, "back to "+id)
	return n.keeper.change(ctx, r, nil, func(k *keeper) (*config.Document, version.ID, error) {
		v, err := k.named(id)
		if err != nil {
			return nil, v, err
		}
		d, err := k.document(v)
		return d, k.machine.State.Tip, err // what it undoes is what is asked for
	})
}

// change makes a document that the caller chooses the next version, once its author said yes to what it would do.
func (k *keeper) change(ctx context.Context, r ApplyRequest, notes []string, choose func(*keeper) (*config.Document, version.ID, error)) (Applied, error) {
	var (
		d      *config.Document
		parent version.ID
		ask    *ConfirmError
		err    error
	)
	if err2 := k.do(ctx, func() {
		if d, parent, err = choose(k); err == nil {
			err = cmp.Or(k.mayApply(d), k.mayRemove(d, parent))
		}
		if err == nil && !r.Yes {
			ask = k.consequences(d, parent, r.From)
		}
		if parent.IsZero() { // what others change until it is made is no part of what its author says yes to
			parent = k.machine.State.Tip
		}
	}); err2 != nil || err != nil {
		return Applied{}, errors.Join(err2, err)
	}
	if !r.Yes {
		lost, err := k.n.losses(ctx, d)
		if err != nil {
			return Applied{}, err
		}
		if ask.Why = append(ask.Why, lost...); len(ask.Why) > 0 {
			return Applied{}, ask
		}
	}
	return k.make(ctx, notes, func() (group.Output, error) {
		return k.machine.Apply(d, parent, k.by(r))
	})
}

// by is who makes a change.
func (k *keeper) by(r ApplyRequest) version.By {
	return version.By{Author: r.Author, Member: k.n.self, Comment: r.Comment, Time: k.n.clock.now()}
}

// mayApply returns why a document cannot be this group's.
func (k *keeper) mayApply(d *config.Document) error {
	if err := d.Serves(); err != nil {
		return &RefusedError{Why: err.Error(), Remedy: "leave this server among the members"}
	}
	if k.machine.Partner != "" {
		return nil
	}
	if _, waits := sinceStart(k.start, d); len(waits) > 0 {
		return &RefusedError{Why: fmt.Sprintf("%s: this cannot change while the server runs", strings.Join(waits, ", ")), Remedy: "write it into the server's file, and restart it"}
	}
	return nil
}

// consequences returns what a change would undo, and that it drops a subnet in which its author sits.
func (k *keeper) consequences(d *config.Document, parent version.ID, from []netip.Addr) *ConfirmError {
	e := &ConfirmError{Remedy: "give it again with --yes if that is what you want"}
	if why := k.removal(d, parent); why != "" {
		e.Why = append(e.Why, why)
	}
	if parent.IsZero() {
		if e.Undoes = k.undoes(d); len(e.Undoes) > 0 {
			e.Tip = idText(k.machine.State.Tip)
			e.Why = append(e.Why, fmt.Sprintf("it names no version that it was written against, and would undo what was changed since one that it may have been: %s", keysOf(e.Undoes)))
			e.Remedy = "edit what lessor config show prints, which says what it is written against; or give it again with --yes"
		}
	}
	if k.heads.document == nil {
		return e
	}
	for _, p := range droppedSubnets(k.heads.document, d) {
		for _, a := range from {
			if p.Contains(a) {
				e.Why = append(e.Why, fmt.Sprintf("it drops the subnet %v, in which you sit (%v)", p, a))
				break
			}
		}
	}
	return e
}

// droppedSubnets returns the subnets of a document that another does not have.
func droppedSubnets(before, after *config.Document) (dropped []netip.Prefix) {
	has := map[netip.Prefix]bool{}
	for i := range after.Networks {
		for j := range after.Networks[i].Subnets {
			has[after.Networks[i].Subnets[j].Prefix] = true
		}
	}
	for i := range before.Networks {
		for j := range before.Networks[i].Subnets {
			if p := before.Networks[i].Subnets[j].Prefix; !has[p] {
				dropped = append(dropped, p)
			}
		}
	}
	return dropped
}

// undoes returns what of a document is as some earlier version had it, and not as the latest has it.
func (k *keeper) undoes(d *config.Document) (undone []version.Change) {
	tip := k.machine.State.Tip
	latest, err := k.document(tip)
	if err != nil {
		return nil
	}
	changes := version.Diff(latest, d)
	if len(changes) == 0 {
		return nil
	}
	earlier := k.history.Log(tip, maxUndoAsked)
	taken := make([]bool, len(changes))
	for _, id := range earlier[1:] {
		old, err := k.document(id)
		if err != nil {
			break
		}
		since := version.Diff(old, latest)
		for i, c := range changes {
			if taken[i] {
				continue
			}
			taken[i] = slices.ContainsFunc(since, func(s version.Change) bool { return s.Key == c.Key && s.Before == c.After && s.After == c.Before })
		}
	}
	for i, c := range changes {
		if taken[i] {
			undone = append(undone, c)
		}
	}
	return undone
}

// ConfigResolve implements Configurer.
func (n *Node) ConfigResolve(ctx context.Context, take binding.Member, r ApplyRequest) (Applied, error) {
	k := n.keeper
	if err := k.mayResolve(ctx, take, r); err != nil {
		return Applied{}, err
	}
	return k.make(ctx, nil, func() (group.Output, error) {
		if k.machine.Status().Trouble == group.FilesDiffer {
			return k.machine.Take(take)
		}
		return k.machine.Resolve(take, k.by(r))
	})
}

// mayResolve returns what ending a conflict so would cost, unless its author said yes to it. What cannot be ended so is for Resolve
// to say.
func (k *keeper) mayResolve(ctx context.Context, take binding.Member, r ApplyRequest) error {
	var d *config.Document
	var refused error
	ask := &ConfirmError{}
	err := k.do(ctx, func() {
		taken, err := k.machine.Taken(take)
		if err != nil {
			return
		}
		if refused = k.mayRemove(taken, k.machine.State.Tip); refused != nil || r.Yes {
			return
		}
		d = k.asThis(taken)
		ask = k.consequences(d, k.machine.State.Tip, r.From)
	})
	if err != nil || refused != nil || d == nil {
		return cmp.Or(err, refused)
	}
	lost, err := k.n.losses(ctx, d)
	if err != nil {
		return err
	}
	if ask.Why = append(ask.Why, lost...); len(ask.Why) > 0 {
		return ask
	}
	return nil
}

// make carries out a change, and waits a little for the other member to have it too.
func (k *keeper) make(ctx context.Context, notes []string, step func() (group.Output, error)) (Applied, error) {
	var a Applied
	var err error
	if err2 := k.do(ctx, func() { a, err = k.step(step) }); err2 != nil || err != nil {
		return Applied{}, errors.Join(err2, err)
	}
	for until := time.Now().Add(adoptedWithin); err == nil && !a.Adopted && time.Now().Before(until); {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return a, nil
		}
		err = k.do(ctx, func() { k.note(&a) })
	}
	a.Notes = append(append([]string{}, notes...), a.Notes...)
	return a, nil
}

// step carries out one change, and says what became of it.
func (k *keeper) step(step func() (group.Output, error)) (Applied, error) {
	before := k.machine.State
	out, err := step()
	if err2 := k.carryOut(&out); err2 != nil {
		return Applied{}, &RefusedError{Why: "it could not be stored: " + err2.Error(), Remedy: "look at lessor status and at the disk"}
	}
	if err != nil {
		return Applied{}, k.refusal(err)
	}
	k.publish()
	a := Applied{Version: k.machine.State.Tip.String(), Previous: idText(before.Tip), Changed: k.machine.State.Tip != before.Tip, Changes: []version.Change{}, Pending: []version.Change{}}
	if v := k.history.Get(k.machine.State.Tip); v != nil {
		a.Merged = a.Changed && v.IsMerge()
	}
	if a.Changed && !before.Tip.IsZero() {
		if a.Changes, err = k.diff(before.Tip, k.machine.State.Tip); err != nil {
			a.Notes = append(a.Notes, err.Error())
		}
	}
	k.note(&a)
	return a, nil
}

// note says of a change how far it is.
func (k *keeper) note(a *Applied) {
	s := k.machine.Status()
	id, _ := version.ParseID(a.Version)
	a.Head = k.heads.head.String()
	a.Adopted = k.history.Descends(k.heads.head, id)
	a.Waits = ""
	if !a.Adopted {
		a.Waits = s.Waits
	}
	a.Pending = k.pendingChanges()
	if l := k.leaving(); l != nil && !l.From.IsZero() {
		a.Notes = []string{fmt.Sprintf("%s leaves the group at %s: from then on all addresses are this server's, which begins anew by itself", l.Member, l.From.UTC().Format(time.RFC3339))}
	}
	if len(k.restart) > 0 {
		a.Notes = []string{strings.Join(k.restart, ", ") + ": this takes effect when each server is started again"}
	}
}

// losses returns what a change would do to those who have a lease now that nobody should do unasked, in sentences.
func (n *Node) losses(ctx context.Context, d *config.Document) ([]string, error) {
	r, err := n.WhatIf(ctx, d, func(int, int) {})
	if err != nil {
		return nil, err
	}
	return r.Consequences(), nil
}
