// Package failover is one relationship between two servers that share a network's addresses (draft-ietf-dhc-failover-12,
// and where it says more, RFC 8156): the states of the two, what either may promise a client, which of two records of an
// address is right, who owns a free address, and what is to be said to the partner. docs/failover.md tells it to operators.
//
// It knows no octets (peerwire), no connection (peer), no disk (store) and no client's message (responder). It reads no
// clock: every step is given the time, which never goes back. Times that the partner said are taken as our own clock's;
// peerwire converts them.
package failover
