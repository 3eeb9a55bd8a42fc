package socket

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"golang.org/x/sys/unix"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// open returns sockets on the loopback, and where they are.
func open(t testing.TB, listen ...netip.Addr) (*Sockets, netip.AddrPort) {
	t.Helper()
	for port := uint16(20067); port < 20167; port++ {
		s, err := Open(Config{Interfaces: []string{"lo"}, Listen: listen, Port: port})
		if err == nil {
			t.Cleanup(func() { s.Close() })
			return s, netip.AddrPortFrom(loopback, port)
		}
		if !strings.Contains(err.Error(), "in use") {
			t.Fatal(err)
		}
	}
	t.Fatal("no port is free")
	return nil, netip.AddrPort{}
}

func TestDatagramsArriveWithWhereTheyWereSentTo(t *testing.T) {
	server, at := open(t)
	client, from := open(t)
	out := make([]Outgoing, 300)
	for i := range out {
		out[i] = Outgoing{Bytes: fmt.Appendf(nil, "message %d", i), To: at, From: loopback}
	}
	if sent, failed := client.Send(out); sent != len(out) {
		t.Fatalf("sent %d of %d: %v", sent, len(out), failed)
	}
	b := NewBatch(64)
	for got := 0; got < len(out); {
		n, err := server.Receive(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range b.Datagrams()[:n] {
			if string(d.Bytes) != fmt.Sprintf("message %d", got) || d.From != from || d.To != loopback || !d.Unicast ||
				d.Interface != lo(t, server).Index {
				t.Fatalf("datagram %d: %+v", got, d)
			}
			got++
		}
	}
	if c := server.Counters(); c.Received != 300 || c.Overflow != 0 {
		t.Errorf("counted %+v", c)
	}
}

func lo(t testing.TB, s *Sockets) *Link {
	t.Helper()
	for i := range s.Links() {
		if s.Links()[i].Loopback {
			return &s.Links()[i]
		}
	}
	t.Fatal("no loopback")
	return nil
}

func TestOnlyListenedAddressesAreHeard(t *testing.T) {
	second := netip.MustParseAddr("127.0.0.2")
	server, at := open(t, second)
	client, _ := open(t)
	client.Send([]Outgoing{
		{Bytes: []byte("to another address"), To: at},
		{Bytes: make([]byte, SlotSize+1), To: netip.AddrPortFrom(second, at.Port())},
		{Bytes: make([]byte, SlotSize), To: netip.AddrPortFrom(second, at.Port())},
	})
	b := NewBatch(8)
	if n, err := server.Receive(b); n != 1 || err != nil || len(b.Datagrams()[0].Bytes) != SlotSize {
		t.Fatalf("received %d, %v", n, err)
	}
	c := server.Counters()
	if c.Dropped[OtherAddress] != 1 || c.Dropped[TooLong] != 1 {
		t.Errorf("dropped %v", c.Dropped)
	}
	if err := server.Serve([]string{"lo"}, nil); err != nil {
		t.Fatal(err)
	}
	client.Send([]Outgoing{{Bytes: []byte("x"), To: at}})
	if n, err := server.Receive(b); n != 1 || err != nil {
		t.Errorf("after Serve: received %d, %v", n, err)
	}
}

func TestWhatCannotBeSentIsCounted(t *testing.T) {
	s, at := open(t)
	client := binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 1})
	for name, c := range map[string]struct {
		out  Outgoing
		want Failure
	}{
		"empty":                   {Outgoing{To: at}, BadDestination},
		"no destination":          {Outgoing{Bytes: []byte("x")}, BadDestination},
		"no port":                 {Outgoing{Bytes: []byte("x"), To: netip.AddrPortFrom(loopback, 0)}, BadDestination},
		"IPv6":                    {Outgoing{Bytes: []byte("x"), To: netip.MustParseAddrPort("[::1]:67")}, BadDestination},
		"frame to no interface":   {Outgoing{Bytes: []byte("x"), To: at, Hardware: client, Interface: 1 << 30}, NoInterface},
		"unicast by no interface": {Outgoing{Bytes: []byte("x"), To: at, Interface: 1 << 30}, NoInterface},
		"somebody else's address": {Outgoing{Bytes: []byte("x"), To: at, From: netip.MustParseAddr("192.0.2.1")}, NoRoute},
		"longer than IP allows":   {Outgoing{Bytes: make([]byte, 65600), To: at}, TooBig},
	} {
		before := s.Counters().Failed[c.want]
		good := Outgoing{Bytes: []byte("good"), To: at}
		sent, failed := s.Send([]Outgoing{good, c.out, good})
		if sent != 2 || failed[c.want] != 1 {
			t.Errorf("%s: sent %d, failed %v, want 2 and %v", name, sent, failed, c.want)
		}
		if got := s.Counters().Failed[c.want]; got != before+1 {
			t.Errorf("%s: %v counted %d times", name, c.want, got-before)
		}
	}
}

func TestATakenPortNamesItsHolder(t *testing.T) {
	_, at := open(t)
	_, err := Open(Config{Port: at.Port()})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("port %d is in use by %s", at.Port(), "socket.test (pid ")) {
		t.Errorf("error is %v", err)
	}
	table := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
		"  12: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   100        0 2417 2 0 0\n" +
		"  13: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 2418 2 0 0\n"
	if inode, uid, ok := ownerOf(table, 67); inode != "2418" || uid != "101" || !ok {
		t.Errorf("owner of port 67: %q %q %v", inode, uid, ok)
	}
	for _, table := range []string{"", "\n\n", "13: 00000000:0043", table} {
		if _, _, ok := ownerOf(table, 68); ok {
			t.Errorf("somebody has port 68 in %q", table)
		}
	}
}

