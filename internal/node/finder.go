package node

import (
	"context"
	"net/netip"
)

// Finder is what a Reporter also is that shows leases in order and finds them by anything. It is safe for concurrent use, and a
// slow caller never delays the packets.
type Finder interface {
	// FindLeases calls each with the bindings that q means in ascending order of their addresses, until each returns an error,
	// which FindLeases returns, or q.Limit of them were shown. A binding that exists throughout is shown exactly once. A
	// *RequestError says what is wrong with q.
	FindLeases(ctx context.Context, q LeaseQuery, each func(FoundLease) error) error
	// LeasePage returns what FindLeases shows, as one page of at most MaxPage bindings.
	LeasePage(ctx context.Context, q LeaseQuery) (LeasePage, error)
}

// The sizes of a page of leases.
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// LeaseQuery says which bindings are asked for, and from where on.
type LeaseQuery struct {
	LeaseFilter
	// Search is an address, a prefix, or a part of anything that an operator knows of a client: hardware address or client
	// identifier in any spelling, host name, circuit, remote end or subscriber of its relay, vendor class. Empty: all. It has
	// at most MaxSearch octets.
	Search string
	// After is the last address of the page before this one; invalid: from the beginning.
	After netip.Addr
	// Limit is how many are shown at most; 0: all of them, and of a page DefaultPage.
	Limit int
}

// MaxSearch is how long a search may be, in octets.
const MaxSearch = 255

// FoundLease is a binding, and why it was found.
type FoundLease struct {
	LeaseRow
	// Matched is what Search was found in: address, hardware, client-id, hostname, circuit-id, remote-id, subscriber-id,
	// vendor-class. Empty without Search.
	Matched string `json:"matched,omitempty"`
	// Found is that value, as text or else in hexadecimal, where LeaseRow does not have it. It may hold any octets.
	Found string `json:"found,omitempty"`
}

// LeasePage is some bindings in ascending order of their addresses.
type LeasePage struct {
	Leases []FoundLease `json:"leases"`
	// Next is LeaseQuery.After for the page behind this one; invalid: there is none.
	Next netip.Addr `json:"next,omitzero"`
	// Total is how many bindings there are, whatever was asked for.
	Total int `json:"total"`
}
