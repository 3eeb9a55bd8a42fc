// Package isc runs Lessor as one of two servers whose other is a real ISC dhcpd, in network namespaces, and watches three
// things that neither of the two can embellish: the octets between them, what clients were told, and dhcpd's own files.
package isc
