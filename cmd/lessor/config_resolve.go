package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type configResolveCommand struct {
	whichServer `embed:""`
	changeFlags `embed:""`
	Take        string `placeholder:"MEMBER" complete:"member" help:"Take what this member's version says wherever the two are in conflict; what is in no conflict is kept of both."`
}

func (configResolveCommand) Help() string {
	return `Without --take, shows the conflict: each key with what the two versions say, who made them and when, and how many clients it concerns. A conflict begins when both sides of a broken link changed the same thing; until it is over each member serves by its own version, and clients keep what they were told.

It is over, too, when somebody applies a document of his own, or changes one side so that both fit.

Examples:

  lessor config resolve
  lessor config resolve --take west --comment 'as agreed with ann'`
}

// Run shows the conflict, or ends it.
func (x configResolveCommand) Run(ctx context.Context, c *console) error {
	r, err := x.request(c, "lessor config resolve")
	if err != nil {
		return err
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	if x.Take != "" {
		return changing(c, x.JSON, &r, "It joins the versions of both members: the conflict is over.", func() (node.Applied, error) { return client.ConfigResolve(ctx, binding.Member(x.Take), r) })
	}
	st, err := client.ConfigStatus(ctx)
	switch {
	case err != nil:
		return err
	case x.JSON && st.Conflict == nil && len(st.Differs) > 0:
		return c.json(map[string]any{"differs": st.Differs})
	case x.JSON:
		return c.json(st.Conflict)
	case st.Conflict == nil && len(st.Differs) == 0:
		c.note("no conflict is open")
		return nil
	}
	all, err := client.Status(ctx)
	if err != nil {
		return err
	}
	return c.buffered(func(w *bufio.Writer) error {
		if st.Conflict != nil {
			writeConflict(c, w, st.Conflict, all.Server, st.Partner)
		} else {
			writeFilesDiffer(c, w, &st, all.Server)
		}
		return nil
	})
}

// writeFilesDiffer shows what differs between the files of two members that have no version yet.
func writeFilesDiffer(c *console, w *bufio.Writer, st *node.GroupConfigStatus, self binding.Member) {
	us, them := printable(string(self)), printable(string(st.Partner))
	fmt.Fprintf(w, "%s\n", c.paint(red, fmt.Sprintf("%s and %s have no configuration in common yet, and their files differ in %s.", us, them, count(len(st.Differs), "place"))))
	fmt.Fprintf(w, "  - is what the file of %s says, + what that of %s does. Until they are the same, or one is chosen, no client is answered.\n\n", us, them)
	writeChanges(c, w, "  ", unmarked(st.Differs), sides{}, "lessor config status --json")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "  → make the two files say the same, and have them read again")
	writeTakes(w, self, st.Partner, "begins with the file of")
}

// writeTakes writes the two commands that choose a side.
func writeTakes(w *bufio.Writer, self, partner binding.Member, does string) {
	for _, m := range []binding.Member{self, partner} {
		name := printable(string(m))
		fmt.Fprintf(w, "  → lessor config resolve --take %s: %s %s\n", name, does, name)
	}
}

