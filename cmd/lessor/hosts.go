package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// hostsCommand is about the entries under hosts: in the group's configuration.
type hostsCommand struct {
	List   hostsListCommand   `cmd:"" default:"withargs" help:"List the hosts of the configuration."`
	Show   hostsShowCommand   `cmd:"" help:"Show one host whole: what it is known by, how its address stands, its entry."`
	Set    hostsSetCommand    `cmd:"" help:"Make a host, or change it: what it is known by, and the address that is kept for it."`
	Remove hostsRemoveCommand `cmd:"" help:"Take a host out of the configuration."`
}

func (hostsCommand) Help() string {
	return `A host is a client that the configuration knows: by its hardware address, its client identifier, or what its relay says of it. An address may be kept for it (a reservation), and options may be its own. "lessor hosts" lists them, "lessor hosts NAME" shows one.

Each change is a version of the group's configuration, made on any member: lessor config history lists it, and lessor config rollback takes it back.`
}

type hostsListCommand struct {
	whichServer `embed:""`
	Name        string    `arg:"" optional:"" complete:"host" help:"Only this host, as lessor hosts show has it."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object a line."`
}

func (hostsListCommand) Help() string {
	return `"list" may be left out. The column NOW says how the address stands that is kept for a host: whether its client has it, somebody else has it still, or nobody.

Examples:

  lessor hosts
  lessor hosts printer1
  lessor hosts list --json | jq 'select(.held == "other") | .name'`
}

// Run lists the hosts.
func (x hostsListCommand) Run(ctx context.Context, c *console) error {
	if x.JSON && x.Watch > 0 {
		return usageError{errWatchJSON, "lessor hosts list --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, false, func(c *console, w *bufio.Writer) error {
		if x.Name != "" {
			return unlessInterrupted(ctx, showHost(ctx, c, w, client, x.Name, x.JSON))
		}
		return unlessInterrupted(ctx, x.list(ctx, c, w, client))
	})
}

type hostsShowCommand struct {
	whichServer `embed:""`
	Name        string    `arg:"" complete:"host" help:"The host."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object; with --watch, one a line."`
}

func (hostsShowCommand) Help() string {
	return `What it prints last is what "lessor hosts set NAME ENTRY" takes.

Examples:

  lessor hosts show printer1
  lessor hosts show printer1 --json | jq -r .text > printer1.yaml`
}

// Run shows one host.
func (x hostsShowCommand) Run(ctx context.Context, c *console) error {
	if err := checkHostName(x.Name); err != nil {
		return usageError{err, "lessor hosts show --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, x.JSON, func(c *console, w *bufio.Writer) error {
		return unlessInterrupted(ctx, showHost(ctx, c, w, client, x.Name, x.JSON))
	})
}

// checkHostName returns what is wrong with the name of a host on a command line, nil if nothing.
func checkHostName(name string) error {
	switch name {
	case "":
		return errors.New("which host? Its name is empty")
	case ".", "..":
		return fmt.Errorf("a host that is called %q is changed in the document only: lessor config apply", name)
	}
	return nil
}

func showHost(ctx context.Context, c *console, w *bufio.Writer, client *api.Client, name string, asJSON bool) error {
	h, found, err := client.Host(ctx, name)
	switch {
	case err != nil:
		return err
	case !found:
		return hostMeant(ctx, client, name, "list", "show", "set", "remove")
	case asJSON:
		return writeJSON(w, h)
	}
	writeHost(c, w, &h)
	return nil
}

// list writes all of them.
func (x hostsListCommand) list(ctx context.Context, c *console, w *bufio.Writer, client *api.Client) error {
	if x.JSON {
		return client.Hosts(ctx, func(h node.HostRow) error { return writeJSON(w, h) })
	}
	t := hostTable()
	some := 0
	err := client.Hosts(ctx, func(h node.HostRow) error {
		if len(t.rows) == maxSorted { // a table holds what it shows
			if err := t.write(c, w, ""); err != nil {
				return err
			}
			t = hostTable()
		}
		some++
		t.add(cell{short(printable(h.Name)), bold}, cell{text: short(strings.Join(knownBy(&h), ", "))}, cell{text: addressOf(&h)},
			cell{text: orDash(short(printable(h.Network)))}, standsCell(&h), cell{text: orDash(cut(optionNames(&h), maxCell))})
		return nil
	})
	switch {
	case err != nil:
		return err
	case some == 0:
		c.note("no hosts: `lessor hosts set NAME --hardware MAC --address ADDR` makes one")
		return nil
	}
	return t.write(c, w, "")
}

func hostTable() *table {
	return &table{head: []string{"NAME", "KNOWN BY", "ADDRESS", "NETWORK", "NOW", "OPTIONS"}, least: []int{5, 3, 1, 4}}
}

// knownBy returns what the client of a host is known by, in words; all of it must match.
func knownBy(h *node.HostRow) (all []string) {
	for _, k := range []struct{ name, value string }{{"", h.Hardware}, {"client-id ", h.ClientID}, {"circuit-id ", h.CircuitID}, {"remote-id ", h.RemoteID}, {"subscriber-id ", h.SubscriberID}} {
		if k.value != "" {
			all = append(all, k.name+printable(k.value))
		}
	}
	for _, name := range sortedKeys(h.MatchOptions) {
		all = append(all, printable(name+" "+h.MatchOptions[name]))
	}
	if len(all) == 0 {
		all = []string{"-"}
	}
	return all
}

