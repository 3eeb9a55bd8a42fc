package main

import (
	"bufio"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

type groupExportCommand struct {
	whichMember `embed:""`
	Member      string `arg:"" complete:"member-of-file" help:"The member that the keys are for."`
	Dir         string `arg:"" type:"path" complete:"directory" help:"A directory, made if it is missing, without keys in it."`
}

func (groupExportCommand) Help() string {
	return `Makes a key and a certificate for another member and writes them into a directory, where no network leads from that member to the founder yet. Carry the directory to that machine as keys/ in its data directory, with its modes (0700, files 0600) and owned by the server's user, and remove it here: whoever has these files is that member.

Example:

  lessor group export east /root/east-keys --config /etc/lessor/lessor.yaml`
}

// Run writes the keys.
func (x groupExportCommand) Run(c *console) error {
	m, err := x.member(c)
	if err != nil {
		return err
	}
	e, err := m.other(x.Member)
	if err == nil {
		err = m.mayIssue()
	}
	if err != nil {
		return err
	}
	a, err := m.dir.Authority()
	if err != nil {
		return err
	}
	if err := a.Export(keys.Dir(x.Dir), e.Name, c.now()); err != nil {
		return err
	}
	r, err := reportOf(keys.Dir(x.Dir).Files(), m.doc.Group.Name, e.Name, c.now())
	if err != nil {
		return err
	}
	r.Directory = x.Dir
	if x.JSON {
		return c.json(r)
	}
	return c.buffered(func(w *bufio.Writer) error {
		fmt.Fprintf(w, "The keys of member %s are in %s.\n", printable(x.Member), printable(x.Dir))
		r.write(c, w)
		fmt.Fprintf(w, "\nCarry the directory to %s as keys/ in its data directory, owned by the server's user, and remove it here.\n", printable(x.Member))
		return nil
	})
}