func TestCloseEndsReceive(t *testing.T) {
	s, _ := open(t)
	done := make(chan error)
	go func() {
		_, err := s.Receive(NewBatch(1))
		done <- err
	}()
	s.Close()
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Receive returned %v", err)
	}
}

func TestTheKernelsCounterMayWrap(t *testing.T) {
	o := overflow{}
	for _, n := range []uint32{0, 5, 1<<32 - 10, 4} {
		o.add(n)
	}
	if got := o.add(4); got != 1<<32+4 {
		t.Errorf("total %d", got)
	}
}

func TestWhatTheKernelDropsIsCounted(t *testing.T) {
	server, at := open(t)
	server.udp.control(func(fd int) error { grow(fd, unix.SO_RCVBUF, unix.SO_RCVBUF, 4096); return nil })
	client, _ := open(t)
	out := make([]Outgoing, 100)
	for i := range out {
		out[i] = Outgoing{Bytes: make([]byte, 1000), To: at}
	}
	client.Send(out)
	if got := server.Counters().Overflow; got == 0 || got >= 100 {
		t.Errorf("%d of 100 counted as overflow", got)
	}
}

func TestADatagramSaysWhenItCame(t *testing.T) {
	server, at := open(t)
	client, _ := open(t)
	if server.Backlog() != 0 {
		t.Errorf("before anything came the room is %v full", server.Backlog())
	}
	before := time.Now()
	out := make([]Outgoing, 20)
	for i := range out {
		out[i] = Outgoing{Bytes: make([]byte, 300), To: at}
	}
	client.Send(out)
	if full := server.Backlog(); full <= 0 || full > 0.5 {
		t.Errorf("with 20 datagrams the room is %v full", full)
	}
	b := NewBatch(8)
	for got := 0; got < len(out); {
		n, err := server.Receive(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range b.Datagrams() {
			if came := time.Unix(0, d.At); came.Before(before.Add(-time.Millisecond)) || came.After(time.Now()) {
				t.Errorf("it came %v after it was sent", came.Sub(before))
			}
		}
		got += n
	}
	if n, err := server.Take(b); n != 0 || err != nil {
		t.Errorf("when there is nothing: %d, %v", n, err)
	}
}

func TestSendAndReceiveDoNotAllocate(t *testing.T) {
	server, at := open(t)
	client, _ := open(t)
	out := make([]Outgoing, 32)
	for i := range out {
		out[i] = Outgoing{Bytes: make([]byte, 300), To: at, From: loopback}
	}
	b := NewBatch(64)
	got := testing.AllocsPerRun(100, func() {
		client.Send(out)
		for n := 0; n < len(out); {
			m, err := server.Receive(b)
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
	})
	if got != 0 {
		t.Errorf("%v allocations for %d datagrams", got, len(out))
	}
}

func BenchmarkSendAndReceive(b *testing.B) {
	for _, size := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("batch%d", size), func(b *testing.B) {
			server, at := open(b)
			client, _ := open(b)
			out := make([]Outgoing, size)
			for i := range out {
				out[i] = Outgoing{Bytes: make([]byte, 300), To: at, From: loopback}
			}
			batch := NewBatch(64)
			b.ReportAllocs()
			for b.Loop() {
				client.Send(out)
				for n := 0; n < size; {
					m, err := server.Receive(batch)
					if err != nil {
						b.Fatal(err)
					}
					n += m
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/datagram")
		})
	}
}

func TestWhatIsAbsentIsSaid(t *testing.T) {
	var said strings.Builder
	s, _ := open(t)
	s.log = slog.New(slog.NewTextHandler(&said, nil))
	if err := s.Serve([]string{"lo", "eth77"}, []netip.Addr{loopback, netip.MustParseAddr("192.0.2.1")}); err != nil {
		t.Fatal(err)
	}
	if got := said.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "interface=eth77") || !strings.Contains(got, "addr=192.0.2.1") {
		t.Errorf("said\n%s", got)
	}
}

func TestTheScopeFollowsTheOperatorsChoice(t *testing.T) {
	one, two := netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("198.51.100.1/24")
	machine := func() []Link {
		return []Link{
			{Index: 1, Name: "eth0", Addrs: []netip.Prefix{one}}, {Index: 2, Name: "eth1", Addrs: []netip.Prefix{two}}, {Index: 3, Name: "eth2"},
		}
	}
	for name, c := range map[string]struct {
		interfaces []string
		listen     []netip.Addr
		served     []int
		heard      []netip.Addr
	}{
		"nothing chosen":   {nil, nil, []int{1, 2}, []netip.Addr{one.Addr(), two.Addr()}},
		"an interface":     {[]string{"eth1"}, nil, []int{2}, []netip.Addr{two.Addr()}},
		"without address":  {[]string{"eth2", "eth9"}, nil, []int{3}, nil},
		"an address":       {nil, []netip.Addr{one.Addr()}, []int{1, 2}, []netip.Addr{one.Addr()}},
		"both, not joined": {[]string{"eth1"}, []netip.Addr{one.Addr()}, []int{2}, []netip.Addr{one.Addr()}},
	} {
		s := newScope(machine(), c.interfaces, c.listen)
		for i := range 4 {
			if got := s.served(i); got != slices.Contains(c.served, i) {
				t.Errorf("%s: interface %d served: %v", name, i, got)
			}
		}
		for _, a := range []netip.Addr{one.Addr(), two.Addr()} {
			if got := s.unicast[a]; got != slices.Contains(c.heard, a) {
				t.Errorf("%s: %v heard: %v", name, a, got)
			}
		}
	}
}
