package peer

import (
	"context"
	"testing"
	"time"
)

// A member that was reached in one protocol is tried in the other at once: neither a pause nor an attempt of before is waited for.
func TestAMemberThatIsReachedIsTriedAtOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	n := newLine(Member{Name: "east"}, Group)
	tried := make(chan error, 1)
	go n.hurry(ctx, func(ctx context.Context) { <-ctx.Done(); tried <- ctx.Err() })
	notify(n.reached)
	if err := <-tried; err == nil || ctx.Err() != nil {
		t.Fatal("an attempt goes on that has waited since before")
	}
	if !n.pause(ctx, time.Hour) {
		t.Fatal("a pause is waited for")
	}
	cancel()
	if n.pause(ctx, time.Hour) {
		t.Error("there is another attempt after the end")
	}
}
