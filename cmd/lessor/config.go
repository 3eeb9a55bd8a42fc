package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// configCommand is about the versions of the group's configuration.
type configCommand struct {
	Show     configShowCommand     `cmd:"" help:"Print the configuration that is served by, or an earlier version, as a document to edit."`
	Status   configStatusCommand   `cmd:"" help:"Show how the configuration stands: which version is served by, what waits, what is in conflict."`
	History  configHistoryCommand  `cmd:"" help:"List the versions: who made them, when, and why."`
	Diff     configDiffCommand     `cmd:"" help:"Show what differs between two versions, or files."`
	Apply    configApplyCommand    `cmd:"" help:"Make a file the group's configuration; with --what-if, show what that would do."`
	Rollback configRollbackCommand `cmd:"" help:"Make an earlier version the group's configuration again."`
	Resolve  configResolveCommand  `cmd:"" help:"Show a conflict between two versions, and end it."`
}

// shortVersion is how many digits of a version's name are shown.
const shortVersion = 12

// shortName returns the first digits of a version's name, "-" of none.
func shortName(id string) string {
	return orDash(printable(id[:min(len(id), shortVersion)]))
}

// The versions that have a name of their own beside their digits.
const (
	tipName     = "tip"     // the latest here
	agreedName  = "agreed"  // the latest that both members are known to have served by
	partnerName = "partner" // that the other member serves by
)

// versionNames says how a version can be named.
var versionNames = fmt.Sprintf("head, tip, agreed, partner, or at least %d of its digits", node.MinVersion)

// isVersionName reports whether s names a version, and not a file.
func isVersionName(s string) bool {
	switch s {
	case api.Head, tipName, agreedName, partnerName:
		return true
	}
	return api.IsVersion(s)
}

// versionOf returns what the server is to be asked for, where a version is named on the command line. The head is "".
func versionOf(ctx context.Context, client *api.Client, s string) (string, error) {
	switch s {
	case tipName, agreedName, partnerName:
	default:
		id, err := api.ParseVersion(s)
		if err != nil {
			near := meant(s, []string{api.Head, tipName, agreedName, partnerName})
			return "", usageError{fmt.Errorf("%q names no version: write %s%s", s, versionNames, near), "lessor config --help"}
		}
		return id, nil
	}
	st, err := client.ConfigStatus(ctx)
	if err != nil {
		return "", err
	}
	id := map[string]string{tipName: st.Tip, agreedName: st.Agreed, partnerName: st.PartnerHead}[s]
	if id == "" {
		return "", fmt.Errorf("no version is known as %s here: `lessor config status` shows which there are", s)
	}
	return id, nil
}

// versionMeant returns err, which a server said of versions, with the one that was meant by a name that it does not know.
func versionMeant(ctx context.Context, client *api.Client, err error, names ...string) error {
	p, refused := errors.AsType[*api.Problem](err)
	if !refused || p.Unwrap() != nil {
		return err
	}
	var all []string
	_ = client.ConfigHistory(ctx, maxVersionsMeant, func(r node.VersionRow) error { all = append(all, r.Version); return nil }) // what was heard is compared
	for _, name := range names {
		if name == "" || !api.IsVersion(name) || slices.ContainsFunc(all, func(id string) bool { return strings.HasPrefix(id, name) }) {
			continue
		}
		near := make([]string, len(all))
		for i, id := range all {
			near[i] = id[:min(len(id), len(name))]
		}
		return suggesting(err, name, near)
	}
	return err
}

// maxVersionsMeant is how many of the latest versions are looked through for the one that was meant.
const maxVersionsMeant = 1000

// sides says of what text the lines of a change are counted, before it and after: version 0123456789ab, or a file's name. Empty: of none that a
// person can open, so none is told.
type sides struct{ before, after string }

// versionSide names a version for sides.
func versionSide(id string) string {
	if id == "" {
		return ""
	}
	return "version " + shortName(id)
}

