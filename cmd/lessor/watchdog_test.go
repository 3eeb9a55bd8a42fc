package main

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// The watchdog hears of a server that decides, nothing of one that does not, and again of one that does again.
func TestWatchdogHearsOfWhoeverDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		stuck := func() bool { s := time.Since(begun); return s >= 50*time.Second && s < 100*time.Second }
		alive := func(ctx context.Context) error {
			if stuck() {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		var told []time.Duration
		done := make(chan struct{})
		go func() {
			defer close(done)
			tellAlive(ctx, 20*time.Second, alive, func() { told = append(told, time.Since(begun)) }, slog.New(slog.DiscardHandler))
		}()
		time.Sleep(150 * time.Second)
		cancel()
		<-done
		want := []time.Duration{20 * time.Second, 40 * time.Second, 100 * time.Second, 120 * time.Second, 140 * time.Second}
		if len(told) != len(want) {
			t.Fatalf("told after %v, want %v", told, want)
		}
		for i := range want {
			if told[i] != want[i] {
				t.Fatalf("told after %v, want %v", told, want)
			}
		}
	})
}

// A server that ends does not wait for its watchdog's next turn, and is not reported as stuck.
func TestWatchdogEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		time.AfterFunc(25*time.Second, cancel)
		waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		tellAlive(ctx, 20*time.Second, waits, func() { t.Error("told that it lives") }, slog.New(slog.DiscardHandler))
		if took := time.Since(begun); took != 25*time.Second {
			t.Fatalf("ended after %v", took)
		}
	})
}
