package world

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Row is what `lessor leases --json` says of one binding, as far as the tests look.
type Row struct {
	Address  netip.Addr `json:"address"`
	State    string     `json:"state"`
	Hardware string     `json:"hardware"`
	ClientID string     `json:"client_id"`
	Hostname string     `json:"hostname"`
	Starts   time.Time  `json:"starts"`
	Expires  time.Time  `json:"expires"`
	CLTT     time.Time  `json:"cltt"`
	Network  string     `json:"network"`
	Subnet   string     `json:"subnet"`
	Home     string     `json:"home"`
}

// PoolStatus is what `lessor status --json` says of one pool.
type PoolStatus struct {
	Network   string  `json:"network"`
	Subnet    string  `json:"subnet"`
	Range     string  `json:"range"`
	Size      float64 `json:"size"`
	Active    float64 `json:"active"`
	Offered   float64 `json:"offered"`
	Grace     float64 `json:"grace"`
	Abandoned float64 `json:"abandoned"`
	Reserved  float64 `json:"reserved"`
	Free      float64 `json:"free"`
}

// Alarm is one of what an operator should look at.
type Alarm struct {
	Code, Title, Severity, Text, Remedy string
}

// Status is what `lessor status --json` says, as far as the tests look.
type Status struct {
	Server string       `json:"server"`
	Pools  []PoolStatus `json:"pools"`
	Alarms []Alarm      `json:"alarms"`
	Config struct {
		Head string `json:"head"`
	} `json:"config"`
	// Drops counts the messages that got no answer, by reason.
	Drops map[string]float64 `json:"drops"`
}

// Command runs the command line against this server, and returns what it wrote, outputs joined, and its exit code.
func (l *Lessor) Command(args ...string) (string, int) {
	out, err := exec.Command(Binary, append(args, "--socket", l.Socket())...).CombinedOutput()
	if err == nil {
		return string(out), 0
	}
	if exit, ok := err.(*exec.ExitError); ok {
		return string(out), exit.ExitCode()
	}
	return err.Error(), -1
}

// Leases asks the running server for its bindings.
func (l *Lessor) Leases(filter ...string) []Row {
	l.w.t.Helper()
	rows, err := ListLeases(l.Socket(), filter...)
	if err != nil {
		l.w.t.Fatal(err)
	}
	return rows
}

// ListLeases is Leases by the socket alone.
func ListLeases(socket string, filter ...string) ([]Row, error) {
	cmd := exec.Command(Binary, append([]string{"leases", "--json", "--socket", socket}, filter...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("lessor leases: %w: %s", err, said.String())
	}
	var rows []Row
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r Row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("lessor leases: %w in %q", err, lines.Text())
		}
		rows = append(rows, r)
	}
	return rows, lines.Err()
}

// Lease returns the binding of one address, false if there is none.
func (l *Lessor) Lease(a netip.Addr) (Row, bool) {
	l.w.t.Helper()
	for _, r := range l.Leases() {
		if r.Address == a {
			return r, true
		}
	}
	return Row{}, false
}

// HasActive fails the test unless the server holds the address for that client, with some of its time left.
func (l *Lessor) HasActive(a netip.Addr, mac net.HardwareAddr) Row {
	l.w.t.Helper()
	r, ok := l.Lease(a)
	if !ok {
		l.w.t.Fatalf("the server has no binding of %v, which %v uses; it has %v", a, mac, l.Leases())
	}
	if r.State != "active" || !strings.EqualFold(r.Hardware, mac.String()) {
		l.w.t.Fatalf("the server has %v as %s of %s; %v uses it", a, r.State, r.Hardware, mac)
	}
	if !r.Expires.After(time.Now()) {
		l.w.t.Fatalf("the server has %v as active until %v, which is over", a, r.Expires)
	}
	return r
}

// Status asks the running server how it is.
func (l *Lessor) Status() Status {
	l.w.t.Helper()
	out, code := l.Command("status", "--json")
	var s Status
	if err := json.Unmarshal([]byte(out), &s); code != 0 || err != nil {
		l.w.t.Fatalf("lessor status: exit code %d, %v: %s", code, err, out)
	}
	return s
}

// Reload makes the server read its configuration again.
func (l *Lessor) Reload() { l.Signal(syscall.SIGHUP) }
