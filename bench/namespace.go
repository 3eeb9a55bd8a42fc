package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// The two ends of the link. The client end is the relay that the load comes from.
const (
	clientAddr = "10.0.0.1"
	serverAddr = "10.0.0.2"
	poolFirst  = "10.16.0.0"
	poolLast   = "10.19.255.255"
	poolSize   = 4 << 16
)

// link is two namespaces joined by a pair of interfaces, each called eth0.
type link struct{ client, server string }

func newLink() (*link, error) {
	id := fmt.Sprintf("lessor-bench-%d-", os.Getpid())
	l := &link{client: id + "c", server: id + "s"}
	for _, c := range [][]string{
		{"netns", "add", l.client},
		{"netns", "add", l.server},
		{"-n", l.client, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", l.server},
		{"-n", l.client, "addr", "add", clientAddr + "/8", "dev", "eth0"},
		{"-n", l.server, "addr", "add", serverAddr + "/8", "broadcast", "+", "dev", "eth0"},
		{"-n", l.client, "link", "set", "lo", "up"},
		{"-n", l.server, "link", "set", "lo", "up"},
		{"-n", l.client, "link", "set", "eth0", "up"},
		{"-n", l.server, "link", "set", "eth0", "up"},
	} {
		if out, err := exec.Command("ip", c...).CombinedOutput(); err != nil {
			l.remove()
			return nil, fmt.Errorf("ip %s: %w: %s", strings.Join(c, " "), err, out)
		}
	}
	return l, nil
}

func (l *link) remove() {
	exec.Command("ip", "netns", "del", l.client).Run()
	exec.Command("ip", "netns", "del", l.server).Run()
}

// enter moves the calling goroutine's thread into the client's namespace, for good: its thread ends with it.
func (l *link) enter() error {
	runtime.LockOSThread()
	f, err := os.Open("/run/netns/" + l.client)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
}
