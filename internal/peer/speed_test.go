package peer

import (
	"testing"
	"time"
)

// A binding update of the usual size, from one Lessor's Send to the other's Message, over TLS and loopback.
func BenchmarkMessages(b *testing.B) {
	b.ReportAllocs()
	bench := newBench(b, "west", "east")
	west, east := bench.run(bench.config("west", "east")), bench.run(silent(bench.config("east", "west")))
	defer west.stop()
	defer east.stop()
	l := west.upOf(Failover4, false)
	west.drain()
	got := make(chan struct{})
	want := b.N
	go func() {
		for n := 0; n < want; {
			if _, ok := (<-east.events).(Message); ok {
				n++
			}
		}
		close(got)
	}()
	b.SetBytes(200)
	b.ResetTimer()
	for range b.N {
		for !l.Send(message(200, 1)) {
			time.Sleep(50 * time.Microsecond)
		}
	}
	<-got
}
