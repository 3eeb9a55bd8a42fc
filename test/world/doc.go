// Package world makes small networks out of network namespaces and runs real DHCP clients, relays and servers in them.
//
// A World belongs to one test: what it made is gone when the test ends, and what an earlier run left behind after a
// crash is swept when the next one begins. Nothing outside the namespaces is touched: clients run with scripts of our
// own, and with private mounts over the directories in which they keep their state. Everything here needs root.
package world
