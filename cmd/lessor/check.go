package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
)

type checkCommand struct {
	File string `arg:"" complete:"file" help:"The configuration file; - for standard input."`
	JSON bool   `name:"json" help:"Print the problems as JSON on standard output, one object a line."`
}

func (checkCommand) Help() string {
	return `All problems are told at once, on standard error, each with its line and what would be right. The exit code is 1 if one of them is an error, 0 if there are none or only warnings.

Where the document names another Lessor, a warning says whether this machine lacks the keys for it; run it on the machine that is to serve. Another says so of the certificate that is shown to who asks over TCP, and when it ends.

Example:

  lessor check /etc/lessor/lessor.yaml`
}

// Run checks the file.
func (x checkCommand) Run(c *console) error {
	src, err := readDocument(x.File, c.in)
	if err != nil {
		return err
	}
	name := x.File
	if name == "-" {
		name = "standard input"
	}
	doc, problems := parseDocument(name, src)
	if doc != nil && x.File != "-" {
		problems = append(append(problems, checkKeys(doc)...), checkAPI(doc, time.Now())...)
	}
	for i, p := range problems {
		switch {
		case x.JSON:
			if err := c.json(p); err != nil {
				return err
			}
		case i > 0:
			c.note("\n%s", p)
		default:
			c.note("%s", p)
		}
	}
	if doc == nil {
		if !x.JSON {
			c.note("\n%s", tally(problems))
		}
		return errNo
	}
	if x.JSON {
		return nil
	}
	if len(problems) > 0 {
		c.note("\n%s", tally(problems))
	}
	_, err = fmt.Fprintf(c.out, "%s is good: %s\n", printable(name), contents(doc))
	return err
}

// tally returns how many problems of which kind there are.
func tally(problems config.Problems) string {
	errs := 0
	for _, p := range problems {
		if p.Severity == config.Error {
			errs++
		}
	}
	switch warnings := len(problems) - errs; {
	case warnings == 0:
		return count(errs, "error")
	case errs == 0:
		return count(warnings, "warning")
	default:
		return count(errs, "error") + ", " + count(warnings, "warning")
	}
}

// contents returns what a document holds, in figures.
func contents(d *config.Document) string {
	subnets, pools := 0, 0
	for _, n := range d.Networks {
		subnets += len(n.Subnets)
		for _, s := range n.Subnets {
			pools += len(s.Pools)
		}
	}
	parts := []string{count(len(d.Networks), "network"), count(subnets, "subnet"), count(pools, "pool")}
	if len(d.Classes) > 0 {
		parts = append(parts, count(len(d.Classes), "class"))
	}
	return strings.Join(append(parts, count(len(d.Hosts), "host")), ", ")
}

// count returns "1 thing" or "2 things".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "s") {
		thing += "e"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
