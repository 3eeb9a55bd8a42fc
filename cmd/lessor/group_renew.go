package main

import (
	"bufio"
	"fmt"
)

type groupRenewCommand struct {
	whichMember `embed:""`
}

func (groupRenewCommand) Help() string {
	return `Gives this member, which has the group's authority, a certificate for a year from now. A server that runs takes it without a restart. Another member renews its certificate by a token of lessor group invite and lessor group join.

Example:

  lessor group renew --config /etc/lessor/lessor.yaml`
}

// Run renews the certificate.
func (x groupRenewCommand) Run(c *console) error {
	m, err := x.member(c)
	if err == nil {
		err = m.mayIssue()
	}
	if err == nil {
		err = m.asOwner(c)
	}
	if err == nil {
		err = m.dir.Renew(m.self.Name, c.now())
	}
	if err != nil {
		return err
	}
	r, err := m.keyReport(c.now())
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(r)
	}
	return c.buffered(func(w *bufio.Writer) error {
		fmt.Fprintf(w, "%s has a fresh certificate.\n", printable(string(m.self.Name)))
		r.write(c, w)
		return nil
	})
}
