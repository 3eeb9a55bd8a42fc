package peer

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// Status is a snapshot of everything that an operator may want to know.
type Status struct {
	Listen   netip.AddrPort
	Lines    []LineStatus // in the order of Config.Members, a protocol each
	Unknown  int          // connections that have not said who they are
	Refused  []Refused    // what was refused at all, in the order of Reasons
	HasKeys  bool
	Keys     keys.Report // if HasKeys
	Trouble  string      // why no connection can be accepted now; empty: they are
	Accepted uint64      // connections, those of strangers included
}

// LineStatus is the connections to one member in one protocol.
type LineStatus struct {
	Member      binding.Member
	Protocol    Protocol
	Peer        netip.AddrPort
	Links       []LinkStatus // the oldest first
	Attempts    uint64       // to connect to it
	LastAttempt time.Time    // zero: there was none
	Trouble     string       // why the last attempt failed, and what to do; empty: it did not
}

// LinkStatus is one connection.
type LinkStatus struct {
	Inbound bool
	Remote  netip.AddrPort
	Since   time.Time
	Heard   bool // a whole message came
}
