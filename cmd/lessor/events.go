package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type eventsCommand struct {
	whichServer `embed:""`
	Client      string        `placeholder:"WHO" help:"Only this client, and each of its packets: hardware address, client identifier, or host name."`
	Address     string        `placeholder:"ADDR" help:"Only what is about this address."`
	Network     string        `placeholder:"NAME" complete:"network" help:"Only what is about this shared network."`
	Kind        string        `placeholder:"KIND,…" complete:"kind" help:"Only these kinds, separated by commas: nak,conflict."`
	Level       string        `placeholder:"LEVEL" complete:"level" default:"info" help:"Only this level and above: debug, info, warn, error."`
	After       string        `placeholder:"ID" help:"Begin with what happened after the event with this id and is still kept; 0: with all that is kept."`
	Packets     bool          `help:"Every packet, too."`
	Count       int           `placeholder:"N" help:"End after so many events."`
	For         time.Duration `placeholder:"DURATION" help:"End after so long, as in 30s."`
	JSON        bool          `name:"json" help:"Print one JSON object a line."`
}

func (eventsCommand) Help() string {
	return `Shows what happens from now on, until you interrupt it; with --after, what was before, first. If you read too slowly, events are left out, and you are told how many.

Kinds: ` + strings.Join(node.EventKinds(), ", ") + `.

Examples:

  lessor events
  lessor events --client 02:00:00:00:00:07
  lessor events --after 0 --for 1s
  lessor events --kind nak,conflict,pool-exhausted --json`
}

// errEnough ends the stream after the events that were asked for.
var errEnough = errors.New("enough")

// Run shows the events.
func (x eventsCommand) Run(ctx context.Context, c *console) error {
	f, err := x.filter()
	if err != nil {
		return usageError{err, "lessor events --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	if x.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, x.For)
		defer cancel()
	}
	seen := 0
	err = client.EventsAfter(ctx, f, x.After, func() { c.note("listening") }, func(e node.Event) error {
		if err := x.write(c, e); err != nil {
			return err
		}
		if seen++; x.Count > 0 && seen >= x.Count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || ctx.Err() != nil { // interrupted, or the time is over: that is how it ends
		return nil
	}
	return err
}

func (x eventsCommand) filter() (f node.EventFilter, err error) {
	f = node.EventFilter{Client: node.ParseClient(x.Client), Network: x.Network}
	if x.Address != "" {
		if f.Address, err = netip.ParseAddr(x.Address); err != nil {
			return f, fmt.Errorf("--address: %q is not an address", x.Address)
		}
	}
	if x.Kind != "" {
		if f.Kinds, err = api.ParseKinds(x.Kind); err != nil {
			return f, x.kindMeant(fmt.Errorf("--kind: %w", err))
		}
	}
	if f.Level, err = api.ParseLevel(x.Level); err != nil {
		return f, suggesting(fmt.Errorf("--level: %w", err), x.Level, levelNames)
	}
	if x.After != "" && x.After != "0" {
		if _, err := node.ParseEventID(x.After); err != nil {
			return f, fmt.Errorf("--after: %w", err)
		}
	}
	if x.Count < 0 || x.For < 0 {
		return f, errors.New("--count and --for are positive")
	}
	f.Packets = x.Packets || x.Client != ""
	for _, k := range f.Kinds {
		f.Packets = f.Packets || k.IsPacket()
	}
	return f, nil
}

// levelNames are how much a log or a list of events may tell.
var levelNames = []string{"debug", "info", "warn", "error"}

// kindMeant says which kind was meant by the first that is none.
func (x eventsCommand) kindMeant(err error) error {
	for kind := range strings.SplitSeq(x.Kind, ",") {
		if !slices.Contains(node.EventKinds(), kind) {
			return suggesting(err, kind, node.EventKinds())
		}
	}
	return err
}

func (x eventsCommand) write(c *console, e node.Event) error {
	if x.JSON {
		return c.json(e)
	}
	_, err := io.WriteString(c.out, eventText(c, e))
	return err
}

// eventText returns an event as a line of text and, where it has details, an indented line for each.
func eventText(c *console, e node.Event) string {
	var b strings.Builder
	b.WriteString(c.paint(dim, e.Time.UTC().Format("2006-01-02T15:04:05.000Z")))
	st := plain
	switch {
	case e.Level >= 8: // slog.LevelError
		st = red
	case e.Level >= 4: // slog.LevelWarn
		st = yellow
	case e.Kind.IsPacket():
		st = dim
	}
	fmt.Fprintf(&b, " %s %s", c.paint(st, fmt.Sprintf("%-16s", e.Kind)), printable(e.Message))
	for _, a := range attributes(e) {
		if a.value != "" {
			b.WriteString(" " + c.paint(dim, a.name+"=") + quoted(fromNetwork(a.value)))
		}
	}
	b.WriteByte('\n')
	for line := range strings.Lines(e.Detail) {
		b.WriteString("    " + shown(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return b.String()
}

type attribute struct{ name, value string }

// attributes returns what an event is about, under the names that the log uses.
func attributes(e node.Event) []attribute {
	kind, id := e.Type, e.ClientID
	if strings.Contains(e.Message, kind) {
		kind = "" // said already
	}
	if id == "01:"+e.Hardware {
		id = "" // says no more than the hardware address (RFC 2132 §9.14)
	}
	out := []attribute{
		{"type", kind}, {"addr", addrText(e.Address)}, {"client", e.Hardware}, {"client_id", id},
		{"hostname", e.Hostname}, {"network", e.Network}, {"class", e.Class}, {"interface", e.Interface}, {"relay", addrText(e.Relay)},
		{"partner", string(e.Partner)}, {"state", e.State},
	}
	if !e.Expires.IsZero() {
		out = append(out, attribute{"expires", absolute(e.Expires)})
	}
	if e.XID != 0 {
		out = append(out, attribute{"xid", fmt.Sprintf("%08x", e.XID)})
	}
	out = append(out, attribute{"reason", e.Reason})
	if e.Lost > 0 {
		out = append(out, attribute{"lost", fmt.Sprint(e.Lost)})
	}
	return out
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
