// Package load holds the load generator behind `lessor bench` to what others say of the same server: perfdhcp, the server's own
// counters, and the bindings that it has in the end.
package load
