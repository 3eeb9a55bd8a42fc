package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The addresses of the link, 10.0.0.0/8. The client's is the relay that the load comes from.
const (
	clientAddr = "10.0.0.1"
	poolFirst  = "10.16.0.0"
	poolLast   = "10.31.255.255"
	poolSize   = 16 << 16
)

// serverAddr is the address of one side: of a server alone, or of the first or second of a pair.
func serverAddr(side int) string { return fmt.Sprintf("10.0.0.%d", 2+side) }

// lab is a namespace for the clients and one for each server, in each an interface called eth0. One server is joined to
// the clients by a pair of interfaces, more by a bridge in a namespace of its own.
type lab struct {
	client, hub string
	servers     []string
}

var labs atomic.Int64

func newLab(sides int) (*lab, error) {
	id := fmt.Sprintf("lessor-bench-%d-%d-", os.Getpid(), labs.Add(1))
	l := &lab{client: id + "c"}
	for i := range sides {
		l.servers = append(l.servers, id+string(rune('a'+i)))
	}
	if sides > 1 {
		l.hub = id + "hub"
	}
	if err := l.build(); err != nil {
		l.remove()
		return nil, err
	}
	return l, nil
}

func (l *lab) build() error {
	var todo [][]string
	add := func(words string) { todo = append(todo, strings.Fields(words)) }
	for _, ns := range l.all() {
		add("netns add " + ns)
		add("-n " + ns + " link set lo up")
	}
	hosts := append([]string{l.client}, l.servers...)
	if l.hub == "" {
		add(fmt.Sprintf("-n %s link add eth0 type veth peer name eth0 netns %s", l.client, l.servers[0]))
	} else {
		add("-n " + l.hub + " link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0")
		add("-n " + l.hub + " link set br0 up")
	}
	for i, host := range hosts {
		if l.hub != "" {
			add(fmt.Sprintf("-n %s link add %s type veth peer name eth0 netns %s", l.hub, port(i-1), host))
			add(fmt.Sprintf("-n %s link set %s master br0", l.hub, port(i-1)))
			add(fmt.Sprintf("-n %s link set %s up", l.hub, port(i-1)))
		}
		add(fmt.Sprintf("-n %s addr add 10.0.0.%d/8 broadcast + dev eth0", host, 1+i))
		add("-n " + host + " link set eth0 up")
	}
	for _, c := range todo {
		if out, err := ip(c...); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(c, " "), err, out)
		}
	}
	return running(hosts)
}

func ip(words ...string) ([]byte, error) { return exec.Command("ip", words...).CombinedOutput() }

// running waits until the interfaces have a carrier, which the kernel notices a moment later: Kea never looks again at one
// that had none.
func running(hosts []string) error {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		up := 0
		for _, host := range hosts {
			if out, _ := exec.Command("ip", "-n", host, "link", "show", "eth0").Output(); strings.Contains(string(out), "LOWER_UP") &&
				strings.Contains(string(out), "state UP") {
				up++
			}
		}
		if up == len(hosts) {
			return nil
		}
	}
	return errors.New("the interfaces do not come up")
}

// port is the port of the bridge that one side is plugged into; that of the clients for -1.
func port(side int) string { return fmt.Sprintf("p%d", side+1) }

func (l *lab) all() []string {
	all := append([]string{l.client}, l.servers...)
	if l.hub != "" {
		all = append(all, l.hub)
	}
	return all
}

// unplug takes one side off the bridge without a word: it sees no carrier lost, and hears nobody. plug puts it back.
func (l *lab) unplug(side int) error {
	return exec.Command("ip", "-n", l.hub, "link", "set", port(side), "nomaster").Run()
}

func (l *lab) plug(side int) error {
	return exec.Command("ip", "-n", l.hub, "link", "set", port(side), "master", "br0").Run()
}

func (l *lab) remove() {
	for _, ns := range l.all() {
		exec.Command("ip", "netns", "del", ns).Run()
	}
}

// inside calls f on a thread in the clients' namespace. Sockets that f opens stay there.
func (l *lab) inside(f func() error) (err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with its goroutine
		ns, e := os.Open("/run/netns/" + l.client)
		if e != nil {
			err = e
			return
		}
		defer ns.Close()
		if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err == nil {
			err = f()
		}
	}()
	<-done
	return err
}
