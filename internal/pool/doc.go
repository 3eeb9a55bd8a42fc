// Package pool knows which addresses of the operator's ranges are free: never used, or free again and for how long,
// and not reserved for a host or on offer to a client. Offers live here and nowhere else: they are never durable.
//
// No cost depends on how many addresses are free or used but by its logarithm, and an address that nobody ever used
// costs nothing, so that a pool may be a /64. It never decides who may use which pool (policy), nor what a binding
// becomes (responder); it is told of each change of a binding.
package pool
