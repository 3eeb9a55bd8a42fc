package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// LostVersion is a version that no member serves by any more, nor by what comes from it, since whoever did has lost its store.
type LostVersion struct {
	VersionRow
	// Conflict says that it was one side of a conflict, which is over without anybody having ended it.
	Conflict bool `json:"conflict"`
	// Here says that its document is still in this member's store.
	Here bool `json:"here"`
}

// lostVersions returns the versions that a machine knows to be lost, as bindings name them.
func lostVersions(m *group.Machine) (all []binding.Digest) {
	for _, id := range m.LostVersions() {
		all = append(all, binding.Digest(id))
	}
	return all
}

// askAboutStrangers has the other member asked about the versions by which clients were told, and from which the head does not come.
func (k *keeper) askAboutStrangers() {
	if k.n.core == nil || !k.machine.MayAsk() {
		return
	}
	var all []version.ID
	err := k.n.do(context.Background(), func(*Effects) {
		if k.n.reopening {
			return
		}
		for _, v := range k.n.core.Strangers() {
			all = append(all, version.ID(v))
		}
	})
	if err != nil || len(all) == 0 {
		return
	}
	out := k.machine.ToldBy(all)
	k.finish(&out)
	k.noteTrouble()
}

// lostRows says which versions are lost.
func (k *keeper) lostRows(all []group.LostVersion) []LostVersion {
	rows := make([]LostVersion, len(all))
	for i, l := range all {
		rows[i] = LostVersion{VersionRow: k.row(l.Version), Conflict: l.Conflict, Here: k.history.Get(l.Version) != nil}
	}
	return rows
}

// noteLost has operators hear of versions that are lost, when that is found out.
func (k *keeper) noteLost(before, now []LostVersion) {
	for _, l := range now {
		if !slices.ContainsFunc(before, func(x LostVersion) bool { return x.Version == l.Version && x.Conflict == l.Conflict }) {
			k.event(slog.LevelWarn, l.words(string(k.machine.Partner)), l.remedy())
		}
	}
}

// words says what is lost, and what follows from that.
func (l *LostVersion) words(partner string) string {
	name := "version " + short(l.Version)
	if l.Author != "" {
		name += fmt.Sprintf(", which %s made", whoMade(&l.VersionRow, partner))
	}
	if l.Conflict {
		return fmt.Sprintf("the conflict of the configurations is over, and nobody has ended it: %s no longer has its side of it, %s", partner, name)
	}
	return name + ", is lost: no member serves by it, or by what comes from it, any more; clients that it was told by are told what the head says"
}

// remedy says what can be done about it.
func (l *LostVersion) remedy() string {
	if l.Here {
		return fmt.Sprintf("lessor config diff head %s shows what it said: apply what of it is still wanted", short(l.Version))
	}
	return "its document is nowhere: if a change is missing, make it again; lessor stale lists the clients, who are told when they renew"
}

// short returns the first digits of a version's name, enough to say which.
func short(id string) string { return id[:min(len(id), 12)] }