func addressOf(h *node.HostRow) string {
	if !h.Address.IsValid() {
		return "-"
	}
	return h.Address.String()
}

// standsCell says how the address that is kept for a host stands.
func standsCell(h *node.HostRow) cell {
	x := cell{text: "-"}
	switch h.Held {
	case "active":
		x = cell{"has it", green}
	case "other":
		x = cell{"another has it", yellow}
	case "free":
		x = cell{text: "nobody"}
	}
	if h.Pending {
		x = cell{"waits for the other member", yellow}
	}
	return x
}

func optionNames(h *node.HostRow) string { return printable(strings.Join(sortedKeys(h.Options), " ")) }

// writeHost writes one host for a person. The writer keeps its first error.
func writeHost(c *console, w *bufio.Writer, h *node.HostRow) {
	fmt.Fprintf(w, "%s\n", c.paint(bold, printable(h.Name)))
	field := func(name, value string) {
		if value != "" && value != "-" {
			fmt.Fprintf(w, "  %-14s %s\n", name, value)
		}
	}
	for i, k := range knownBy(h) {
		if i == 0 {
			field("known by", k)
		} else {
			field("", "and "+k)
		}
	}
	if h.Address.IsValid() {
		field("address", join(join(h.Address.String(), printable(h.Network)), printable(h.Subnet)))
		if h.Network == "" {
			field("", c.paint(yellow, "it is in no subnet of the configuration: it is never given"))
		}
		s := standsCell(&node.HostRow{Held: h.Held})
		field("now", c.paint(s.style, map[string]string{"active": "its client has the address", "other": "somebody else has the address still: `lessor lease " + h.Address.String() + "` says who",
			"free": "nobody has the address"}[h.Held]))
	}
	if h.Pending {
		field("pending", c.paint(yellow, "a change of it waits until the other member has it, too: lessor config status"))
	}
	if h.Line > 0 {
		field("configuration", lineOf(h.Source, h.Line, h.FileLine))
	}
	if len(h.Options) > 0 {
		heading(c, w, "Options of its own")
		t := table{head: []string{"OPTION", "VALUE"}}
		for _, name := range sortedKeys(h.Options) {
			t.addText(printable(name), cut(shown(h.Options[name]), maxShownValue))
		}
		t.fit(c, pageWidth-2, 1)
		t.write(c, w, "  ")
	}
	heading(c, w, "As it is written")
	for _, line := range wrapped(shown(strings.TrimSpace(h.Text)), c.page(pageWidth)-2) {
		fmt.Fprintln(w, "  "+line)
	}
}

// hostMeant says that there is no host of that name, and which was meant: one, or a command that might stand there.
func hostMeant(ctx context.Context, client *api.Client, name string, commands ...string) error {
	var all []string
	_ = client.Hosts(ctx, func(h node.HostRow) error {
		if len(all) == maxMeant {
			return errEnough
		}
		all = append(all, h.Name)
		return nil
	}) // what was heard of them is worth comparing
	near := meant(name, all)
	if near == "" {
		if near = meant(name, commands); near != "" {
			near = strings.Replace(near, "did you mean ", "did you mean lessor hosts ", 1)
		}
	}
	if near == "" {
		near = ": `lessor hosts` lists them"
	}
	return fmt.Errorf("the configuration has no host %q%s", printable(name), printable(near))
}

// maxMeant is how many names are looked through for the one that was meant.
const maxMeant = 100_000

// hostChange are the flags of what changes a host.
type hostChange struct {
	Against     string `placeholder:"VERSION" complete:"version" help:"The version that the change is written against: what others changed since is merged with it, or it is refused; default: the latest."`
	changeFlags `embed:""`
}

// against returns the version as the server is told it, empty where none is said.
func (x hostChange) against(ctx context.Context, client *api.Client) (string, error) {
	switch x.Against {
	case "":
		return "", nil
	case api.Head:
		st, err := client.ConfigStatus(ctx)
		return st.Head, err
	}
	id, err := versionOf(ctx, client, x.Against)
	if u, ok := errors.AsType[usageError](err); ok {
		err = usageError{fmt.Errorf("--against: %w", u.err), "lessor hosts set --help"}
	}
	return id, err
}

// readEntry returns the entry that stands on a command line; "-": in is read.
func readEntry(text string, in io.Reader) (string, error) {
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(in, maxEntry+1))
		if err != nil {
			return "", fmt.Errorf("reading standard input: %w", err)
		}
		text = string(b)
	}
	switch text = strings.TrimSpace(text); {
	case len(text) > maxEntry:
		return "", errors.New("a host entry has at most 64 KiB: nothing was changed")
	case text == "":
		return "", errors.New("the entry is empty: nothing was changed (`lessor hosts remove` takes a host out)")
	}
	return text, nil
}

// maxEntry is how long the entry of a host is at most, in octets.
const maxEntry = 64 << 10

func sortedKeys(m map[string]string) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
