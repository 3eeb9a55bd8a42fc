package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// The decisions about versions. They stand behind all others, whose histories are as they were before there were versions.
const (
	// ConfigApply has the operator of server Who make edit N.
	ConfigApply Kind = kinds + 1 + iota
	// ConfigFile has server Who read its file again, in which edit N was made; N < 0: as it was at the beginning.
	ConfigFile
	// ConfigRollback has the operator of server Who go back N versions.
	ConfigRollback
	// ConfigResolve has the operator of server Who end a conflict, for the member N.
	ConfigResolve
	// ConfigDoom ends the process of server Who when the next step of its versions has come to stage N.
	ConfigDoom
	allKinds
)

var configKindNames = map[Kind]string{
	ConfigApply: "config-apply", ConfigFile: "config-file", ConfigRollback: "config-rollback", ConfigResolve: "config-resolve", ConfigDoom: "config-doom",
}

// OfConfig reports whether k is a decision about versions.
func (k Kind) OfConfig() bool { return k > kinds && k < allKinds }

// DrawVersions returns the plan of a seed in which the group's configuration has versions: that of Draw, and what operators do to them.
func DrawVersions(seed uint64) *Plan {
	p := Draw(seed, false)
	p.Settings.Versions = true
	p.Actions = slices.DeleteFunc(p.Actions, func(a Action) bool { return a.Kind == Reload })
	d := drawer{r: rand.New(rand.NewPCG(seed, chancesOfVersions)), plan: p}
	d.changes()
	slices.SortStableFunc(p.Actions, func(a, b Action) int { return int(min(max(a.At-b.At, -1), 1)) })
	return p
}

// changes draws what operators do: now and then a change, or some on both sides of a partition.
func (d *drawer) changes() {
	r := d.r
	every := one[time.Duration](r, 1, 3, 8) * time.Hour
	if d.plan.Settings.Hasty {
		every /= 4
	}
	partitions := r.IntN(4)
	for at := uniform(r, 0, every); at < d.plan.Settings.Days; at += uniform(r, time.Minute, 2*every) {
		if r.IntN(4) < partitions {
			d.partition(at, every)
			continue
		}
		d.aChange(at, r.IntN(2))
		if r.IntN(6) == 0 { // the other one changes something at about the same time
			d.aChange(at+uniform(r, 0, 3*time.Second), r.IntN(2))
		}
	}
}

// partition draws one in which both sides may change something.
func (d *drawer) partition(at, every time.Duration) {
	r := d.r
	length := uniform(r, 5*time.Minute, max(2*every, 30*time.Minute))
	a := Action{At: at, Kind: one(r, LinkCut, LinkCut, LanSplit), Who: r.IntN(2), For: length, N: 3}
	if a.Kind == LanSplit {
		a.N = r.IntN(2)
	}
	d.add(a)
	for range 1 + r.IntN(4) {
		d.aChange(at+uniform(r, 0, length), r.IntN(2))
	}
	if r.IntN(2) == 0 {
		d.add(Action{At: at + length + uniform(r, 0, every), Kind: ConfigResolve, Who: r.IntN(2), N: r.IntN(2)})
	}
}

func (d *drawer) aChange(at time.Duration, who int) {
	r := d.r
	a := Action{At: at, Who: who}
	switch n := r.IntN(20); {
	case n < 13:
		a.Kind, a.N = ConfigApply, anEdit(r)
	case n < 15:
		a.Kind, a.N = ConfigFile, anEdit(r)
		if r.IntN(4) == 0 {
			a.N = -1
		}
	case n < 17:
		a.Kind, a.N = ConfigRollback, 1+r.IntN(4)
	case n < 18:
		a.Kind, a.N = ConfigResolve, r.IntN(2)
	default:
		d.add(Action{At: max(at-time.Second, 0), Kind: ConfigDoom, Who: r.IntN(2), N: 1 + r.IntN(int(stages)-1)})
		a.Kind, a.N = ConfigApply, anEdit(r)
	}
	d.add(a)
}

// configDecision is what an operator does to the configuration.
func (w *World) configDecision(a Action) {
	m := w.members[a.Who&1]
	if !w.set.Versions || !m.serves() && a.Kind != ConfigFile || m.leaving {
		return
	}
	k := m.keep
	switch a.Kind {
	case ConfigApply:
		k.apply(a.N)
	case ConfigFile:
		k.reload(a.N)
	case ConfigRollback:
		k.rollBack(a.N)
	case ConfigResolve:
		k.resolve(w.members[a.N&1])
	case ConfigDoom:
		k.doom = stage(a.N)
	}
}

// tip returns the document of the latest version here; nil if there is none.
func (k *keeper) tip() *config.Document { return k.m.w.chain.documents[k.machine.State.Tip] }

func (k *keeper) apply(edit int) {
	k.change("a change", func() (group.Output, error) {
		tip := k.tip()
		if tip == nil {
			return k.nothing(), group.ErrNoHistory
		}
		d, problems := config.Parse("applied", k.m.w.edit(tip, edit))
		if d == nil {
			return k.nothing(), problems
		}
		k.m.w.marks.hit(MarkApplied)
		return k.machine.Apply(k.asThis(d), k.machine.State.Tip, k.by("operator"))
	})
}

// reload has the file read again, with an edit made in it.
func (k *keeper) reload(edit int) {
	text := k.m.w.firstText(k.m.name)
	if edit >= 0 {
		old, _ := config.Parse("lessor.yaml", []byte(k.text))
		text = "server: {name: " + string(k.m.name) + "}\n" + string(k.m.w.edit(old, edit))
	}
	if d, _ := config.Parse("lessor.yaml", []byte(text)); d == nil {
		return // who edits a file looks at it with `lessor check`
	}
	k.text = text
	if !k.m.serves() {
		return // it is read at the next start
	}
	k.m.w.marks.hit(MarkFileRead)
	k.change("its file", func() (group.Output, error) {
		k.file = k.parse(text)
		return k.machine.File(k.file, version.ID{}, k.by("file"))
	})
}

func (k *keeper) rollBack(n int) {
	k.change("a rollback", func() (group.Output, error) {
		all := k.history.Log(k.machine.State.Tip, n+1)
		if len(all) == 0 {
			return k.nothing(), group.ErrNoHistory
		}
		k.m.w.marks.hit(MarkVersionBack)
		return k.machine.Apply(k.asThis(k.m.w.chain.documents[all[len(all)-1]]), k.machine.State.Tip, k.by("operator"))
	})
}

// resolve ends a conflict for one of the two, if there is one.
func (k *keeper) resolve(take *Member) {
	s := k.machine.Status()
	if s.Trouble == group.FilesDiffer {
		k.change("a file is taken", func() (group.Output, error) { return k.machine.Take(take.name) })
		return
	}
	if s.Rival.IsZero() {
		return
	}
	k.m.w.marks.hit(MarkResolved)
	k.change("a conflict is resolved", func() (group.Output, error) {
		if k.machine.State.Rival.IsZero() {
			return k.nothing(), nil
		}
		return k.machine.Resolve(take.name, k.by("operator"))
	})
}

// giveIn ends a conflict for the other side, in whole: what only this one changed is given up, too.
func (k *keeper) giveIn() {
	k.change("all that the other one says", func() (group.Output, error) {
		theirs := k.m.w.chain.documents[k.machine.State.Rival]
		if theirs == nil {
			return k.nothing(), nil
		}
		return k.machine.Apply(k.asThis(theirs), k.machine.State.Tip, k.by("operator"))
	})
}