// writeConflict shows a conflict between the versions of this member and of the other.
func writeConflict(c *console, w *bufio.Writer, k *node.ConfigConflict, self, partner binding.Member) {
	fmt.Fprintf(w, "%s\n", c.paint(red, fmt.Sprintf("The versions of %s and %s are in conflict in %s.",
		printable(string(self)), printable(string(partner)), count(len(k.Conflicts), "place"))))
	t := table{head: []string{"OF", "VERSION", "AUTHOR", "MADE AT", "TIME", "COMMENT"}}
	for _, side := range []struct {
		of  binding.Member
		row *node.VersionRow
	}{{self, &k.Ours}, {partner, &k.Theirs}} {
		t.add(cell{printable(string(side.of)), bold}, cell{text: shortName(side.row.Version)}, cell{text: orDash(short(printable(side.row.Author)))},
			cell{text: orDash(printable(string(side.row.Member)))}, cell{text: when(side.row.Time, c.now())}, cell{text: cut(remark(side.row), maxShownValue)})
	}
	t.fit(c, historyWidth, 5)
	t.write(c, w, "  ")
	a, b := clashSide{sideName(self), k.Ours.Version}, clashSide{sideName(partner), k.Theirs.Version}
	if k.Theirs.Version < k.Ours.Version { // A is the version with the lower name
		a, b = b, a
	}
	for i := range k.Conflicts {
		if i == maxShownChanges {
			fmt.Fprintf(w, "\n… and %s: lessor config resolve --json\n", count(len(k.Conflicts)-i, "more"))
			break
		}
		writeClash(c, w, &k.Conflicts[i], a, b)
	}
	fmt.Fprintln(w)
	switch {
	case k.Clients < 0:
		fmt.Fprintln(w, "How many clients would get something else by the one than by the other is not counted yet.")
	case k.Clients == 0:
		fmt.Fprintln(w, "No client that has a lease now would get anything else by the one than by the other.")
	default:
		fmt.Fprintf(w, "%s with a lease would get something else by the one than by the other. Until this is over they keep what they were told.\n", c.paint(bold, count(k.Clients, "client")))
	}
	writeConcerned(c, w, k.Concerned, partner)
	writeTakes(w, self, partner, "takes, in these places, what is said by")
	fmt.Fprintln(w, "  → or edit what `lessor config show` prints, and `lessor config apply` it")
}

// writeConcerned names the first of the clients that would get something else by the one version than by the other.
func writeConcerned(c *console, w *bufio.Writer, all []node.ClientExample, partner binding.Member) {
	if len(all) == 0 {
		return
	}
	t := table{head: []string{"CLIENT", "HOST NAME", "WHAT", "HAS", "BY " + sideName(partner)}}
	for i := range all {
		first := []cell{{text: exampleName(&all[i])}, {text: orDash(short(fromNetwork(all[i].Hostname)))}}
		for k := range all[i].Differs {
			d := &all[i].Differs[k]
			has, would := differenceCells(d)
			t.add(append(first, cell{text: short(printable(d.Name))}, has, would)...)
			first = make([]cell, 2)
		}
	}
	t.fit(c, staleWidth, 3, 4)
	t.write(c, w, "  ")
}

func sideName(m binding.Member) string { return strings.ToUpper(printable(string(m))) }

// writeClash shows one thing that two versions say differently, side by side with what they both come from.
func writeClash(c *console, w *bufio.Writer, k *configversion.Conflict, a, b clashSide) {
	fmt.Fprintf(w, "\n  %s: %v\n", c.paint(bold, shown(cmp.Or(k.Key, "the whole document"))), k.Reason)
	if p := k.Problem; p != nil {
		writeLines(w, "    ", p.Message)
		if p.Remedy != "" {
			writeLines(w, "    → ", p.Remedy)
		}
	}
	if k.Base == "" && k.A == "" && k.B == "" {
		return
	}
	t := table{head: []string{"BEFORE", a.at(k.ALine), b.at(k.BLine)}}
	row := make([]cell, 3)
	for i, s := range []string{k.Base, k.A, k.B} {
		row[i].text = "(nothing)"
		if s != "" {
			row[i].text = cut(shown(s), maxShownFlow)
		}
	}
	row[1].style, row[2].style = yellow, yellow
	t.add(row...)
	t.fit(c, pageWidth-4, 0, 1, 2)
	t.write(c, w, "    ")
}

// clashSide is one of two that say different things.
type clashSide struct {
	name    string
	version string // in whose lines it is told where; empty: in those of what was given
}

// at names the side, and the line where it says its thing.
func (s clashSide) at(line int) string {
	switch {
	case line <= 0:
		return s.name
	case s.version == "":
		return fmt.Sprintf("%s, LINE %d", s.name, line)
	}
	return fmt.Sprintf("%s, %s:%d", s.name, shortName(s.version), line)
}
