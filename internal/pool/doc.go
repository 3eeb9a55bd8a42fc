// Package pool knows which addresses of the operator's ranges are free: never used, or free again and for how long,
// and not reserved for a host or on offer to a client. Offers live here and nowhere else: they are never durable.
//
// No cost depends on how many addresses are free or used but by its logarithm, and an address that nobody ever used
// costs nothing, so that a pool may be a /64. Where two servers share the pools, each free address is one's or the
// other's: the owner stands in the binding, or is told as runs for what nobody ever used (Share). It never decides who
// may use which pool (policy), what a binding becomes (responder), or who is to own what (failover); it is told of each
// change of a binding.
package pool
