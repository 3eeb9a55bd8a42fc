package node

import (
	"context"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Steward is what a Reporter also is on which operators change single leases and reservations. Errors of all of them: a
// *RefusedError says why not and what to do, a *RequestError what is wrong with the request; those of hosts are Configurer's too.
type Steward interface {
	// Release gives up a lease in its client's place, as if the client had released it. Once it returns without an error that is durable
	// here, and the other server is told. The client is not: it goes on using the address until it asks again.
	Release(ctx context.Context, addr netip.Addr, r ReleaseRequest) error
	// Hosts calls each with the hosts of the head, by name, until each returns an error, which Hosts returns.
	Hosts(ctx context.Context, each func(HostRow) error) error
	// Host returns one of them; false if there is none of that name.
	Host(ctx context.Context, name string) (HostRow, bool, error)
	// HostPut makes a host entry, or changes it, as the next version of the configuration. Once it returns without an error that is
	// durable here. Everything else of the document stays as it is written.
	HostPut(ctx context.Context, h HostEdit, r ApplyRequest) (Applied, error)
	// HostDelete takes a host entry out, likewise; against is as HostEdit.If.
	HostDelete(ctx context.Context, name, against string, r ApplyRequest) (Applied, error)
}

// ReleaseRequest is why a lease is given up.
type ReleaseRequest struct {
	Reason string `json:"reason"` // for the event; may be empty
	By     string `json:"by"`     // who wants it
}

// HostRow is one reservation, or another entry of hosts.
type HostRow struct {
	Name string `json:"name"`
	// What its client is known by, as the document has it; all that is given must match.
	Hardware     string            `json:"hardware,omitempty"`
	ClientID     string            `json:"client_id,omitempty"`
	CircuitID    string            `json:"circuit_id,omitempty"` // as text, or {hex: "…"}
	RemoteID     string            `json:"remote_id,omitempty"`
	SubscriberID string            `json:"subscriber_id,omitempty"`
	MatchOptions map[string]string `json:"match_options,omitempty"`
	Address      netip.Addr        `json:"address,omitzero"`
	// Options are what it sets, as the document spells them.
	Options map[string]string `json:"options"`
	// Text is the entry as it is written in the document, without its name: what HostEdit.Text takes.
	Text string `json:"text"`
	Line int    `json:"line"` // of Source: where it stands
	// FileLine is the same line in Source's file, where that says what is in force; 0: it does not.
	FileLine int `json:"file_line,omitempty"`
	// Source says of what text Line is a line: of the head.
	Source policy.Source `json:"source"`
	// Network and Subnet are those of Address.
	Network string `json:"network,omitempty"`
	Subnet  string `json:"subnet,omitempty"`
	// Held says how Address stands now: active (its client has it), other (somebody else has it still), free.
	Held string `json:"held,omitempty"`
	// Pending says that the entry waits for the other member to agree.
	Pending bool `json:"pending,omitempty"`
}

// HostEdit is a host entry as it is to be. Either Text says all of it, or the fields do.
type HostEdit struct {
	Name string `json:"name"`
	// Create says that there is none of that name yet, Change that there is one; neither: either will do.
	Create bool `json:"-"`
	Change bool `json:"-"`
	// If, if not empty, is the version that the change is written against: what others changed since is merged, or refused.
	If string `json:"-"`
	// Text is the entry as YAML, without its name: {hardware: 02:00:00:00:00:07, address: 198.51.100.9}.
	Text string `json:"text,omitempty"`

	Hardware     string            `json:"hardware,omitempty"`
	ClientID     string            `json:"client_id,omitempty"`
	CircuitID    string            `json:"circuit_id,omitempty"`
	RemoteID     string            `json:"remote_id,omitempty"`
	SubscriberID string            `json:"subscriber_id,omitempty"`
	Address      netip.Addr        `json:"address,omitzero"`
	Options      map[string]string `json:"options,omitempty"` // each as it would stand in a document
}
