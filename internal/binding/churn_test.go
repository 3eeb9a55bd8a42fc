package binding

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// churn is a table in which nothing is ever what it was before: each client that comes, and each that renews, says and is told what
// nobody ever did.
type churn struct {
	*Table
	r   *rand.Rand
	n   int
	own []byte
}

const churnAddrs = 1 << 12

func (c *churn) step() {
	c.n++
	at := c.r.IntN(churnAddrs)
	p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(at >> 8), byte(at)}), 32)
	b, ok := c.Get(p)
	switch {
	case ok && c.r.IntN(4) == 0:
		c.Delete(p)
		return
	case !ok || c.r.IntN(2) == 0: // a new client in place of what there was
		b = Binding{Prefix: p, State: Active, Client: Client{ID: fmt.Appendf(nil, "%d of %d", c.n, c.r.IntN(1<<c.r.IntN(40)))}}
		b.Client.Hardware = HardwareOf(1, []byte{2, 0, byte(c.n >> 24), byte(c.n >> 16), byte(c.n >> 8), byte(c.n)})
	}
	b.CLTT = epoch.Add(time.Duration(c.n) * time.Second)
	b.Home, b.Version = Member(fmt.Sprint("west", c.n)), Digest{byte(c.n), byte(c.n >> 8), byte(c.n >> 16)}
	b.Facts = StoredFacts{Shared: c.Intern(fmt.Appendf(c.own[:0], "a kind of client %d", c.n)), Own: c.own[:c.r.IntN(MaxFacts)]}
	b.Result = c.Intern(fmt.Appendf(c.own[:0], "told %d", c.n))
	b.Reasons = c.Intern(fmt.Appendf(c.own[:0], "because of %d", c.n))
	c.Put(b, b.CLTT.Add(time.Duration(c.r.IntN(1000))*time.Second))
}

// held is what the table has taken for its slabs.
type held struct {
	records, blobs, origins int // numbers that were handed out at some time
	memory                  int64
}

func (c *churn) held() held {
	return held{int(c.records.Limit()), int(c.blobs.slots.Limit()), len(c.origins.slots), c.Memory()}
}

// After a million changes a table has taken no more than a new one that knows the same would, and what lets go of everything has given it all back.
func TestAMillionChangesLeaveNoMoreThanWhatLives(t *testing.T) {
	c := &churn{Table: NewTable(), r: newRandom(t), own: make([]byte, MaxFacts)}
	for range 1000000 {
		c.step()
	}
	anew := &churn{Table: NewTable()}
	c.Scan(0, int(c.records.Limit()), func(b *Binding) bool { anew.Put(*b, b.CLTT); return true })
	got, lives := c.held(), anew.held()
	if got.records > churnAddrs+1 || got.blobs > 3*churnAddrs+MaxIdleBlobs+4 || got.origins > churnAddrs+2 || got.memory > 2*lives.memory {
		t.Errorf("%+v, and what lives is %+v", got, lives)
	}
	c.Scan(0, int(c.records.Limit()), func(b *Binding) bool { c.Delete(b.Prefix); return true })
	c.Sweep(MaxIdleBlobs)
	if known, _ := c.Blobs(); known != 0 || c.blobs.bytes != 0 || len(c.origins.known) != 0 || c.clients.Len()+c.byAddr.Len()+c.due.Len()+c.strangers.Len() != 0 {
		t.Errorf("of nothing there are %d blobs of %d octets, %d origins, %d clients", known, c.blobs.bytes, len(c.origins.known), c.clients.Len())
	}
	if got := c.octets.Memory(); got > 5<<19 {
		t.Errorf("of nothing there are %d octets", got)
	}
}
