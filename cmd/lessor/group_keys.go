package main

import (
	"bufio"
	"errors"
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// keyReport is what is to be said of a member's keys.
type keyReport struct {
	Member      binding.Member   `json:"member"`
	Certificate string           `json:"certificate"` // the file
	Directory   string           `json:"directory,omitempty"`
	Begins      node.Instant     `json:"begins"`
	Ends        node.Instant     `json:"ends"`
	Ended       bool             `json:"ended,omitempty"`
	Warning     string           `json:"warning,omitempty"`
	Authorities []shownAuthority `json:"authorities"`
}

type shownAuthority struct {
	Fingerprint string       `json:"fingerprint"` // SHA-256 of its certificate
	Ends        node.Instant `json:"ends"`
}

// keyReport reads this member's keys.
func (m *member) keyReport(now time.Time) (*keyReport, error) {
	files := m.dir.Files()
	if m.ownAuthority() {
		t, file := m.doc.Server.TLS, m.doc.File
		files = keys.Files{Certificate: beside(file, t.Certificate), Key: beside(file, t.Key), Authority: beside(file, t.Authority)}
	}
	r, err := reportOf(files, m.doc.Group.Name, m.self.Name, now)
	if r != nil {
		r.Certificate = m.whole(r.Certificate)
	}
	return r, err
}

func reportOf(files keys.Files, group string, member binding.Member, now time.Time) (*keyReport, error) {
	ring, err := keys.Open(files, group, member)
	if err != nil {
		return nil, err
	}
	p := ring.Report(now)
	r := &keyReport{Member: member, Certificate: files.Certificate, Begins: node.At(p.Begins), Ends: node.At(p.Ends), Ended: p.Ended, Warning: p.Warning}
	for _, a := range ring.Current(now).Authorities() {
		r.Authorities = append(r.Authorities, shownAuthority{a.Fingerprint.String(), node.At(a.Ends)})
	}
	if len(r.Authorities) == 0 {
		return nil, errors.New("certificate of the group's authority: there is none")
	}
	return r, nil
}

func (r *keyReport) write(c *console, w *bufio.Writer) {
	for _, a := range r.Authorities {
		fmt.Fprintf(w, "  authority    %s\n               until %s\n", a.Fingerprint, absolute(a.Ends))
	}
	fmt.Fprintf(w, "  certificate  of %s, until %s\n               in %s\n", printable(string(r.Member)), when(r.Ends, c.now()), printable(r.Certificate))
	if r.Warning != "" {
		writeLines(w, "               "+c.paint(yellow, "warning: "), r.Warning)
	}
}
