package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// sources are what the values of flags and arguments come from, by the name in their tag complete:"…".
var sources = map[string]func(x *completing, ctx context.Context, current string) offer{
	"file":      func(*completing, context.Context, string) offer { return offer{files: files} },
	"directory": func(*completing, context.Context, string) offer { return offer{files: directories} },
	"nothing":   func(*completing, context.Context, string) offer { return offer{} },
	"command":   (*completing).commandsBelow,
	"state":     func(*completing, context.Context, string) offer { return plainWords(api.StateNames()...) },
	"level":     func(*completing, context.Context, string) offer { return plainWords(levelNames...) },
	"cause":     (*completing).causes,
	"kind":      (*completing).kinds,
	"option":    (*completing).options,
	"network":   (*completing).networks,
	"member":    (*completing).members,
	"version":   (*completing).versions,
	"document": func(x *completing, ctx context.Context, current string) offer {
		o := x.versions(ctx, current)
		o.files = files
		return o
	},
	"address":        (*completing).addresses,
	"active-address": (*completing).activeAddresses,
	"host":           (*completing).hosts,
	"subnet":         (*completing).subnets,
	"member-of-file": (*completing).membersOfFile,
}

// values returns what a flag or an argument may be.
func (x *completing) values(ctx context.Context, v *kong.Value, current string) offer {
	switch {
	case v.Tag.Get("complete") != "":
		ctx, cancel := context.WithTimeout(ctx, completionTime)
		defer cancel()
		return sources[v.Tag.Get("complete")](x, ctx, current)
	case v.Enum != "":
		return plainWords(v.EnumSlice()...)
	case v.Tag.Type == "path" && v.Tag.PlaceHolder == "DIR":
		return offer{files: directories}
	case v.Tag.Type == "path" || v.Tag.PlaceHolder == "FILE" || v.Tag.PlaceHolder == "PATH":
		return offer{files: files}
	}
	return offer{}
}

func plainWords(words ...string) (o offer) {
	for _, w := range words {
		o.words = append(o.words, candidate{word: w})
	}
	return o
}

// commandsBelow are the commands below those that the arguments name.
func (x *completing) commandsBelow(context.Context, string) offer {
	n := x.app.Node
	for _, word := range x.args {
		if n = childOf(n, word); n == nil {
			return offer{}
		}
	}
	return offer{words: commandWords(n)}
}

func (x *completing) causes(context.Context, string) (o offer) {
	for _, cause := range ledger.Causes() {
		o.words = append(o.words, candidate{word: cause.String()})
	}
	return o
}

// kinds are the kinds of events that a list of some may go on with.
func (x *completing) kinds(_ context.Context, current string) (o offer) {
	list := ""
	if i := strings.LastIndexByte(current, ','); i >= 0 {
		list = current[:i+1]
	}
	for _, k := range node.EventKinds() {
		if !slices.Contains(strings.Split(list, ","), k) {
			o.words = append(o.words, candidate{word: list + k})
		}
	}
	o.open = true
	return o
}

func (x *completing) options(context.Context, string) (o offer) {
	reg := option.Standard()
	for _, name := range reg.Names(option.DHCPv4) {
		about := ""
		if d, ok := reg.ByName(option.DHCPv4, name); ok {
			about = fmt.Sprintf("option %d", d.Code)
		}
		o.words = append(o.words, candidate{name + "=", about})
	}
	o.open = true
	return o
}

// server returns a client of the server that the flags before name.
func (x *completing) server() (*api.Client, error) {
	var which struct {
		whichServer `embed:""`
	}
	p, err := serverParser(&which)
	if err != nil {
		return nil, err
	}
	var args []string
	for _, f := range p.Model.Flags {
		if value, ok := x.given[f.Name]; ok && f.Name != "help" {
			args = append(args, "--"+f.Name+"="+value)
		}
	}
	if _, err := p.Parse(args); err != nil {
		return nil, err
	}
	return which.client()
}

// status asks the server; nothing is known where it does not answer.
func (x *completing) status(ctx context.Context) (st node.Status) {
	if client, err := x.server(); err == nil {
		st, _ = client.Status(ctx)
	}
	return st
}