// at says where a change is.
func (s sides) at(x *configversion.Change) string {
	var all []string
	for _, side := range []struct {
		of   string
		line int
	}{{s.before, x.BeforeLine}, {s.after, x.AfterLine}} {
		if side.of != "" && side.line > 0 {
			all = append(all, fmt.Sprintf("%s:%d", printable(path.Base(side.of)), side.line))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "  (" + strings.Join(all, " → ") + ")"
}

// writeChanges writes what differs, a key a paragraph, each line behind indent. Of very many the rest is counted, and more says where all are.
func writeChanges(c *console, w *bufio.Writer, indent string, all []configversion.Change, of sides, more string) {
	for i := range all {
		if i == maxShownChanges && more != "" {
			fmt.Fprintf(w, "%s… and %s: %s\n", indent, count(len(all)-i, "more change"), more)
			return
		}
		writeChange(c, w, indent, &all[i], of)
	}
}

// maxShownChanges is how many changes are shown where a command shows all, maxShownFlow how many characters of a value.
const (
	maxShownChanges = 30
	maxShownFlow    = 600
)

func writeChange(c *console, w *bufio.Writer, indent string, x *configversion.Change, of sides) {
	fmt.Fprintf(w, "%s%s%s", indent, c.paint(bold, shown(cmp.Or(x.Key, "the whole document"))), of.at(x))
	if x.Safety {
		fmt.Fprint(w, "  ", c.paint(yellow, "waits until both members have it"))
	}
	fmt.Fprintln(w)
	if x.Kind == configversion.Moved {
		fmt.Fprintf(w, "%s  > %s → %s\n", indent, shown(x.Before), shown(x.After))
		return
	}
	writeFlow(c, w, indent+"  - ", red, x.Before)
	writeFlow(c, w, indent+"  + ", green, x.After)
}

// writeFlow writes a value behind a mark, on as many lines as it takes.
func writeFlow(c *console, w *bufio.Writer, mark string, st style, text string) {
	if text == "" {
		return
	}
	for _, line := range wrapped(cut(shown(text), maxShownFlow), max(c.page(pageWidth)-len(mark), minFlexible)) {
		fmt.Fprintln(w, c.paint(st, mark+line))
	}
}

// inTheWay writes why a change of the configuration was not made, where that is more than a sentence: what is wrong with the
// document, which is called file if it is one, or what others changed. It returns errNo if it did, else err.
func (c *console) inTheWay(err error, file string, asJSON bool) error {
	p, ok := errors.AsType[*api.Problem](err)
	if !ok || p.Unwrap() == nil {
		return err
	}
	switch {
	case asJSON:
		if err := c.json(p); err != nil {
			return err
		}
	case p.Problems != nil:
		c.writeProblems(p.Problems, ": nothing was changed")
	case p.Conflict != nil:
		w := bufio.NewWriter(c.err)
		writeUnfit(c, w, p.Conflict)
		w.Flush()
	case p.Confirm != nil:
		w := bufio.NewWriter(c.err)
		writeConsequences(c, w, file, p.Confirm)
		fmt.Fprintf(w, "lessor: nothing was changed\n")
		writeLines(w, "  → ", cmp.Or(p.Confirm.Remedy, "give --yes if that is what you want"))
		w.Flush()
	}
	return errNo
}

// writeProblems writes all that is wrong with a document, and how much that is.
func (c *console) writeProblems(all config.Problems, end string) {
	for i, x := range all {
		if i > 0 {
			c.note("")
		}
		c.note("%s", shownLines(x.String()))
	}
	c.note("\n%s%s", tally(all), end)
}

// shownLines returns a text of several lines as a terminal may show it.
func shownLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = shown(lines[i])
	}
	return strings.Join(lines, "\n")
}

// writeConsequences writes what a change would do that needs a yes; file is what the document is called, if it is one.
func writeConsequences(c *console, w *bufio.Writer, file string, e *node.ConfirmError) {
	fmt.Fprintln(w, c.paintErr(yellow, "This needs a yes:"))
	for _, why := range e.Why {
		for i, line := range wrapped(strings.TrimSpace(shown(why)), c.page(pageWidth)-4) {
			mark := "  - "
			if i > 0 {
				mark = "    "
			}
			fmt.Fprintln(w, mark+line)
		}
	}
	if len(e.Undoes) > 0 {
		fmt.Fprintln(w, "What it would undo:")
		writeChanges(c.forErr(), w, "  ", e.Undoes, sides{versionSide(e.Tip), file}, "write `version: …` on its first line, as `lessor config show` prints it")
	}
}

// writeUnfit writes why a change does not fit what others changed since it was begun.
func writeUnfit(c *console, w *bufio.Writer, e *node.ConflictError) {
	c = c.forErr()
	fmt.Fprintf(w, "lessor: nothing was changed: others have changed the configuration since version %s, and the two do not fit together\n", shortName(e.Parent))
	for i := range e.Conflicts {
		writeClash(c, w, &e.Conflicts[i], clashSide{"THEIRS", e.Tip}, clashSide{name: "YOURS"})
	}
	if len(e.Changes) > 0 {
		fmt.Fprintf(w, "\nWhat others changed since, up to version %s:\n", shortName(e.Tip))
		writeChanges(c, w, "  ", e.Changes, sides{versionSide(e.Parent), versionSide(e.Tip)}, fmt.Sprintf("lessor config diff %s %s", shortName(e.Parent), shortName(e.Tip)))
	}
	if e.Remedy != "" {
		writeLines(w, "  → ", e.Remedy)
	}
}

// forErr returns the console as it is for what is written beside the output.
func (c *console) forErr() *console {
	x := *c
	x.colour = false
	return &x
}

func (c *console) paintErr(st style, s string) string { return c.forErr().paint(st, s) }
