package main

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// keeping is a running server that keeps versions, as a test put them into it.
type keeping struct {
	fake
	group   node.GroupConfigStatus
	shown   map[string]node.VersionShown // by what is asked for; "" is the head
	history []node.VersionRow
	changes []configversion.Change
	applied node.Applied
	// needs are what is in the way of the changes, in turn; when they are used up a change is made.
	needs   []error
	told    []node.ApplyRequest
	named   []string // what was asked for beside that, in turn
	whatIf  *node.WhatIfReport
	drifted *node.DriftReport
	stale   []node.StaleRow
	filter  node.StaleFilter
	steps   int
}

func (k *keeping) ConfigStatus(context.Context) (node.GroupConfigStatus, error) {
	return k.group, k.refuses
}

func (k *keeping) ConfigShow(_ context.Context, id string) (node.VersionShown, error) {
	v, ok := k.shown[id]
	if !ok {
		return v, &node.RefusedError{Why: "there is no version " + id, Remedy: "lessor config history lists them"}
	}
	return v, nil
}

func (k *keeping) ConfigHistory(_ context.Context, limit int) ([]node.VersionRow, error) {
	return k.history[:min(limit, len(k.history))], nil
}

func (k *keeping) ConfigDiff(_ context.Context, a, b string) ([]configversion.Change, error) {
	k.named = append(k.named, a+".."+b)
	return k.changes, k.refuses
}

func (k *keeping) change(r node.ApplyRequest) (node.Applied, error) {
	k.told = append(k.told, r)
	if len(k.needs) > 0 {
		err := k.needs[0]
		k.needs = k.needs[1:]
		return node.Applied{}, err
	}
	return k.applied, nil
}

func (k *keeping) ConfigApply(_ context.Context, r node.ApplyRequest) (node.Applied, error) {
	return k.change(r)
}

func (k *keeping) ConfigRollback(_ context.Context, id string, r node.ApplyRequest) (node.Applied, error) {
	k.named = append(k.named, id)
	return k.change(r)
}

func (k *keeping) ConfigResolve(_ context.Context, take binding.Member, r node.ApplyRequest) (node.Applied, error) {
	k.named = append(k.named, string(take))
	return k.change(r)
}

func (k *keeping) Stale(_ context.Context, f node.StaleFilter, each func(*node.StaleRow) error) error {
	k.filter = f
	for i := range k.stale {
		if f.Cause != "" && k.stale[i].Cause != f.Cause {
			continue
		}
		if err := each(&k.stale[i]); err != nil {
			return err
		}
	}
	return nil
}

func (k *keeping) WhatIf(_ context.Context, doc *config.Document, progress func(done, total int)) (*node.WhatIfReport, error) {
	k.named = append(k.named, doc.File)
	for i := range k.steps {
		progress(i+1, k.steps)
	}
	return k.whatIf, nil
}

func (k *keeping) Drift(_ context.Context, with binding.Member, progress func(done, total int)) (*node.DriftReport, error) {
	k.named = append(k.named, string(with))
	return k.drifted, nil
}

func (k *keeping) Rehome(_ context.Context, a netip.Addr, to binding.Member) error {
	k.named = append(k.named, a.String(), string(to))
	return k.refuses
}

const (
	headID  = "0123456789abcdef0123456789abcdef"
	tipID   = "fedcba98765432100123456789abcdef"
	otherID = "00ff00ff00ff00ff00ff00ff00ff00ff"
)

