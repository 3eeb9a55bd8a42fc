package node

import (
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

var update = flag.Bool("update", false, "write the transcripts' outputs anew")

// epoch is when every transcript begins.
var epoch = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// TestTranscripts plays conversations. A file under testdata holds blocks: a command, on as many lines as it needs, a line
// of four hyphens, what the core did, and an empty line.
func TestTranscripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no transcripts")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playFile(t, file) })
	}
}

func playFile(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{now: epoch}
	var out strings.Builder
	for i, b := range blocks(string(text)) {
		got := s.play(b.command)
		fmt.Fprintf(&out, "%s\n----\n%s\n", b.command, got)
		if got != b.want && !*update {
			t.Errorf("block %d:\n%s\n---- got\n%s---- want\n%s", i+1, b.command, got, b.want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type block struct{ command, want string }

func blocks(text string) (bs []block) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		var b block
		for ; i < len(lines) && lines[i] != "----"; i++ {
			b.command += lines[i] + "\n"
		}
		for i++; i < len(lines) && lines[i] != ""; i++ {
			b.want += lines[i] + "\n"
		}
		i++
		if b.command = strings.Trim(b.command, "\n"); b.command != "" {
			bs = append(bs, b)
		}
	}
	return bs
}

// stage is a core and what has happened to it so far.
type stage struct {
	now   time.Time
	core  *Core
	out   Effects
	names map[string]int
}

// play carries out one command and says what came of it.
func (s *stage) play(command string) string {
	s.out.Reset()
	first, rest, _ := strings.Cut(command, "\n")
	for strings.HasPrefix(first, "#") {
		first, rest, _ = strings.Cut(rest, "\n")
	}
	word, args, _ := strings.Cut(first, " ")
	switch word {
	case "config":
		return s.config(rest)
	case "links":
		return s.links(args)
	case "advance":
		return s.advance(args)
	case "leases":
		return s.leases()
	case "pools":
		return s.poolCounts()
	case "answered":
		s.core.Handle(s.now, &ProbeAnswered{Addr: netip.MustParseAddr(args)}, &s.out)
	case "disk":
		s.core.Handle(s.now, StoreRoom{Full: args == "full"}, &s.out)
	case "commit-fails":
		s.core.Handle(s.now, CommitFailed{}, &s.out)
	default:
		s.packet(word, args)
	}
	return s.told()
}

func (s *stage) config(text string) string {
	doc, problems := config.Parse("test.yaml", []byte("server: {name: west, data: /nowhere}\n"+text))
	if doc == nil {
		return problems.String() + "\n"
	}
	p := policy.Compile(doc)
	if s.core == nil {
		s.core = NewCore("west", p, binding.NewTable(), 0)
		s.core.Observe(ObserveLeases | ObserveTroubles)
	} else {
		s.core.Handle(s.now, Adopt{Policy: p}, &s.out)
	}
	return p.Summary() + "\n"
}

// links takes name=prefix pairs.
func (s *stage) links(args string) string {
	s.names = map[string]int{}
	var ls []Link
	for i, f := range strings.Fields(args) {
		name, prefix, _ := strings.Cut(f, "=")
		s.names[name] = i + 1
		l := Link{Index: i + 1, Name: name, Up: true}
		if prefix != "" {
			l.Addrs = []netip.Prefix{netip.MustParsePrefix(prefix)}
		}
		ls = append(ls, l)
	}
	s.core.Handle(s.now, LinksChanged{Links: ls}, &s.out)
	return s.told()
}

// advance lets time pass, stopping wherever the core wants to be woken.
func (s *stage) advance(args string) string {
	d, err := time.ParseDuration(args)
	if err != nil {
		return err.Error() + "\n"
	}
	end := s.now.Add(d)
	for range 10000 {
		at, ok := s.core.Wake()
		if !ok || at.After(end) {
			break
		}
		if at.After(s.now) {
			s.now = at
		}
		s.core.Handle(s.now, Tick{}, &s.out)
	}
	s.now = end
	s.core.Handle(s.now, Tick{}, &s.out)
	return s.told()
}

var words = map[string]dhcpv4.MessageType{
	"discover": dhcpv4.Discover, "request": dhcpv4.Request, "decline": dhcpv4.Decline, "release": dhcpv4.Release,
	"inform": dhcpv4.Inform, "bootp": 0, "offer": dhcpv4.Offer, "leasequery": dhcpv4.LeaseQuery,
}

// packet sends one: word key=value …; hw, id, ci, gi, req, sid, prl, to, from, if, flags, secs, room, 82, and any other
// option by its number, in hexadecimal.
func (s *stage) packet(word, args string) {
	typ, ok := words[word]
	if !ok {
		panic("unknown command " + word)
	}
	var b dhcpv4.Builder
	p := Packet{From: netip.MustParseAddrPort("0.0.0.0:68"), To: netip.MustParseAddr("255.255.255.255"), Interface: 1}
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: 7}
	var relay []byte
	type add struct {
		code  uint8
		value []byte
	}
	var adds []add
	if typ != 0 {
		adds = append(adds, add{option.CodeMessageType, []byte{byte(typ)}})
	}
	for _, f := range strings.Fields(args) {
		k, v, _ := strings.Cut(f, "=")
		switch k {
		case "hw":
			copy(h.CHAddr[:], octets(v))
		case "id":
			adds = append(adds, add{option.CodeClientID, octets(v)})
		case "ci":
			h.CIAddr = netip.MustParseAddr(v)
		case "gi":
			h.GIAddr = netip.MustParseAddr(v)
			p.From, p.To, p.Unicast = netip.AddrPortFrom(h.GIAddr, 67), netip.MustParseAddr("192.0.2.1"), true
		case "req":
			adds = append(adds, add{option.CodeRequestedAddress, addr4(v)})
		case "sid":
			adds = append(adds, add{option.CodeServerIdentifier, addr4(v)})
		case "prl":
			var list []byte
			for _, n := range strings.Split(v, ",") {
				c, _ := strconv.Atoi(n)
				list = append(list, byte(c))
			}
			adds = append(adds, add{option.CodeParameterRequestList, list})
		case "to":
			p.To, p.Unicast = netip.MustParseAddr(v), true
		case "from":
			p.From = netip.MustParseAddrPort(v)
		case "if":
			p.Interface = s.names[v]
		case "flags":
			n, _ := strconv.ParseUint(v, 0, 16)
			h.Flags = uint16(n)
		case "hops":
			n, _ := strconv.Atoi(v)
			h.Hops = uint8(n)
		case "82":
			relay = octets(v)
		default:
			n, err := strconv.Atoi(k)
			if err != nil {
				panic("unknown key " + k)
			}
			adds = append(adds, add{uint8(n), octets(v)})
		}
	}
	b.Begin(nil, &h, 1400)
	for _, a := range adds {
		b.Add(a.code, a.value)
	}
	packet, _ := b.Finish(relay)
	var m dhcpv4.Message
	if err := m.Parse(packet); err != nil {
		panic(err)
	}
	p.Msg = &m
	drops := append([]uint64(nil), s.core.counts.Drops...)
	s.core.Handle(s.now, &p, &s.out)
	for name, n := range s.core.counts.DropsByName() {
		for i := range drops {
			if reasonName(i) == name && n > drops[i] {
				s.out.Events = append(s.out.Events, Event{Message: "dropped: " + name})
			}
		}
	}
}

func octets(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil {
		return []byte(s)
	}
	return b
}

func addr4(s string) []byte { a := netip.MustParseAddr(s).As4(); return a[:] }

// told says what the core has to be done.
func (s *stage) told() string {
	var b strings.Builder
	for _, c := range s.out.Changes {
		x := &c.Binding
		fmt.Fprintf(&b, "commit %d: %v %v %v until %v: %v\n", c.Commit, x.Addr(), x.State, client(x), when(x.Expires), x.Cause)
	}
	for _, p := range s.out.Probes {
		fmt.Fprintf(&b, "probe %v\n", p.Addr)
	}
	for i := range s.out.Replies {
		b.WriteString(s.reply(&s.out.Replies[i]))
	}
	for _, e := range s.out.Events {
		line := e.Message
		if e.Reason != "" {
			line += ": " + e.Reason
		}
		fmt.Fprintf(&b, "  %s\n", line)
	}
	if s.out.Rebuild {
		b.WriteString("rebuild\n")
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

func when(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case t.Equal(binding.Forever):
		return "forever"
	}
	return "+" + t.Sub(epoch).String()
}

func client(b *binding.Binding) string {
	if n := b.Client.String(); n != "" {
		return n
	}
	return "nobody"
}

func (s *stage) reply(r *Reply) string {
	var b strings.Builder
	var m dhcpv4.Message
	if err := m.Parse(s.out.Octets(r)); err != nil {
		return "unreadable reply: " + err.Error() + "\n"
	}
	to := "to " + r.To.To.String()
	switch {
	case r.To.Broadcast:
		to = "broadcast"
	case !r.To.Hardware.IsZero():
		to = "frame to " + r.To.Hardware.String() + " " + r.To.To.String()
	}
	fmt.Fprintf(&b, "%s after %d, %s from %v", typeName(m.Type(), true), r.After, to, r.To.From)
	if !m.YIAddr.IsUnspecified() {
		fmt.Fprintf(&b, ", yiaddr %v", m.YIAddr)
	}
	if !m.CIAddr.IsUnspecified() {
		fmt.Fprintf(&b, ", ciaddr %v", m.CIAddr)
	}
	if !m.SIAddr.IsUnspecified() {
		fmt.Fprintf(&b, ", siaddr %v", m.SIAddr)
	}
	if m.Flags != 0 {
		fmt.Fprintf(&b, ", flags %#x", m.Flags)
	}
	b.WriteByte('\n')
	for _, c := range m.Codes() {
		if c == option.CodeMessageType {
			continue
		}
		v, _ := m.Option(uint16(c))
		d := s.core.policy.Registry().ByCode(option.DHCPv4, option.Code(c))
		fmt.Fprintf(&b, "  %d %s = %s\n", c, d.Name, d.Text(v))
	}
	return b.String()
}

func (s *stage) leases() string {
	var lines []string
	s.core.table.Scan(0, 1<<20, func(b *binding.Binding) bool {
		lines = append(lines, fmt.Sprintf("%v %v %v until %v home %v\n", b.Addr(), b.State, client(b), when(b.Expires), b.Home))
		return true
	})
	sort.Strings(lines)
	if len(lines) == 0 {
		return "none\n"
	}
	return strings.Join(lines, "")
}

func (s *stage) poolCounts() string {
	var b strings.Builder
	for _, q := range s.core.policy.Pools() {
		k := s.core.pools.Counts(q.ID)
		fmt.Fprintf(&b, "%s: size %d = free %d + offered %d + active %d + grace %d + abandoned %d + reserved %d\n",
			q.Name(), k.Size, k.Free, k.Offered, k.Active, k.Grace, k.Abandoned, k.Reserved)
	}
	return b.String()
}

func reasonName(i int) string { return responder.Reason(i).String() }
