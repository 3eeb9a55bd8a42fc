package pair

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// Thousands of connections, from a host that is no member and from one that is, cost the server a bounded number of descriptors
// and octets, and its clients and its partner nothing.
func TestThousandsOfConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, c := range []struct {
		name    string
		host    *world.Namespace
		reasons []string
		// most is how many the server may hold beside those that it had.
		most int
	}{
		{"strangers", f.stranger, []string{"stranger"}, 64},
		{"the partner's machine", f.East.Host, []string{"too-many-connections", "too-often", "half-open"}, 64},
	} {
		descriptors, memory := f.West.Descriptors(), f.West.Memory()
		highest, largest := descriptors, memory
		count := func() (n uint64) {
			s := f.West.Standing()
			for _, r := range c.reasons {
				n += s.Count(r)
			}
			return n
		}
		from := count()
		const all = 2000
		var mu sync.Mutex
		var held []net.Conn
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for range all / 8 {
					conn, err := c.host.Visit(f.West.Port())
					if err != nil {
						continue // it was turned away at once
					}
					mu.Lock()
					held = append(held, conn) // and nobody lets go
					mu.Unlock()
				}
			})
		}
		done := make(chan struct{})
		go func() { wait.Wait(); close(done) }()
		for more := true; more; {
			select {
			case <-done:
				more = false
			case <-time.After(10 * time.Millisecond):
			}
			highest, largest = max(highest, f.West.Descriptors()), max(largest, f.West.Memory())
		}
		f.Eventually(20*time.Second, "all of "+c.name+" were counted", func() bool { return count() >= from+all })
		for _, conn := range held {
			conn.Close()
		}
		t.Logf("%s: descriptors %d, at most %d; memory %d, at most %d", c.name, descriptors, highest, memory, largest)
		if highest > descriptors+c.most {
			t.Errorf("%s: %d descriptors were open, %d before", c.name, highest, descriptors)
		}
		if largest > memory+64<<20 {
			t.Errorf("%s: the server had %d octets, %d before", c.name, largest, memory)
		}
		f.Eventually(15*time.Second, "all are let go of", func() bool { return f.West.Descriptors() <= descriptors+4 })
		f.served()
		f.unmoved(c.name)
	}
}

// A member that comes with the right keys and says nothing, or stops in the middle, while the partner is away: it is let go of, and
// the partner is taken up when it is back.
func TestAMemberThatSaysNothingIsLetGoOf(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.East.Kill()
	f.West.Becomes(10*time.Second, "COMMUNICATIONS-INTERRUPTED")
	for _, c := range []struct {
		name, reason string
		says         []byte
	}{
		{"silence", "silent", nil},
		{"half a message", "silent", []byte{0, 60, 5, 12, 0, 0}},
		{"a message of another protocol", "unreadable", append([]byte{0, 60, 200, 12}, make([]byte, 56)...)},
		{"a frame that is none", "bad-frame", make([]byte, 20)},
	} {
		from := f.West.Standing().Count(c.reason)
		conn, err := f.East.Host.Visit(f.West.Port())
		if err != nil {
			t.Fatal(err)
		}
		tls, err := world.Greet(conn, f.East.Papers(), nil, world.SpeaksFailover)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, err := tls.Write(c.says); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := closedWithin(tls, 25*time.Second); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		f.refused(f.West, from, c.reason)
		conn.Close()
		if s := f.West.Standing(); s.State != "COMMUNICATIONS-INTERRUPTED" {
			t.Errorf("%s: west is %s: %s", c.name, s.State, s.Cause)
		}
		f.served()
	}
	f.East.Begin(true)
	f.Normal(20 * time.Second)
}

// What passed over a connection is of no use to who has recorded it.
func TestARecordingIsOfNoUse(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	conn, err := f.East.Host.Visit(f.West.Port())
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Conn: conn}
	tls, err := world.Greet(r, f.East.Papers(), nil, world.SpeaksFailover)
	if err != nil {
		t.Fatal(err)
	}
	tls.Write(message(contact, 1))
	closedWithin(tls, 10*time.Second)
	conn.Close()
	f.unmoved("the recording")
	total := func() (n uint64) {
		for _, r := range f.West.Standing().Refused {
			n += r.Count
		}
		return n
	}
	for range 5 {
		from := total()
		again, err := f.East.Host.Visit(f.West.Port())
		if err != nil {
			t.Fatal(err)
		}
		again.Write(r.said)
		if err := closedWithin(again, 10*time.Second); err != nil {
			t.Error(err)
		}
		again.Close()
		f.Eventually(10*time.Second, "the replay is counted", func() bool { return total() > from })
	}
	for _, x := range f.West.Standing().Refused {
		t.Logf("%s: %d: %s", x.Reason, x.Count, x.Detail)
	}
	f.served()
	f.unmoved("the replays")
}

// recorder remembers what is written to a connection.
type recorder struct {
	net.Conn
	said []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.said = append(r.said, b...)
	return r.Conn.Write(b)
}
