// Package socket takes DHCPv4 datagrams in and sends them out, in batches and without allocating.
//
// It knows the machine's interfaces as they come and go (Link, Watch), which of them are served, which address a
// datagram was sent to and where it was heard, and how a reply reaches a client that has no address yet: as a
// link-layer frame of its own making, so that no ARP is needed (RFC 2131 §4.1). It sends conflict probes
// (RFC 2131 §2.2) and gives up the privileges that it does not need.
//
// It never looks inside a DHCP message, and decides neither whether nor what to answer.
package socket
