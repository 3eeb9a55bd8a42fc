// Command bench measures DHCP servers side by side: Lessor, those of its peers that are installed, and a responder without
// leases, which is the limit. It makes namespaces, starts one server or pair at a time with an empty store on a real disk, and
// asks it as an open loop (internal/load). All take turns, so that what the machine does meanwhile meets all.
//
// It also shows what clients go through when one of a pair is lost, how the costs of a Lessor grow (--scale), and whether a
// pair stays as it is in a long run in which much happens (--soak).
//
// It needs root. bench/run builds and runs it; RESULTS.md has what it measured last.
package main
