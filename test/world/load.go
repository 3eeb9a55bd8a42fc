package world

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Perfdhcp is what a run of perfdhcp found.
type Perfdhcp struct {
	// Asked and Answered count the first (DISCOVER, OFFER) and the second (REQUEST, ACK) exchanges.
	Asked, Answered [2]int
	Output          string
}

var perfCount = regexp.MustCompile(`(?m)^(sent|received) packets: (\d+)`)

// Perfdhcp runs perfdhcp on the host as a relay with the address `local`: `clients` new clients at `rate` a second.
func (n *Namespace) Perfdhcp(local, server string, clients, rate int) Perfdhcp {
	n.w.t.Helper()
	period := clients / rate
	// -d: after how many seconds an answer counts as lost; -W: how long answers are waited for after the last question,
	// in µs. perfdhcp exits with 3 where answers are missing, which the caller judges.
	out, err := n.Try("perfdhcp", "-4", "-r", strconv.Itoa(rate), "-R", strconv.Itoa(clients), "-n", strconv.Itoa(clients),
		"-p", strconv.Itoa(period+5), "-d", "10", "-W", "2000000", "-l", local, server)
	found := perfCount.FindAllStringSubmatch(out, -1)
	if len(found) < 4 {
		n.w.t.Fatalf("perfdhcp gave no counts: %v\n%s", err, out)
	}
	r := Perfdhcp{Output: out}
	for i, m := range found[:4] {
		v, _ := strconv.Atoi(m[2])
		if m[1] == "sent" {
			r.Asked[i/2] = v
		} else {
			r.Answered[i/2] = v
		}
	}
	return r
}

// String tells the result in a line.
func (p Perfdhcp) String() string {
	return fmt.Sprintf("%d DISCOVER, %d OFFER, %d REQUEST, %d ACK", p.Asked[0], p.Answered[0], p.Asked[1], p.Answered[1])
}

// Shape of the traffic that one packet filter rule of Filter drops.
const (
	// DropUnicastToServer makes the host deaf to DHCP messages that were sent to it alone, so that a client must rebind.
	DropUnicastToServer = `udp dport 67 ip daddr != 255.255.255.255 drop`
	// DropDHCP makes the host deaf to all DHCP messages. Raw sockets still see them.
	DropDHCP = `udp dport { 67, 68 } drop`
)

// Within reports whether t is no more than d from want.
func Within(t, want time.Time, d time.Duration) bool {
	diff := t.Sub(want)
	return diff <= d && -diff <= d
}

// HasLine reports whether some line of text holds all of the parts.
func HasLine(text string, parts ...string) bool {
next:
	for line := range strings.Lines(text) {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue next
			}
		}
		return true
	}
	return false
}
