package main

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// onePoolServer answers DISCOVER and REQUEST on the loopback, and gives every client the address that give says.
func onePoolServer(t *testing.T, give func(mac []byte) uint32) string {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-ended })
	go func() {
		defer close(ended)
		b := make([]byte, 2048)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			a := append([]byte(nil), b[:min(n, 243)]...)
			a[0], a[242] = 2, map[byte]byte{1: 2, 3: 5}[b[242]]
			binary.BigEndian.PutUint32(a[16:], give(b[28:34]))
			c.WriteToUDPAddrPort(append(a, 54, 4, 127, 0, 0, 1, 51, 4, 0, 0, 14, 16, 255), from)
		}
	}()
	return c.LocalAddr().String()
}

func TestBenchMeasuresAServer(t *testing.T) {
	server := onePoolServer(t, func(mac []byte) uint32 { return binary.BigEndian.Uint32(mac[2:]) + 1 })
	args := []string{"bench", "--server", server, "--source-port", "20671", "--rate", "500", "--duration", "100ms"}
	r := lessor(t, append(args, "--json")...)
	var got struct {
		Done    int            `json:"done"`
		P50     int            `json:"p50_ns"`
		Servers map[string]int `json:"servers"`
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != exitDone || got.Done != 50 || got.P50 <= 0 || got.Servers["127.0.0.1"] != 50 {
		t.Errorf("exit code %d, %v\n%s%s", r.code, err, r.out, r.err)
	}
	if r := lessor(t, args...); r.code != exitDone || !strings.Contains(r.out, "begun 50, done 50") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

func TestBenchSaysNoWhenTwoClientsGetOneAddress(t *testing.T) {
	server := onePoolServer(t, func([]byte) uint32 { return 0x0a000001 })
	r := lessor(t, "bench", "--server", server, "--source-port", "20672", "--rate", "500", "--duration", "20ms")
	if r.code != exitNo || !strings.Contains(r.out, "9 addresses given to a client while another client had them") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

func TestBenchIsToldWhomToAsk(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"nobody":            {nil, "--server"},
		"both ways":         {[]string{"--server", "127.0.0.1", "--direct", "lo"}, "neither servers nor relays"},
		"a relay there":     {[]string{"--local", "127.0.0.1", "--direct", "lo"}, "neither servers nor relays"},
		"too slow":          {[]string{"--server", "127.0.0.1", "--resend", "2h"}, "at most an hour"},
		"a name":            {[]string{"--server", "dhcp.example"}, "--server \"dhcp.example\": want an IPv4 address"},
		"IPv6":              {[]string{"--server", "::1", "--local", "127.0.0.1"}, "want an IPv4 address"},
		"IPv6 and port":     {[]string{"--server", "[::1]:67"}, "want an IPv4 address"},
		"everybody":         {[]string{"--server", "255.255.255.255"}, "want an IPv4 address"},
		"no time to answer": {[]string{"--server", "127.0.0.1", "--resend", "1ns"}, "at least 1ms"},
		"a mode":            {[]string{"--server", "127.0.0.1", "--mode", "all"}, "mode"},
		"too fast":          {[]string{"--server", "127.0.0.1", "--rate", "2e6"}, "a rate must be"},
		"no rate":           {[]string{"--server", "127.0.0.1", "--rate", "0"}, "--rate must be above 0"},
		"no time":           {[]string{"--server", "127.0.0.1", "--duration", "0s"}, "--duration must be above 0"},
		"no clients":        {[]string{"--server", "127.0.0.1", "--clients", "0"}, "--clients must be above 0"},
		"no patience":       {[]string{"--server", "127.0.0.1", "--resend", "0s"}, "--resend must be above 0"},
		"no port":           {[]string{"--server", "127.0.0.1", "--source-port", "0"}, "--source-port must be above 0"},
		"circuits":          {[]string{"--server", "127.0.0.1", "--circuits=-1"}, "circuits"},
		"no such local":     {[]string{"--server", "127.0.0.1", "--local", "::1"}, "relay address"},
	} {
		r := lessor(t, append([]string{"bench"}, c.args...)...)
		if r.code != exitUsage || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: exit code %d: %s", name, r.code, r.err)
		}
	}
}

func TestBenchSaysThatNobodyAnswered(t *testing.T) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server := c.LocalAddr().String()
	r := lessor(t, "bench", "--server", server, "--source-port", "20673", "--rate", "100", "--duration", "20ms", "--wait", "0s", "--json")
	var got struct {
		Waiting int `json:"waiting"`
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.Waiting != 2 || !strings.Contains(r.out, `"histogram":[]`) || r.code != exitNo || !strings.Contains(r.err, "nothing was answered: does a server listen at "+server) {
		t.Errorf("exit code %d, %v\n%s%s", r.code, err, r.out, r.err)
	}
}

func TestTheLineOfBenchFitsATerminal(t *testing.T) {
	p := load.Progress{Phase: "measuring", At: time.Hour, Begun: 1e8, Done: 1e8, Open: 1e6, Rate: 123456, P50: 123456 * time.Microsecond, P99: 10 * time.Second}
	if line := cut(benchLine(p), 79); len([]rune(line)) != 79 || !strings.HasPrefix(line, "measuring 1h0m0s: 123456/s, p50 123.46ms, p99 10s; begun 100000000") {
		t.Errorf("%q", line)
	}
}
