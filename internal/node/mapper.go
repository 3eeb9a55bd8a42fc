package node

import (
	"context"
	"net/netip"
)

// Mapper is what a Reporter also is that draws a subnet.
type Mapper interface {
	// Map returns p in cells: each an address where p has at most MaxCells, else each an equal part of p. A *RequestError
	// says what is wrong with p. A slow caller never delays the packets.
	Map(ctx context.Context, p netip.Prefix) (Map, error)
}

// MaxCells is how many cells a map has at most: a /24 at a glance.
const MaxCells = 256

// Map is a prefix in cells, in ascending order.
type Map struct {
	Prefix  netip.Prefix `json:"prefix"`
	Network string       `json:"network,omitempty"` // the shared network it lies in, if it lies in one
	Subnet  string       `json:"subnet,omitempty"`
	// Cell is how long the prefix of a cell is; 32: a cell is an address.
	Cell int `json:"cell"`
	// Up is the map that this one is a cell of; invalid: none that has a subnet in it.
	Up netip.Prefix `json:"up,omitzero"`
	// Addresses has a cell for each address where Cell is 32, Blocks one for each part elsewhere.
	Addresses []AddressCell `json:"addresses,omitempty"`
	Blocks    []BlockCell   `json:"blocks,omitempty"`
	Counts    CellCounts    `json:"counts"` // of the whole
}

// AddressCell is one address.
type AddressCell struct {
	Address netip.Addr `json:"address"`
	// State is active, expired, released, abandoned, offered, free (used before), unused (never used), reserved (kept for a host
	// who does not have it now), or outside (in no pool, and not reserved).
	State string `json:"state"`
	// Owner may give the address to a new client, or, of one that somebody has, is its home.
	Owner string `json:"owner,omitempty"`
	// Age is how long ago something was last heard of the client, or the state began: 0 within 10 minutes, 1 an hour, 2 a day, 3
	// a week, 4 longer ago; -1: there is nothing to be old.
	Age int `json:"age"`
	// Who has the address, or had it last. What a client calls itself may hold any octets.
	Hardware string  `json:"hardware,omitempty"`
	ClientID string  `json:"client_id,omitempty"`
	Hostname string  `json:"hostname,omitempty"`
	Host     string  `json:"host,omitempty"` // the name of the host that it is kept for
	Expires  Instant `json:"expires,omitzero"`
	Since    Instant `json:"since,omitzero"` // of State
	Stale    bool    `json:"stale,omitempty"`
}

// BlockCell is one part of a prefix.
type BlockCell struct {
	Prefix netip.Prefix `json:"prefix"`
	Subnet string       `json:"subnet,omitempty"` // if it lies in one
	CellCounts
}

// CellCounts is what the addresses of a block are doing, each counted once: all but Size sum up to Size. In the map of a prefix shorter
// than a /16 what is on offer, reserved and without a lease, or the other server's own is counted in Free, if it lies in a pool.
type CellCounts struct {
	Size      uint64 `json:"size"`
	Active    uint64 `json:"active"`
	Grace     uint64 `json:"grace"` // expired or released, and not free yet
	Abandoned uint64 `json:"abandoned"`
	Offered   uint64 `json:"offered"`
	Reserved  uint64 `json:"reserved"`
	Free      uint64 `json:"free"` // in a pool, and this server's own
	// PartnerFree are the other server's own.
	PartnerFree uint64 `json:"partner_free"`
	Outside     uint64 `json:"outside"`
}
