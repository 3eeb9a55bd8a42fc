package world

import (
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Trunk joins two segments by a cable that can be cut. It loses nothing.
type Trunk struct {
	w   *World
	end string
}

// Trunk joins two segments.
func (w *World) Trunk(a, b *Segment) *Trunk {
	w.t.Helper()
	w.ports++
	t := &Trunk{w: w, end: fmt.Sprintf("t%da", w.ports)}
	far := fmt.Sprintf("t%db", w.ports)
	w.wire().IP("link", "add", t.end, "type", "veth", "peer", "name", far)
	w.wire().IP("link", "set", t.end, "master", a.bridge, "up")
	w.wire().IP("link", "set", far, "master", b.bridge, "up")
	return t
}

// Cut parts the segments. Nobody on them loses the carrier.
func (t *Trunk) Cut() { t.w.t.Helper(); t.w.wire().IP("link", "set", t.end, "down") }

// Heal joins them again.
func (t *Trunk) Heal() { t.w.t.Helper(); t.w.wire().IP("link", "set", t.end, "up") }

// Faults is what a wire does to the frames that it carries, in both directions alike. The zero value does nothing.
type Faults struct {
	// Delay is what every frame waits. Jitter is the mean of what it waits besides, which is exponential and each frame's
	// own: where it is longer than the time between two frames, they overtake one another.
	Delay, Jitter time.Duration
	// Loss, Duplicate and Corrupt are the shares of frames that are lost, carried twice, and changed in one bit.
	Loss, Duplicate, Corrupt float64
}

// WireTally counts what a wire did.
type WireTally struct {
	Frames, Lost, Duplicated, Corrupted, Overtaken, Overflown int
}

// String tells the rates.
func (t WireTally) String() string {
	share := func(n int) float64 { return 100 * float64(n) / float64(max(1, t.Frames)) }
	return fmt.Sprintf("%d frames, %.1f %% lost, %.1f %% twice, %.1f %% corrupted, %.1f %% overtaken, %d too many",
		t.Frames, share(t.Lost), share(t.Duplicated), share(t.Corrupted), share(t.Overtaken), t.Overflown)
}

// Wire joins two segments by a cable of our own, which is slow, loses, changes, repeats and reorders what it carries. What
// it does follows from the seed and from the order in which frames come.
type Wire struct {
	ends [2]*end
	done chan struct{}
	wake chan struct{}
	work sync.WaitGroup

	mu     sync.Mutex
	faults Faults
	cut    bool
	dice   *rand.Rand
	queue  flights
	serial int
	latest [2]int // the highest serial that left, by direction
	tally  WireTally
}

// end is a socket at one end of the wire.
type end struct {
	fd, index int
}

// flight is a frame on its way.
type flight struct {
	due    time.Time
	serial int
	to     int // the end that it leaves at
	frame  []byte
}

type flights []flight

func (f flights) Len() int           { return len(f) }
func (f flights) Less(i, j int) bool { return f[i].due.Before(f[j].due) }
func (f flights) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)        { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	old := *f
	last := old[len(old)-1]
	old[len(old)-1] = flight{}
	*f = old[:len(old)-1]
	return last
}

// mostInFlight bounds the frames that are on one wire.
const mostInFlight = 20000

// Wire joins two segments. Hosts whose kernels send through it must be Plain, else what arrives has no checksum.
func (w *World) Wire(a, b *Segment, seed uint64, f Faults) *Wire {
	w.t.Helper()
	x := &Wire{done: make(chan struct{}), wake: make(chan struct{}, 1), faults: f, dice: rand.New(rand.NewPCG(seed, 7))}
	for i, s := range []*Segment{a, b} {
		w.ports++
		in, out := fmt.Sprintf("w%da", w.ports), fmt.Sprintf("w%db", w.ports)
		w.wire().IP("link", "add", in, "type", "veth", "peer", "name", out)
		w.wire().IP("link", "set", in, "master", s.bridge, "up")
		w.wire().IP("link", "set", out, "up")
		var err error
		if failed := w.wire().Do(func() error { x.ends[i], err = openEnd(out); return err }); failed != nil {
			w.t.Fatalf("wire: %v", failed)
		}
	}
	x.work.Add(3)
	go x.carry()
	for i := range x.ends {
		go x.read(i)
	}
	w.t.Cleanup(x.close)
	return x
}

func openEnd(dev string) (*end, error) {
	i, err := net.InterfaceByName(dev)
	if err != nil {
		return nil, err
	}
	proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto))
	if err != nil {
		return nil, err
	}
	// What the wire itself puts on the device is not for it.
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC}),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: i.Index}))
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &end{fd: fd, index: i.Index}, nil
}

// Set changes what the wire does from now on. What is on its way is not affected.
func (x *Wire) Set(f Faults) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.faults = f
}

// Cut makes the wire lose everything, also what is on its way.
func (x *Wire) Cut() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut, x.queue = true, nil
}

// Heal makes it carry again.
func (x *Wire) Heal() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut = false
}

// Tally returns what was done so far.
func (x *Wire) Tally() WireTally {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tally
}

func (x *Wire) close() {
	close(x.done)
	x.work.Wait()
	for _, e := range x.ends {
		unix.Close(e.fd)
	}
}

// read takes what comes in at one end, until the wire is closed.
func (x *Wire) read(i int) {
	defer x.work.Done()
	buf := make([]byte, 65536)
	for {
		select {
		case <-x.done:
			return
		default:
		}
		n, _, err := unix.Recvfrom(x.ends[i].fd, buf, 0)
		if err == nil {
			x.take(1-i, buf[:n])
		}
	}
}

// take decides what becomes of a frame.
func (x *Wire) take(to int, frame []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cut {
		return
	}
	x.tally.Frames++
	if x.dice.Float64() < x.faults.Loss {
		x.tally.Lost++
		return
	}
	copies := 1
	if x.dice.Float64() < x.faults.Duplicate {
		x.tally.Duplicated++
		copies = 2
	}
	for range copies {
		if len(x.queue) >= mostInFlight {
			x.tally.Overflown++
			return
		}
		own := append([]byte(nil), frame...)
		if x.dice.Float64() < x.faults.Corrupt {
			x.tally.Corrupted++
			own[x.dice.IntN(len(own))] ^= 1 << x.dice.IntN(8)
		}
		wait := x.faults.Delay + time.Duration(x.dice.ExpFloat64()*float64(x.faults.Jitter))
		x.serial++
		heap.Push(&x.queue, flight{due: time.Now().Add(wait), serial: x.serial, to: to, frame: own})
	}
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// carry lets frames out when they are due.
func (x *Wire) carry() {
	defer x.work.Done()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		alarm.Reset(x.deliver(time.Now()))
		select {
		case <-x.done:
			return
		case <-x.wake:
		case <-alarm.C:
		}
	}
}

// deliver lets out what is due, and returns how long until more is.
func (x *Wire) deliver(now time.Time) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.queue) > 0 && !x.queue[0].due.After(now) {
		f := heap.Pop(&x.queue).(flight)
		if f.serial < x.latest[f.to] {
			x.tally.Overtaken++
		}
		x.latest[f.to] = max(x.latest[f.to], f.serial)
		// A device that is down or full loses the frame, as any cable may.
		unix.Sendto(x.ends[f.to].fd, f.frame, 0, &unix.SockaddrLinklayer{Ifindex: x.ends[f.to].index})
	}
	if len(x.queue) == 0 {
		return time.Hour
	}
	return x.queue[0].due.Sub(now)
}
