package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

type explainCommand struct {
	reach        `embed:""`
	Config       string   `type:"path" default:"" placeholder:"FILE" help:"Explain by this configuration file; no server is asked."`
	Hardware     string   `placeholder:"MAC" help:"The client's hardware address; another type than Ethernet before it: 6/02:00:00:00:00:07."`
	ClientID     string   `name:"client-id" placeholder:"HEX" help:"Its client identifier (option 61): 01:02:00:00:00:00:07."`
	Option       []string `sep:"none" complete:"option" placeholder:"NAME=VALUE" help:"What it sends: an option's name or number, and its value as a configuration file has it. May be given more than once."`
	Relay        string   `placeholder:"ADDR" help:"The relay that it is heard through (giaddr); default: none."`
	CircuitID    string   `name:"circuit-id" placeholder:"TEXT" help:"The circuit that the relay names (option 82.1): text, or {hex: \"0a0b\"}."`
	RemoteID     string   `name:"remote-id" placeholder:"TEXT" help:"The remote end that the relay names (option 82.2)."`
	SubscriberID string   `name:"subscriber-id" placeholder:"TEXT" help:"The subscriber that the relay names (option 82.6)."`
	As           string   `placeholder:"SERVER" complete:"member" help:"The server that answers; default: the one that is asked, or that the file is for."`
	Network      string   `placeholder:"NAME" complete:"network" help:"The shared network that the client is on; default: the relay's, else where it has its address."`
	Address      string   `placeholder:"ADDR" help:"Explain for this address; default: the one that it has or would get, on a file the one reserved for it."`
	JSON         bool     `name:"json" help:"Print one JSON object."`
}

func (explainCommand) Help() string {
	return `Each option has the layer that set it, the line of the configuration, and what it beat. Without the option dhcp-parameter-request-list (55) every option counts as asked for. Nothing is changed and nobody is sent anything.

Examples:

  lessor explain --hardware 02:00:00:00:00:07
  lessor explain --config lessor.yaml --hardware 02:00:5e:00:00:01 --network floor1
  lessor explain --config lessor.yaml --hardware 02:00:5e:00:00:01 --relay 10.20.0.1 --option vendor-class-identifier=PXEClient --option 93=7 --json`
}

// Run explains what the client would get.
func (x explainCommand) Run(ctx context.Context, c *console) error {
	r, err := x.request()
	if err != nil {
		return usageError{err, "lessor explain --help"}
	}
	explain := x.byServer
	if x.Config != "" {
		explain = x.byFile
	}
	e, err := explain(ctx, c, r)
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(e)
	}
	return c.buffered(func(w *bufio.Writer) error {
		(&explaining{console: c, w: w, source: e.Source}).write(&r, &e)
		return nil
	})
}

// request reads the flags.
func (x *explainCommand) request() (r node.ExplainRequest, err error) {
	r = node.ExplainRequest{
		As: binding.Member(x.As), Options: x.Option, Network: x.Network,
		CircuitID: x.CircuitID, RemoteID: x.RemoteID, SubscriberID: x.SubscriberID,
	}
	switch {
	case x.Hardware == "" && x.ClientID == "":
		return r, errors.New("which client? Give --hardware, --client-id, or both")
	case x.Config != "" && x.Socket+x.API != "":
		return r, errors.New("--config explains by a file, --socket and --api by a running server: give one of them")
	}
	if x.Hardware != "" {
		if r.Hardware, err = node.ParseHardware(x.Hardware); err != nil {
			return r, fmt.Errorf("--hardware: %w", err)
		}
	}
	if x.ClientID != "" {
		if r.ClientID, err = node.ParseClientID(x.ClientID); err != nil {
			return r, fmt.Errorf("--client-id: %w", err)
		}
	}
	for _, a := range []struct {
		flag, text string
		to         *netip.Addr
	}{{"--relay", x.Relay, &r.Relay}, {"--address", x.Address, &r.Address}} {
		if a.text == "" {
			continue
		}
		if *a.to, err = netip.ParseAddr(a.text); err != nil || !a.to.Is4() {
			return r, fmt.Errorf("%s: %q is not an IPv4 address: write it as in 198.51.100.50", a.flag, a.text)
		}
	}
	return r, nil
}

// byServer asks a running server.
func (x explainCommand) byServer(ctx context.Context, _ *console, r node.ExplainRequest) (policy.Explanation, error) {
	client, err := x.client()
	if err != nil {
		return policy.Explanation{}, err
	}
	return client.Explain(ctx, r)
}

// byFile explains by a configuration file alone.
func (x explainCommand) byFile(_ context.Context, c *console, r node.ExplainRequest) (e policy.Explanation, err error) {
	src, err := readDocument(x.Config, c.in)
	if err != nil {
		return e, err
	}
	doc, problems := parseDocument(x.Config, src)
	if doc == nil {
		for _, p := range problems {
			c.note("%s", p)
		}
		c.note("\n%s", tally(problems))
		return e, errNo
	}
	if doc, err = asThisServer(doc); err != nil {
		return e, err
	}
	q, err := r.Question(doc.Registry)
	if err != nil {
		return e, err
	}
	return policy.Compile(doc).Explain(&q)
}
