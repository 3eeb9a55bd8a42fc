// Command bench measures DHCP servers side by side: Lessor, and those of its peers that are installed. It makes two
// namespaces joined by a link, starts one server at a time with an empty store on a real disk, and asks it as an open
// loop (internal/load). The runs of all servers are interleaved, so that what the machine does meanwhile meets all.
//
// It needs root. bench/run builds and runs it; RESULTS.md is what it wrote last.
package main
