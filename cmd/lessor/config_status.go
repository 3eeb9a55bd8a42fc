package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"

	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type configStatusCommand struct {
	whichServer `embed:""`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object."`
}

func (configStatusCommand) Help() string {
	return `head is the version that this server serves by, tip the latest that it has stored, agreed the latest that both members are known to have served by. lessor status has the same in short.

Examples:

  lessor config status
  lessor config status --json | jq -r .waits`
}

// Run shows how the configuration stands.
func (x configStatusCommand) Run(ctx context.Context, c *console) error {
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, x.JSON, func(c *console, w *bufio.Writer) error {
		st, err := client.ConfigStatus(ctx)
		if err != nil {
			return err
		}
		if x.JSON {
			return writeJSON(w, st)
		}
		all, err := client.Status(ctx)
		if err != nil {
			return err
		}
		writeConfigStatus(c, w, &all, &st)
		return nil
	})
}

func writeConfigStatus(c *console, w *bufio.Writer, all *node.Status, st *node.GroupConfigStatus) {
	line := func(label, text string) { fmt.Fprintf(w, "  %-14s %s\n", label, text) }
	fmt.Fprintf(w, "%s  %s\n", c.paint(bold, printable(string(all.Server))), count(st.Versions, "version"))
	line("head", fmt.Sprintf("%s since %s", shortName(st.Head), when(all.Config.Since, c.now())))
	if st.Tip != st.Head {
		line("tip", shortName(st.Tip))
	}
	if st.Agreed != st.Head {
		line("agreed", shortName(st.Agreed))
	}
	if st.Partner != "" {
		line("partner", fmt.Sprintf("%s, %s, serves by %s", printable(string(st.Partner)), linkWords(c, st.Link), shortName(st.PartnerHead)))
	}
	if all.Config.File != "" {
		line("file", printable(all.Config.File)+fileWords(st))
	}
	alarms := slices.DeleteFunc(slices.Clone(all.Alarms), func(a node.Alarm) bool { return !strings.HasPrefix(a.Code, "config-") })
	if !writeDisagreement(c, w, st) && len(alarms)+len(st.Pending)+len(st.FileChanges) == 0 && st.Settling == nil && st.Trouble == "" && st.Failed == "" {
		fmt.Fprintln(w, "  Nothing waits, and nothing is in conflict.")
	}
	writeAlarms(c, w, alarms)
	if len(st.Pending) > 0 {
		heading(c, w, "Changes that wait until both members have them, since safety stands on them")
		writeChanges(c, w, "  ", unmarked(st.Pending), sides{versionSide(st.Agreed), versionSide(st.Tip)}, "lessor config status --json")
	}
	if s := st.Settling; s != nil {
		heading(c, w, "Addresses that are kept for somebody else than before, and that nobody new gets "+s.Waits)
		line("since", s.Since.String())
		line("addresses", settlingWords(s))
	}
	if len(st.FileChanges) > 0 {
		heading(c, w, "What the file says that the configuration does not")
		writeChanges(c, w, "  ", st.FileChanges, sides{versionSide(st.Tip), all.Config.File}, "lessor config diff tip "+printable(all.Config.File))
	}
}

// unmarked returns changes of which a heading says already that they wait.
func unmarked(all []configversion.Change) []configversion.Change {
	all = slices.Clone(all)
	for i := range all {
		all[i].Safety = false
	}
	return all
}

// settlingWords names the first addresses of those that wait.
func settlingWords(s *node.Settling) string {
	var words []string
	for _, a := range s.Addresses {
		words = append(words, a.String())
	}
	if n := s.Count - len(s.Addresses); n > 0 {
		words = append(words, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(words, ", ")
}

// fileWords says how the file of this server stands to the configuration.
func fileWords(st *node.GroupConfigStatus) string {
	switch {
	case st.FileUnknown:
		return ", which says something else, and is not applied"
	case st.FileDiffers:
		return ", which says something else than the latest version"
	}
	return ""
}

// linkWords says how the connection to the other Lessor is.
func linkWords(c *console, link string) string {
	switch link {
	case "up":
		return c.paint(green, "connected")
	case "away":
		return c.paint(yellow, "not connected")
	case "lost":
		return c.paint(yellow, "declared lost")
	}
	return orDash(printable(link))
}

// writeDisagreement writes in short that not all is served by one version. It reports whether that is so.
func writeDisagreement(c *console, w *bufio.Writer, st *node.GroupConfigStatus) (any bool) {
	const column = 17
	say := func(st style, text string) {
		any = true
		for _, line := range wrapped(shown(text), c.page(pageWidth)-column) {
			fmt.Fprintf(w, "%*s%s\n", column, "", c.paint(st, line))
		}
	}
	if k := st.Conflict; k != nil {
		of := ""
		if k.Clients >= 0 {
			of = fmt.Sprintf(", which concerns %s", count(k.Clients, "client"))
		}
		say(red, fmt.Sprintf("in conflict with the version of %s in %s%s: lessor config resolve", st.Partner, count(len(k.Conflicts), "place"), of))
	}
	switch {
	case st.Tip != st.Head && st.Tip != "":
		text := "not served by yet is the latest version, " + shortName(st.Tip)
		if st.Waits != "" {
			text += ": " + st.Waits
		}
		say(yellow, text)
	case st.Waits != "":
		say(yellow, st.Waits)
	}
	if st.PartnerHead != "" && st.PartnerHead != st.Head {
		say(yellow, fmt.Sprintf("%s serves by another version, %s: lessor drift", st.Partner, shortName(st.PartnerHead)))
	}
	return any
}

func pick(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
