package socket

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// holder names the process that has UDP port, as far as this process may know: "dnsmasq (pid 41)".
func holder(port uint16) string {
	table, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		return "another process"
	}
	inode, uid, ok := ownerOf(string(table), port)
	if !ok {
		return "another process"
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, l := range links {
		if to, err := os.Readlink(l); err != nil || to != "socket:["+inode+"]" {
			continue
		}
		pid := strings.Split(l, "/")[2]
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			continue
		}
		return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid)
	}
	return fmt.Sprintf("a process of user %s (`ss -ulpn sport = :%d` as root names it)", uid, port)
}

// ownerOf finds the socket that is bound to port in the text of /proc/net/udp.
func ownerOf(table string, port uint16) (inode, uid string, ok bool) {
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) >= 10 && strings.HasSuffix(f[1], suffix) {
			return f[9], f[7], true
		}
	}
	return "", "", false
}
