package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/node"
)

type configStatusCommand struct {
	whichServer `embed:""`
	JSON        bool `name:"json" help:"Print one JSON object."`
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
	st, err := client.ConfigStatus(ctx)
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(st)
	}
	all, err := client.Status(ctx)
	if err != nil {
		return err
	}
	return c.buffered(func(w *bufio.Writer) error {
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
		line("file", printable(all.Config.File))
	}
	if !writeConfigTrouble(c, w, all, st) && len(st.Pending) == 0 {
		fmt.Fprintln(w, "  Nothing waits, and nothing is in conflict.")
	}
	if len(st.Pending) > 0 {
		fmt.Fprintln(w, "\nThese wait until both members have them, since safety stands on them:")
		writeChanges(c, w, "  ", st.Pending, "lessor config status --json")
	}
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

// writeConfigTrouble writes what is not as it should be with the versions, each with what to do. It reports whether there is anything.
func writeConfigTrouble(c *console, w *bufio.Writer, all *node.Status, st *node.GroupConfigStatus) bool {
	const column = 17
	any := false
	say := func(st style, text string, remedies ...string) {
		any = true
		for i, s := range append([]string{text}, remedies...) {
			mark, in := "", plain
			if i == 0 {
				in = st
			} else {
				mark = "→ "
			}
			for k, l := range wrapped(shown(s), pageWidth-column-len(mark)) {
				if k > 0 && i > 0 {
					mark = "  "
				}
				fmt.Fprintf(w, "%*s%s\n", column, "", c.paint(in, mark+l))
			}
		}
	}
	if k := st.Conflict; k != nil {
		of := ""
		if k.Clients >= 0 {
			of = fmt.Sprintf("; %s would get something else by the one than by the other", count(k.Clients, "client"))
		}
		say(red, fmt.Sprintf("in conflict with the version of %s in %s%s", st.Partner, count(len(k.Conflicts), "place"), of), "lessor config resolve shows them")
	}
	if st.Tip != st.Head && st.Tip != "" {
		text := "the latest version, " + shortName(st.Tip) + ", is not served by yet"
		if st.Waits != "" {
			text += ": " + st.Waits
		}
		say(yellow, text, "lessor config diff head tip shows what it changes")
	} else if st.Waits != "" {
		say(yellow, st.Waits)
	}
	if st.Trouble != "" {
		say(red, st.Trouble)
	}
	if n := len(st.Differs); n > 0 {
		say(red, fmt.Sprintf("the files of the two members differ in %s", count(n, "place")), "make them say the same, or choose one: lessor config resolve shows where they differ")
	}
	if st.Failed != "" {
		say(red, "the newest change could not be stored: "+st.Failed, "look at the store and its disk below")
	}
	if len(st.Restart) > 0 {
		say(yellow, strings.Join(st.Restart, ", ")+": what is said there takes effect when this server is started again")
	}
	if st.Partner != "" && st.PartnerHead != "" && st.PartnerHead != st.Head {
		say(yellow, fmt.Sprintf("%s serves by another version, %s", st.Partner, shortName(st.PartnerHead)), "lessor drift shows whom that concerns")
	}
	if st.FileDiffers {
		file := all.Config.File
		if file == "" {
			file = "this server's file"
		}
		say(yellow, printable(file)+" says something else than the group's configuration, and is not applied by itself",
			"`lessor config diff head FILE` shows what; edit what `lessor config show` prints, and apply that")
	}
	return any
}

func pick(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
