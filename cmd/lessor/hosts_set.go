package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type hostsSetCommand struct {
	whichServer  `embed:""`
	hostChange   `embed:""`
	Name         string   `arg:"" complete:"host" help:"What the host is called in the configuration."`
	Entry        string   `arg:"" optional:"" complete:"nothing" help:"All that it is to be, as it would stand under hosts: in a document; - for standard input."`
	Hardware     string   `placeholder:"MAC" help:"The hardware address that its client is known by."`
	ClientID     string   `name:"client-id" placeholder:"HEX" help:"The client identifier that it is known by (option 61): 01:02:00:00:00:00:07."`
	CircuitID    string   `name:"circuit-id" placeholder:"TEXT" help:"The circuit that its relay names (option 82.1): text, or {hex: \"0a0b\"}."`
	RemoteID     string   `name:"remote-id" placeholder:"TEXT" help:"The remote end that its relay names (option 82.2)."`
	SubscriberID string   `name:"subscriber-id" placeholder:"TEXT" help:"The subscriber that its relay names (option 82.6)."`
	Address      string   `placeholder:"ADDR" help:"The address that is kept for it."`
	Option       []string `sep:"none" complete:"option" placeholder:"NAME=VALUE" help:"An option of its own, with its value as a configuration file has it. May be given more than once."`
	New          bool     `help:"Only if there is no host of that name yet."`
}

func (hostsSetCommand) Help() string {
	return `By flags: a host that is there is changed in what they say, and keeps the rest; else it is made. By an entry, it is afterwards as that says, whole. All that a host is known by must match. Everything else in the document stays as it is written, comments too.

What would take an address from a client that has it needs a yes. A change of what an address is kept for waits until both members have it; lessor config status says so.

Examples:

  lessor hosts set printer1 --hardware 02:00:00:00:00:07 --address 198.51.100.9
  lessor hosts set printer1 --option host-name=printer1 --comment 'as on its label'
  lessor hosts set lobby '{circuit-id: ge-0/0/1, address: 10.20.0.9}'
  lessor hosts set printer1 - < printer1.yaml`
}

// Run makes the host, or changes it.
func (x hostsSetCommand) Run(ctx context.Context, c *console) error {
	r, err := x.request(c, "lessor hosts set")
	if err != nil {
		return err
	}
	said, err := x.said()
	if named := checkHostName(x.Name); named != nil {
		err = named
	}
	if err != nil {
		return usageError{err, "lessor hosts set --help"}
	}
	if x.Entry != "" {
		if said.text, err = readEntry(x.Entry, c.in); err != nil {
			return err
		}
		if wrong, ok := errors.AsType[config.Problems](config.CheckHostEntry(x.Name, said.text)); ok {
			c.writeProblems(wrong, ": nothing was changed")
			return errNo
		}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	h, err := x.edit(ctx, client, said)
	if err != nil {
		return err
	}
	if x.Entry == "-" {
		c = c.alone() // who could answer is not at the other end of standard input
	}
	return changing(c, x.JSON, &r, mergedWithOthers, func() (node.Applied, error) {
		a, err := client.HostPut(ctx, h, r)
		return a, versionMeant(ctx, client, err, h.If)
	})
}

// said returns what the flags say of the host.
func (x *hostsSetCommand) said() (s hostSaid, err error) {
	for _, k := range []struct{ key, value string }{{"hardware", x.Hardware}, {"client-id", x.ClientID}, {"circuit-id", x.CircuitID}, {"remote-id", x.RemoteID}, {"subscriber-id", x.SubscriberID}} {
		if k.value != "" {
			s.known = true
			s.fields = append(s.fields, setting{k.key, k.value})
		}
	}
	if x.Address != "" {
		a, err := parseAddress(x.Address)
		if err != nil {
			return s, fmt.Errorf("--address: %w", err)
		}
		s.fields = append(s.fields, setting{"address", a.String()})
	}
	for _, text := range x.Option {
		name, value, has := strings.Cut(text, "=")
		if !has || name == "" || value == "" {
			return s, fmt.Errorf("--option: %q is no option with a value: write it as in host-name=printer1", text)
		}
		s.options = append(s.options, setting{name, value})
	}
	switch any := len(s.fields)+len(s.options) > 0; {
	case any && x.Entry != "":
		return s, errors.New("an entry says all of the host: leave out the flags that say a part of it")
	case !any && x.Entry == "":
		return s, errors.New("what is the host to be? Give flags as --hardware and --address, or its entry")
	}
	return s, nil
}

// edit returns the host as it is to be. Flags are read into the entry that is there.
func (x *hostsSetCommand) edit(ctx context.Context, client *api.Client, s hostSaid) (h node.HostEdit, err error) {
	h = node.HostEdit{Name: x.Name, Text: s.text, Create: x.New}
	if h.If, err = x.against(ctx, client); err != nil || s.text != "" {
		return h, err
	}
	text := "{}"
	if !x.New {
		// The version first: whatever changes while the host is read is merged then, or refused.
		st, err := client.ConfigStatus(ctx)
		if err != nil {
			return h, err
		}
		was, found, err := client.Host(ctx, x.Name)
		switch {
		case err != nil:
			return h, err
		case found:
			text, h.Change, h.If = was.Text, true, cmp.Or(h.If, st.Head)
		case !s.known:
			return h, fmt.Errorf("%w; to make it, say what its client is known by, as --hardware", hostMeant(ctx, client, x.Name))
		}
	}
	h.Text, err = s.into(text)
	return h, err
}
