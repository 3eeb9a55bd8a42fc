// Package dhcpv4 reads and writes DHCPv4 and BOOTP messages (RFC 2131, RFC 951, RFC 1542): the header, the options
// wherever they stand, options longer than 255 octets (RFC 3396), and the parts that are nested in options. Parsing
// refers to the octets that arrived, building appends to a buffer, and neither allocates.
//
// It never decides what to answer (responder), never looks into Ethernet, IP or UDP (socket), and does not know what
// an option means (option).
package dhcpv4
