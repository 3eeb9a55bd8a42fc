package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTheHeapMayGrowByAFifth(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 5 << 20: 100, 32 << 20: 100, 64 << 20: 50, 128 << 20: 25, 200 << 20: 20, 2 << 30: 20} {
		if got := slackPercent(live); got != want {
			t.Errorf("%d MiB live: %d %%, and not %d", live>>20, got, want)
		}
	}
}

// A large heap is collected after a fifth more, unless the environment says otherwise.
func TestALargeHeapIsKeptInProportion(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	large := make([]byte, 256<<20)
	runtime.GC()
	trim := func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		trimHeap(ctx)
	}
	trim()
	if got := debug.SetGCPercent(100); got != 20 {
		t.Errorf("it is %d %%", got)
	}
	t.Setenv("GOGC", "70")
	trim()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("though the environment says how: %d %%", got)
	}
	runtime.KeepAlive(large)
}
