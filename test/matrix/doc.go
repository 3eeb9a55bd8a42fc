// Package matrix asks whether the profiles `isc` and `kea` of Lessor's precedence mean what ISC dhcpd and Kea mean.
//
// One plan of who says what is written in three languages: Lessor's document, dhcpd.conf, and Kea's JSON. The real
// servers run side by side, each hears the same clients, and what they put on the wire is compared field by field. The
// plans are generated: every pair of layers that both can express, for options and for parameters, and subsets at random.
//
// Where a peer differs from the profile the peer is right. The differences that remain are named here, and in
// docs/layers.md, and are tested to be there.
package matrix
