// Package slab keeps many small things in memory that the garbage collector need not walk: numbered items in chunks
// (Slab), runs of octets in size classes (Octets), an index by hash (Index), an ordered map in pages (Ordered), and
// things in order of a second (Calendar). Whatever refers to an item holds its number, never a pointer; the number 0
// means none.
//
// All of them grow in small steps, so that no single call pays for the size of the whole, and none allocates while
// what is added replaces what was removed. They know nothing of DHCP, and one goroutine owns each of them.
package slab
