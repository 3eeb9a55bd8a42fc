package main

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/node"
)

func TestWhatTheServiceManagerIsToldOfAServer(t *testing.T) {
	two := []node.PoolStatus{{Network: "floor1"}, {Network: "floor1"}, {Network: "floor2"}}
	for want, st := range map[string]node.Status{
		"not ready":                           {},
		"serving 2 networks":                  {Ready: true, Pools: two},
		"waiting for east; RECOVER with east": {Ready: true, Waiting: "waiting\n for east", Pools: two, Partners: []node.PartnerStatus{{Partner: "east", State: "RECOVER"}}},
		"serving 2 networks; critical: No room (disk-full) and 1 more": {Ready: true, Pools: two, Alarms: []node.Alarm{
			{Code: "drift", Title: "Drift", Severity: node.Warning}, {Code: "disk-full", Title: "No room", Severity: node.Critical}}},
	} {
		if got := stateLine(&st); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if got := stateLine(&node.Status{Ready: true, Partners: []node.PartnerStatus{{Partner: "a\x1b[2J", State: "NORMAL"}}}); strings.ContainsAny(got, "\x1b\n") {
		t.Errorf("%q", got)
	}
}

// The state is told at once, and the end of the server ends the telling.
func TestTheStateIsToldToTheServiceManager(t *testing.T) {
	name := t.TempDir() + "/notify"
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tellState(ctx, func(context.Context) (node.Status, error) { return node.Status{Ready: true}, nil }, slog.New(slog.DiscardHandler))
	}()
	buf := make([]byte, 4096)
	n, err := manager.Read(buf)
	if err != nil || string(buf[:n]) != "STATUS=serving 0 networks" {
		t.Errorf("%q %v", buf[:n], err)
	}
	cancel()
	<-ended
}
