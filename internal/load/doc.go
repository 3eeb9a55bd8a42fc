// Package load asks DHCPv4 servers for leases, as many a second as it is told to, and measures how they answer.
//
// It is an open loop: exchanges begin when they are due, whether or not earlier ones have ended, and their time counts
// from when they were due. It poses as a relay agent, so that clients without end fit on one address, and remembers
// what each client was given. It has its own small reading and writing of messages and shares none with the server.
package load
