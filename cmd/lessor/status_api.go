package main

import (
	"bufio"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// writeDoor writes where a server is asked over TCP, and by which certificate it is known there: that is compared, so it is written whole.
func writeDoor(c *console, w *bufio.Writer, a *node.APIStatus) {
	if a == nil {
		return
	}
	fmt.Fprintf(w, "  asked at       %s, %s", printable(a.URL), count(a.Connections, "connection"))
	if a.Shed > 0 {
		fmt.Fprintf(w, ", %s", c.paint(yellow, fmt.Sprintf("%d were too many", a.Shed)))
	}
	fmt.Fprintln(w)
	if a.Fingerprint == "" {
		return
	}
	fmt.Fprintf(w, "                 fingerprint %s\n", printable(a.Fingerprint))
	fmt.Fprintf(w, "                 of the certificate, which ends %s\n", absolute(a.Ends))
}