var (
	headRow = node.VersionRow{Version: headID, Parents: []string{otherID}, Author: "ann", Member: "west", Comment: "router for floor 1", Time: minutes(-5), Head: true, Agreed: true, PartnerHead: true}
	tipRow  = node.VersionRow{Version: tipID, Parents: []string{headID, otherID}, Author: "ann, bob", Time: minutes(-3), Tip: true}
	rootRow = node.VersionRow{Version: otherID, Comment: ""}
	edits   = []configversion.Change{
		{Key: "networks.floor1.subnets.198.51.100.0/24.options.routers", Kind: configversion.Changed, Before: "[198.51.100.1]", After: "[198.51.100.2]", BeforeLine: 10, AfterLine: 11},
		{Key: "hosts.printer1.address", Kind: configversion.Added, After: "198.51.100.9", AfterLine: 21, Safety: true},
		{Key: "classes.\"a\x1b[2J\"", Kind: configversion.Moved, Before: "behind kiosk", After: "first"},
		{Key: "domains.a.example", Kind: configversion.Removed, Before: "{options: {root-path: " + strings.Repeat("/long", 40) + ", host-name: \"\u202egnp\"}}", BeforeLine: 7},
	}
	clashes = []configversion.Conflict{
		{Key: "networks.floor1.subnets.198.51.100.0/24.options.routers", Reason: configversion.BothChanged, Base: "[198.51.100.1]", A: "[198.51.100.2]", B: "[198.51.100.3]", ALine: 10, BLine: 12},
		{Key: "hosts.printer1", Reason: configversion.RemovedAndChanged, Base: "{hardware: 02:00:00:00:00:07, address: 198.51.100.9}", B: "{hardware: 02:00:00:00:00:07, address: 198.51.100.10, options: {host-name: \"p\x1b\"}}", BLine: 21},
		{Key: "networks.floor1.subnets.198.51.100.0/24.pools", Reason: configversion.Invalid, Problem: &config.Problem{Severity: config.Error, Message: "pool 198.51.100.9-198.51.100.20 overlaps pool 198.51.100.15-198.51.100.30", Remedy: "give each range addresses of its own"}},
		{Reason: configversion.Crossed},
	}
)

// aKeeping is a server whose configuration is well.
func aKeeping() *keeping {
	return &keeping{
		fake:  fake{status: node.Status{Server: "west", Ready: true, Config: node.ConfigStatus{Head: headID, Since: minutes(-5), File: "/etc/lessor/lessor.yaml"}, Store: node.StoreStatus{State: "open", Dir: "/var/lib/lessor"}}},
		group: node.GroupConfigStatus{Head: headID, Tip: headID, Agreed: headID, Partner: "east", Link: "up", PartnerHead: headID, Versions: 3},
		shown: map[string]node.VersionShown{
			"":        {VersionRow: headRow, Text: "version: " + headID + "\n# by hand\nenterprise: {options: {domain-name: corp.example}}\n"},
			tipID:     {VersionRow: tipRow, Text: "version: " + tipID + "\nenterprise: {options: {domain-name: lab.example}}\n"},
			"0123456": {VersionRow: headRow, Text: "version: " + headID + "\nenterprise: {}\n"},
		},
		history: []node.VersionRow{tipRow, headRow, rootRow},
		applied: node.Applied{Version: tipID, Head: tipID, Previous: headID, Changed: true, Adopted: true, Changes: edits[:1]},
	}
}

// aTroubledKeeping is one with whatever can be the matter.
func aTroubledKeeping() *keeping {
	k := aKeeping()
	k.group.Tip, k.group.Agreed, k.group.PartnerHead, k.group.Link = tipID, otherID, otherID, "away"
	k.group.Waits = "waits until east has it: there is no connection to east, and the link is not declared lost"
	k.group.Trouble = "east runs release 1.3, which cannot read the latest version: it needs a release that reads format 2"
	k.group.FileDiffers, k.group.FileUnknown, k.group.FileChanges, k.group.Pending = true, true, edits[:1], edits[1:2]
	k.status.Alarms = []node.Alarm{
		{Code: "pool-exhausted", Title: "A pool is exhausted", Severity: node.Critical, Text: "floor1"},
		{Code: "config-file", Title: "This member's file is not the group's configuration", Severity: node.Warning, Text: "it differs, and is not applied", Remedy: "lessor config show prints what is in force"},
	}
	k.group.Conflict = &node.ConfigConflict{Ours: tipRow, Theirs: rootRow, Conflicts: clashes, Clients: 41, Concerned: []node.ClientExample{exampleOf("198.51.100.50", aDifference), exampleOf("198.51.100.51", aDifference, node.Difference{Name: "host-name", HasText: "p"})}, Remedy: "one of you decides; the clients keep what they were told until then"}
	return k
}

func keepingAt(t *testing.T, k *keeping) (socket string) {
	t.Helper()
	socket, _ = answeringAs(t, k)
	return socket
}
