package main

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
)

// maxAncestors is how many processes above this one are asked where their session comes from.
const maxAncestors = 16

// operatorSits returns the addresses from which this process is told what to do, and those of this machine: a change that drops their
// subnet could cut off the one who makes it.
func operatorSits() []netip.Addr {
	var all []netip.Addr
	add := func(a netip.Addr, ok bool) {
		a = a.Unmap().WithZone("")
		if ok && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !slices.Contains(all, a) && len(all) < api.MaxFrom {
			all = append(all, a)
		}
	}
	add(sshClient(os.Getenv("SSH_CONNECTION")))
	if len(all) == 0 {
		add(sshAbove("/proc", os.Getppid()))
	}
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return all // the server looks at its own addresses
	}
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n.String()); err == nil {
			add(p.Addr(), true)
		}
	}
	return all
}

// sshClient returns the address of the client that SSH_CONNECTION names (sshd(8)): "client port server port".
func sshClient(connection string) (netip.Addr, bool) {
	client, _, _ := strings.Cut(connection, " ")
	a, err := netip.ParseAddr(client)
	return a, err == nil
}

// sshAbove looks for SSH_CONNECTION where sudo has taken it out: in the processes above.
func sshAbove(proc string, pid int) (netip.Addr, bool) {
	for range maxAncestors {
		if pid <= 1 {
			break
		}
		dir := proc + "/" + strconv.Itoa(pid)
		env, _ := os.ReadFile(dir + "/environ") // of a process of somebody else it cannot be read
		for v := range bytes.SplitSeq(env, []byte{0}) {
			if connection, ok := strings.CutPrefix(string(v), "SSH_CONNECTION="); ok {
				if a, ok := sshClient(connection); ok {
					return a, true
				}
			}
		}
		pid = parentOf(dir)
	}
	return netip.Addr{}, false
}

// parentOf returns the parent of a process, 0 if it is not known: the second field behind the name in proc_pid_stat(5).
func parentOf(dir string) int {
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(f) < 2 {
		return 0
	}
	pid, _ := strconv.Atoi(f[1])
	return pid
}