func (x *completing) networks(ctx context.Context, _ string) (o offer) {
	st := x.status(ctx)
	return plainWords(networkNames(&st)...)
}

// networkNames returns the networks that a status knows of.
func networkNames(st *node.Status) (all []string) {
	for _, p := range st.Pools {
		all = append(all, p.Network)
	}
	for _, i := range st.Interfaces {
		if i.Network != "" {
			all = append(all, i.Network)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// members are those that another member may be asked about: where the command is about the other one, that one.
func (x *completing) members(ctx context.Context, _ string) (o offer) {
	st := x.status(ctx)
	for i := range st.Partners {
		o.words = append(o.words, candidate{string(st.Partners[i].Partner), "the other one, in " + st.Partners[i].State})
	}
	if n := x.node.Name; n != "partner-down" && n != "drift" && st.Server != "" {
		o.words = append(o.words, candidate{string(st.Server), "the one that is asked"})
	}
	return o
}

// membersOfFile are the members of the group in the configuration file that was named.
func (x *completing) membersOfFile(context.Context, string) (o offer) {
	file := x.given["config"]
	src, err := readDocument(file, nil)
	if err != nil {
		return o
	}
	if doc, _ := parseDocument(file, src); doc != nil {
		for i := range doc.Group.Members {
			if m := &doc.Group.Members[i]; m.Name != doc.Server.Name {
				o.words = append(o.words, candidate{word: string(m.Name)})
			}
		}
	}
	return o
}

// maxOffered is how many things are offered of which there may be very many.
const maxOffered = 60

func (x *completing) versions(ctx context.Context, _ string) (o offer) {
	o.words = []candidate{{api.Head, "the version that is served by"}, {tipName, "the latest that this server has"},
		{agreedName, "the latest that both have served by"}, {partnerName, "the version that the other member serves by"}}
	client, err := x.server()
	if err != nil {
		return o
	}
	_ = client.ConfigHistory(ctx, maxOffered, func(r node.VersionRow) error {
		o.words = append(o.words, candidate{r.Version[:min(len(r.Version), shortVersion)], remark(&r)})
		return nil
	}) // without a server, the names alone
	return o
}

// addresses are the first of those that have a record.
func (x *completing) addresses(ctx context.Context, current string) offer {
	return x.leases(ctx, node.LeaseFilter{}, current)
}

// activeAddresses are the first of those that somebody has.
func (x *completing) activeAddresses(ctx context.Context, current string) offer {
	return x.leases(ctx, node.LeaseFilter{State: binding.Active}, current)
}

func (x *completing) leases(ctx context.Context, f node.LeaseFilter, current string) (o offer) {
	client, err := x.server()
	if err != nil {
		return o
	}
	_ = client.Leases(ctx, f, func(r node.LeaseRow) error {
		if a := r.Address.String(); strings.HasPrefix(a, current) {
			o.words = append(o.words, candidate{a, join(r.State, fromNetwork(r.Hardware))})
		}
		if len(o.words) == maxOffered {
			return errEnough
		}
		return nil
	}) // what came until then is worth offering
	return o
}

// hosts are the first of the configuration.
func (x *completing) hosts(ctx context.Context, current string) (o offer) {
	client, err := x.server()
	if err != nil {
		return o
	}
	_ = client.Hosts(ctx, func(h node.HostRow) error {
		if strings.HasPrefix(h.Name, current) {
			o.words = append(o.words, candidate{h.Name, strings.Trim(addressOf(&h)+", "+strings.Join(knownBy(&h), ", "), "-, ")})
		}
		if len(o.words) == maxOffered {
			return errEnough
		}
		return nil
	})
	return o
}

// subnets are those that have pools.
func (x *completing) subnets(ctx context.Context, _ string) (o offer) {
	st := x.status(ctx)
	seen := map[string]bool{}
	for _, p := range st.Pools {
		if s := p.Subnet.String(); p.Subnet.IsValid() && !seen[s] {
			seen[s] = true
			o.words = append(o.words, candidate{s, p.Network})
		}
	}
	return o
}
