package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

var _ Steward = (*Node)(nil)

// The most octets of a host entry, and of its name.
const (
	maxHostText = 64 << 10
	maxHostName = 255
)

// MarshalJSON writes an empty map where there are no options, never null.
func (h HostRow) MarshalJSON() ([]byte, error) {
	type plain HostRow
	notNilMap(&h.Options)
	return json.Marshal(plain(h))
}

// Hosts implements Steward.
func (n *Node) Hosts(ctx context.Context, each func(HostRow) error) error {
	shown, err := n.ConfigShow(ctx, "head")
	if err != nil {
		return err
	}
	entries, err := hostEntries(shown.Text)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b config.HostEntry) int { return cmp.Compare(a.Name, b.Name) })
	pending, err := n.pendingHosts(ctx)
	if err != nil {
		return err
	}
	file := n.fileOf(shown.Version)
	for some := range slices.Chunk(entries, listStride) {
		rows := make([]HostRow, len(some))
		for i := range some {
			rows[i] = hostRow(&some[i])
			rows[i].Pending = pending(rows[i].Name)
			rows[i].Source, rows[i].FileLine = file.source(shown.Version), file.of(rows[i].Line)
		}
		if err := n.do(ctx, func(*Effects) { n.core.standHosts(rows) }); err != nil {
			return err
		}
		for _, r := range rows {
			if err := each(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// errFound ends a walk.
var errFound = errors.New("found")

// Host implements Steward.
func (n *Node) Host(ctx context.Context, name string) (h HostRow, found bool, err error) {
	err = n.Hosts(ctx, func(r HostRow) error {
		if r.Name != name {
			return nil
		}
		h, found = r, true
		return errFound
	})
	if err == errFound {
		err = nil
	}
	return h, found, err
}

// hostEntries reads the entries of a version as it is shown.
func hostEntries(text string) ([]config.HostEntry, error) {
	_, src, err := version.Against([]byte(text))
	if err != nil {
		return nil, err
	}
	return config.HostEntries(src)
}

func hostRow(e *config.HostEntry) HostRow {
	r := HostRow{
		Name: e.Name, Line: e.Line, Text: e.Text, Hardware: e.Fields["hardware"], ClientID: e.Fields["client-id"],
		CircuitID: e.Fields["circuit-id"], RemoteID: e.Fields["remote-id"], SubscriberID: e.Fields["subscriber-id"],
		MatchOptions: e.Maps["match-options"], Options: e.Maps["options"],
	}
	r.Address, _ = netip.ParseAddr(e.Fields["address"]) // a document that was checked has one, or none
	return r
}

// pendingHosts returns which hosts are in a change that waits for the other member.
func (n *Node) pendingHosts(ctx context.Context) (func(name string) bool, error) {
	s, err := n.ConfigStatus(ctx)
	if err != nil {
		return nil, err
	}
	return func(name string) bool {
		for _, c := range s.Pending {
			if rest, ok := strings.CutPrefix(c.Key, "hosts."); ok && (rest == name || strings.HasPrefix(rest, name+".")) {
				return true
			}
		}
		return false
	}, nil
}

// standHosts says where the addresses of hosts lie, and who has them.
func (c *Core) standHosts(rows []HostRow) {
	for i := range rows {
		r := &rows[i]
		if !r.Address.IsValid() {
			continue
		}
		if s := c.policy.SubnetOf(r.Address); s != nil {
			r.Network, r.Subnet = s.Network.Name, s.Prefix.String()
		}
		r.Held = c.heldFor(r)
	}
}

func (c *Core) heldFor(r *HostRow) string {
	b, ok := c.table.Get(host(r.Address))
	if !ok || b.State != binding.Active {
		return "free"
	}
	hosts := c.policy.Document.Hosts
	i, ok := slices.BinarySearchFunc(hosts, r.Name, func(h config.Host, name string) int { return cmp.Compare(h.Name, name) })
	if !ok {
		return "other"
	}
	h := &hosts[i]
	if !h.Hardware.IsZero() && h.Hardware != b.Client.Hardware || h.ClientID != nil && string(h.ClientID) != string(b.Client.ID) {
		return "other"
	}
	return "active"
}

// HostPut implements Steward.
func (n *Node) HostPut(ctx context.Context, h HostEdit, r ApplyRequest) (Applied, error) {
	if err := checkHostName(h.Name); err != nil {
		return Applied{}, err
	}
	text, err := h.entry()
	if err != nil {
		return Applied{}, err
	}
	return n.editHost(ctx, &h, text, r)
}

// HostDelete implements Steward.
func (n *Node) HostDelete(ctx context.Context, name, against string, r ApplyRequest) (Applied, error) {
	if err := checkHostName(name); err != nil {
		return Applied{}, err
	}
	return n.editHost(ctx, &HostEdit{Name: name, Change: true, If: against}, "", r)
}

func checkHostName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return refused("which host? Its name is empty")
	case len(name) > maxHostName:
		return refused("the name of a host has at most %d octets, and this one has %d", maxHostName, len(name))
	}
	return nil
}

// editHost makes the next version one in which a host is as text says.
func (n *Node) editHost(ctx context.Context, h *HostEdit, text string, r ApplyRequest) (Applied, error) {
	shown, err := n.ConfigShow(ctx, cmp.Or(h.If, "tip"))
	if err != nil {
		return Applied{}, err
	}
	parent, src, err := version.Against([]byte(shown.Text))
	if err != nil {
		return Applied{}, err
	}
	src = src[1:] // the line that said which version it is
	there, err := h.fits(src)
	if err != nil {
		return Applied{}, err
	}
	edited, err := config.EditHost(src, h.Name, text)
	switch {
	case errors.Is(err, config.ErrNoHost):
		return Applied{}, noHost(h.Name)
	case errors.Is(err, config.ErrByHand):
		return Applied{}, &RefusedError{Why: fmt.Sprintf("host %q cannot be changed here: the document is written in a way that only a person can change", clip(h.Name)),
			Remedy: "edit what lessor config show prints, and give it to lessor config apply"}
	case err != nil:
		return Applied{}, err
	}
	r.Document = append([]byte("version: "+parent.String()+"\n"), edited...)
	r.Comment = cmp.Or(r.Comment, h.comment(text))
	a, err := n.applyFor(ctx, h.Name, r)
	a.Created = err == nil && !there
	return a, err
}

// inNoSubnet says of a host of a document that the address that is kept for it is never given; nothing where it can be.
func inNoSubnet(d *config.Document, host string) string {
	i, found := slices.BinarySearchFunc(d.Hosts, host, func(h config.Host, name string) int { return cmp.Compare(h.Name, name) })
	if !found || !d.Hosts[i].Address.IsValid() {
		return ""
	}
	a := d.Hosts[i].Address
	for _, w := range d.Networks {
		if slices.ContainsFunc(w.Subnets, func(s config.Subnet) bool { return s.Prefix.Contains(a) }) {
			return ""
		}
	}
	return fmt.Sprintf("%v is in no subnet of the configuration: it is never given", a)
}

func (h *HostEdit) comment(text string) string {
	if text == "" {
		return "host " + h.Name + " taken out"
	}
	return "host " + h.Name
}

func noHost(name string) error {
	return &RefusedError{Why: fmt.Sprintf("there is no host %q", clip(name)), Remedy: "lessor hosts lists them"}
}

// fits reports whether there is such a host in a document; the error says why it may not be made or changed.
func (h *HostEdit) fits(src []byte) (there bool, err error) {
	entries, err := config.HostEntries(src)
	if err != nil {
		return false, err
	}
	there = slices.ContainsFunc(entries, func(e config.HostEntry) bool { return e.Name == h.Name })
	switch {
	case h.Create && there:
		return there, &RefusedError{Why: fmt.Sprintf("there is a host %q already", clip(h.Name)), Remedy: "choose another name, or change that one"}
	case h.Change && !there:
		return there, noHost(h.Name)
	}
	return there, nil
}

// entry returns the entry as YAML.
func (h *HostEdit) entry() (string, error) {
	text := strings.TrimSpace(h.Text)
	if text == "" {
		if err := h.checkFields(); err != nil {
			return "", err
		}
		text = h.fromFields()
	}
	switch {
	case len(text) > maxHostText:
		return "", refused("a host entry has at most %d octets", maxHostText)
	case text == "{}":
		return "", refused("a host entry says whom it means: hardware, client-id, circuit-id, remote-id or subscriber-id")
	}
	return text, nil
}

// checkFields returns which field is no value as a document has it. One that is could end the entry in its middle.
func (h *HostEdit) checkFields() error {
	fields := map[string]string{"client-id": h.ClientID, "circuit-id": h.CircuitID, "remote-id": h.RemoteID, "subscriber-id": h.SubscriberID}
	maps.DeleteFunc(fields, func(_, value string) bool { return !strings.HasPrefix(value, "{") }) // the others are put in quotes
	for name, value := range h.Options {
		fields[fmt.Sprintf("option %q", clip(name))] = value
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := config.CheckValue(fields[name]); err != nil {
			return refused("%s: %q is no value as a document has it: %v", name, clip(fields[name]), err)
		}
	}
	return nil
}

// fromFields writes the entry that the fields say.
func (h *HostEdit) fromFields() string {
	var parts []string
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, key+": "+value)
		}
	}
	quoted := func(s string) string {
		if s == "" || strings.HasPrefix(s, "{") {
			return s // {hex: "0a0b"}
		}
		return strconv.Quote(s)
	}
	add("hardware", quoted(h.Hardware))
	add("client-id", quoted(h.ClientID))
	add("circuit-id", quoted(h.CircuitID))
	add("remote-id", quoted(h.RemoteID))
	add("subscriber-id", quoted(h.SubscriberID))
	if h.Address.IsValid() {
		add("address", h.Address.String())
	}
	var options []string
	for _, name := range slices.Sorted(maps.Keys(h.Options)) {
		options = append(options, strconv.Quote(name)+": "+h.Options[name])
	}
	if len(options) > 0 {
		add("options", "{"+strings.Join(options, ", ")+"}")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
