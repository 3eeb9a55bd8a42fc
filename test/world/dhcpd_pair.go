package world

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

// DhcpdPeer is how one dhcpd of a failover relationship is set up. Its timers are short, so that a test need not wait.
type DhcpdPeer struct {
	// Primary says which of the two it is. Only a primary has MCLT and Split.
	Primary bool
	// Relationship is the name after `failover peer`.
	Relationship string
	// Address is its own, Partner the other server's.
	Address, Partner netip.AddrPort
	MCLT             time.Duration
	Split            int
	// Receive is max-response-delay: the silence after which the other counts as lost. Whole seconds, at least 3.
	Receive time.Duration
	// Lease is the lifetime of every lease, before the MCLT bounds it.
	Lease time.Duration
	// Link is the subnet of the clients, and Ranges are its pool.
	Link   netip.Prefix
	Ranges []string
	// More stands at the end of the file.
	More string
}

// omapiPort is where omshell finds a dhcpd.
const omapiPort = 7911

// Conf writes the file.
func (p *DhcpdPeer) Conf() string {
	var b strings.Builder
	b.WriteString("authoritative; ddns-update-style none; ping-check off; dhcp-cache-threshold 0; one-lease-per-client off;\n")
	seconds := int(p.Lease / time.Second)
	fmt.Fprintf(&b, "min-lease-time 1; default-lease-time %d; max-lease-time %d; omapi-port %d;\n", seconds, seconds, omapiPort)
	fmt.Fprintf(&b, "failover peer %q {\n", p.Relationship)
	if p.Primary {
		fmt.Fprintf(&b, "  primary; mclt %d; split %d;\n", int(p.MCLT/time.Second), p.Split)
	} else {
		b.WriteString("  secondary;\n")
	}
	fmt.Fprintf(&b, "  address %v; port %d; peer address %v; peer port %d;\n", p.Address.Addr(), p.Address.Port(), p.Partner.Addr(), p.Partner.Port())
	fmt.Fprintf(&b, "  max-response-delay %d; max-unacked-updates 10; load balance max seconds 3;\n", int(p.Receive/time.Second))
	b.WriteString("  min-balance 2; max-balance 5;\n}\n")
	fmt.Fprintf(&b, "subnet %v netmask %v {\n  pool {\n    failover peer %q;\n", p.Link.Masked().Addr(), mask(p.Link), p.Relationship)
	for _, r := range p.Ranges {
		fmt.Fprintf(&b, "    range %s;\n", strings.ReplaceAll(r, "-", " "))
	}
	b.WriteString("  }\n}\n" + p.More)
	return b.String()
}

// mask is a prefix's length as dhcpd wants it.
func mask(p netip.Prefix) netip.Addr {
	bits := ^uint32(0) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)})
}

// Dhcpd is ISC's server with a lease file that outlives its process.
type Dhcpd struct {
	*Process
	host         *Namespace
	dev          string
	conf, leases string
	logs         []*Process // of earlier lives
}

// Peer runs dhcpd as one of two servers, with an empty lease file, on the interface dev.
func (n *Namespace) Peer(dev string, p *DhcpdPeer) *Dhcpd {
	n.w.t.Helper()
	n.w.needs("dhcpd")
	at := n.Role + ".dhcpd/"
	d := &Dhcpd{host: n, dev: dev, conf: n.w.Write(at+"dhcpd.conf", p.Conf()), leases: n.w.Write(at+"leases", "")}
	d.Begin()
	return d
}

// Begin starts the process, also after it was killed, with the lease file that there is.
func (d *Dhcpd) Begin() {
	d.host.w.t.Helper()
	if d.Process != nil {
		d.logs = append(d.logs, d.Process)
	}
	d.Process = d.host.Start("dhcpd", "dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", d.conf, "-lf", d.leases, d.dev)
	d.Says(ready, `Server starting service`)
}

// Configure writes another configuration, which holds from the next Begin on.
func (d *Dhcpd) Configure(p *DhcpdPeer) {
	d.host.w.t.Helper()
	if err := os.WriteFile(d.conf, []byte(p.Conf()), 0o644); err != nil {
		d.host.w.t.Fatal(err)
	}
}

