// Package keys is how the members of a group prove to one another who they are: the group's authority, a certificate
// for each member, the files that both are kept in, and the exchange by which a machine with a one-time token gets a
// certificate of its own (docs/members.md).
//
// A certificate of a member carries the member's name as a DNS name, and the group's and the member's name in the URI
// lessor-group:GROUP/MEMBER. Check demands both, and the group's authority as the issuer; nothing else of a certificate
// tells who somebody is. Private keys and tokens are never part of an error, a log line or a file that others may read.
package keys
