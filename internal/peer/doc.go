// Package peer is the connections to the other members: one TCP port on which they are heard, one connection to each of
// them for each protocol that is spoken, TLS 1.3 with both certificates between Lessors, plain TCP to an ISC dhcpd. It
// hands whole messages up and takes whole messages down.
//
// It knows framing, who may connect, whether a connection lives, and what bounds all that. It never knows what a
// message says, when to say something, or which of two connections to a member is to live: whoever reads the events
// decides that (failover, group). What it refuses is counted with a remedy, and changes nothing else.
package peer