// Wipe empties the lease file. The process must have ended.
func (d *Dhcpd) Wipe() {
	d.host.w.t.Helper()
	if !d.Ended() {
		d.host.w.t.Fatal("the lease file of a dhcpd that runs cannot be wiped")
	}
	if err := os.WriteFile(d.leases, nil, 0o644); err != nil {
		d.host.w.t.Fatal(err)
	}
	os.Remove(d.leases + "~")
}

// Logs returns what it said in all its lives.
func (d *Dhcpd) Logs() string {
	var b strings.Builder
	for _, p := range d.logs {
		b.WriteString(p.Log())
	}
	return b.String() + d.Log()
}

// DhcpdLease is an entry of dhcpd's lease file.
type DhcpdLease struct {
	Address netip.Addr
	// State is `binding state`.
	State    string
	Hardware string
	UID      string
	// Zero times are those that are not there, or `never`.
	Starts, Ends, CLTT time.Time
	// TSTP is what the partner was told or is to be told, TSFP what both are known to know, ATSFP what was acknowledged.
	TSTP, TSFP, ATSFP time.Time
}

// DhcpdState is what dhcpd has on disk of its relationship.
type DhcpdState struct {
	Mine, Partner           string
	MineSince, PartnerSince time.Time
	MCLT                    string
}

// Database reads the lease file: of each address the entry that was written last, and the same of the relationship.
func (d *Dhcpd) Database() (map[netip.Addr]DhcpdLease, DhcpdState) {
	d.host.w.t.Helper()
	text, err := os.ReadFile(d.leases)
	if os.IsNotExist(err) { // it is just being renewed
		time.Sleep(10 * time.Millisecond)
		text, err = os.ReadFile(d.leases)
	}
	if err != nil {
		d.host.w.t.Fatal(err)
	}
	return parseDhcpdLeases(string(text))
}

// parseDhcpdLeases reads what dhcpd writes: blocks in braces with a statement a line. A block that has no end yet, since
// it is being written, does not count.
func parseDhcpdLeases(text string) (map[netip.Addr]DhcpdLease, DhcpdState) {
	leases, state := map[netip.Addr]DhcpdLease{}, DhcpdState{}
	var lines []string
	var head string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasSuffix(line, "{"):
			head, lines = line, nil
		case line == "}" && head != "":
			if rest, ok := strings.CutPrefix(head, "lease "); ok {
				if a, err := netip.ParseAddr(strings.TrimSuffix(rest, " {")); err == nil {
					leases[a] = parseDhcpdLease(a, lines)
				}
			} else if strings.HasPrefix(head, "failover peer ") {
				state = parseDhcpdState(lines)
			}
			head = ""
		default:
			lines = append(lines, strings.TrimSuffix(line, ";"))
		}
	}
	return leases, state
}

func parseDhcpdLease(a netip.Addr, lines []string) DhcpdLease {
	l := DhcpdLease{Address: a}
	times := map[string]*time.Time{"starts": &l.Starts, "ends": &l.Ends, "cltt": &l.CLTT, "tstp": &l.TSTP, "tsfp": &l.TSFP, "atsfp": &l.ATSFP}
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case times[word] != nil:
			*times[word] = dhcpdTime(rest)
		case word == "binding":
			l.State = strings.TrimPrefix(rest, "state ")
		case word == "hardware":
			l.Hardware = strings.TrimPrefix(rest, "ethernet ")
		case word == "uid":
			l.UID = rest
		}
	}
	return l
}

func parseDhcpdState(lines []string) (s DhcpdState) {
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, "my state "); ok {
			word, at, _ := strings.Cut(rest, " at ")
			s.Mine, s.MineSince = word, dhcpdTime(at)
		}
		if rest, ok := strings.CutPrefix(line, "partner state "); ok {
			word, at, _ := strings.Cut(rest, " at ")
			s.Partner, s.PartnerSince = word, dhcpdTime(at)
		}
		if rest, ok := strings.CutPrefix(line, "mclt "); ok {
			s.MCLT = rest
		}
	}
	return s
}

// dhcpdTime reads `WEEKDAY YEAR/MONTH/DAY HOUR:MINUTE:SECOND`, in UTC; anything else is the zero time.
func dhcpdTime(s string) time.Time {
	_, s, _ = strings.Cut(s, " ")
	t, err := time.ParseInLocation("2006/01/02 15:04:05", s, time.UTC)
	if err != nil {
		return time.Time{}
	}
	return t
}
