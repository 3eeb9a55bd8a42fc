package socket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Link is an interface of this machine, as it was when it was looked at. It is immutable.
type Link struct {
	Index    int
	Name     string
	Hardware net.HardwareAddr // empty on a link without addresses of its own
	Addrs    []netip.Prefix   // IPv4, the primary one first
	MTU      int
	Up       bool

	Loopback     bool
	PointToPoint bool
	// Ethernet says that clients without an address can be reached by a frame.
	Ethernet bool
	// Served says that clients are heard directly here.
	Served bool
}

func (l *Link) equal(o *Link) bool {
	return l.Index == o.Index && l.Name == o.Name && slices.Equal(l.Hardware, o.Hardware) &&
		slices.Equal(l.Addrs, o.Addrs) && l.MTU == o.MTU && l.Up == o.Up && l.Loopback == o.Loopback &&
		l.PointToPoint == o.PointToPoint && l.Ethernet == o.Ethernet && l.Served == o.Served
}

// readLinks asks the kernel for all interfaces and their IPv4 addresses, in order of their index.
func readLinks() ([]Link, error) {
	found, err := steady(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("listing the interfaces: %w", err)
	}
	addrs, err := steady(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("listing the addresses of the interfaces: %w", err)
	}
	links := make([]Link, 0, len(found))
	for _, f := range found {
		a := f.Attrs()
		links = append(links, Link{
			Index: a.Index, Name: a.Name, Hardware: a.HardwareAddr, MTU: a.MTU,
			Up:       a.RawFlags&unix.IFF_UP != 0,
			Loopback: a.RawFlags&unix.IFF_LOOPBACK != 0, PointToPoint: a.RawFlags&unix.IFF_POINTOPOINT != 0,
			Ethernet: a.EncapType == "ether" && a.RawFlags&unix.IFF_NOARP == 0,
			Addrs:    addrsOf(a.Index, addrs),
		})
	}
	slices.SortFunc(links, func(a, b Link) int { return cmp.Compare(a.Index, b.Index) })
	return links, nil
}

// steady calls list again where something changed while the kernel was answering. After some tries what it got is good
// enough, since a message about the change is on its way.
func steady[T any](list func() ([]T, error)) (l []T, err error) {
	for range 5 {
		if l, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return l, err
		}
	}
	return l, nil
}

func addrsOf(index int, all []netlink.Addr) (of []netip.Prefix) {
	for _, secondary := range []bool{false, true} {
		for _, a := range all {
			if a.LinkIndex != index || a.IPNet == nil || a.Flags&unix.IFA_F_SECONDARY != 0 != secondary {
				continue
			}
			ip, ok := netip.AddrFromSlice(a.IP)
			ones, _ := a.Mask.Size()
			if ok {
				of = append(of, netip.PrefixFrom(ip.Unmap(), ones))
			}
		}
	}
	return of
}

// scope is what is served: which interfaces are heard, and which addresses. It is immutable.
type scope struct {
	links   []Link
	byIndex map[int]*Link
	unicast map[netip.Addr]bool // the addresses that may be spoken to
}

// newScope applies the operator's choice to what the machine has. No interface named means every one that has an
// address; no address named means those of the interfaces that are served.
func newScope(links []Link, interfaces []string, listen []netip.Addr) *scope {
	s := &scope{links: links, byIndex: make(map[int]*Link, len(links)), unicast: make(map[netip.Addr]bool)}
	for i := range links {
		l := &links[i]
		l.Served = slices.Contains(interfaces, l.Name) || len(interfaces) == 0 && len(l.Addrs) > 0
		s.byIndex[l.Index] = l
		if len(listen) == 0 && l.Served {
			for _, p := range l.Addrs {
				s.unicast[p.Addr()] = true
			}
		}
	}
	for _, a := range listen {
		s.unicast[a] = true
	}
	return s
}

func (s *scope) served(index int) bool {
	l := s.byIndex[index]
	return l != nil && l.Served
}

// Links returns the interfaces as they are now known, in order of their index. The result must not be changed.
func (s *Sockets) Links() []Link { return s.scope.Load().links }

// Serve changes which interfaces and addresses are served, from the next batch on. Watch does not tell of it; the
// links as they are then known are in Links.
func (s *Sockets) Serve(interfaces []string, listen []netip.Addr) error {
	s.choice.Lock()
	defer s.choice.Unlock()
	links, err := readLinks()
	if err != nil {
		return err
	}
	s.interfaces, s.listen = interfaces, listen
	s.scope.Store(newScope(links, interfaces, listen))
	s.sayAbsent(links)
	return nil
}

// sayAbsent tells the operator what was asked for and is not there now, which may be a slip of the pen.
func (s *Sockets) sayAbsent(links []Link) {
	names, addrs := map[string]bool{}, map[netip.Addr]bool{}
	for i := range links {
		names[links[i].Name] = true
		for _, p := range links[i].Addrs {
			addrs[p.Addr()] = true
		}
	}
	for _, n := range s.interfaces {
		if !names[n] {
			s.log.Warn("this machine has no such interface now; clients are served there once it appears", "interface", n)
		}
	}
	for _, a := range s.listen {
		if !addrs[a] {
			s.log.Warn("no interface has this address now; it is listened on once one has it", "addr", a)
		}
	}
}

// look reads the interfaces anew and reports whether anything is different.
func (s *Sockets) look() (changed bool, err error) {
	s.choice.Lock()
	defer s.choice.Unlock()
	links, err := readLinks()
	if err != nil {
		return false, err
	}
	next := newScope(links, s.interfaces, s.listen)
	old := s.scope.Load()
	if slices.EqualFunc(old.links, next.links, func(a, b Link) bool { return a.equal(&b) }) {
		return false, nil
	}
	s.scope.Store(next)
	return true, nil
}

const (
	// settle is how long Watch waits after a first change for those that come with it.
	settle = 20 * time.Millisecond
	// relook is how long after the kernel lost count of its messages, or after an error, Watch looks again.
	relook = time.Second
)

// Watch follows the interfaces and addresses of this machine until ctx is done, and returns then, with nil. What is
// received and sent follows at once; changed, which may be nil, is called with the new links after each change, once
// for changes that come together, never from two goroutines.
func (s *Sockets) Watch(ctx context.Context, changed func([]Link)) error {
	for ctx.Err() == nil {
		if err := s.follow(ctx, changed); err != nil && ctx.Err() == nil {
			s.log.Warn("interfaces cannot be followed; trying again", "error", err)
			wait(ctx, relook)
		}
	}
	return nil
}

// follow watches until ctx is done or the subscription breaks, which it does when the kernel had more to say than
// there was room for.
func (s *Sockets) follow(ctx context.Context, changed func([]Link)) error {
	done := make(chan struct{})
	lost := make(chan error, 2)
	failed := func(err error) {
		select {
		case lost <- err:
		default:
		}
	}
	linkEvents, addrEvents := make(chan netlink.LinkUpdate, 64), make(chan netlink.AddrUpdate, 64)
	defer drain(done, linkEvents, addrEvents)
	err := netlink.LinkSubscribeWithOptions(linkEvents, done, netlink.LinkSubscribeOptions{ErrorCallback: failed})
	if err != nil {
		close(linkEvents)
		close(addrEvents)
		return err
	}
	err = netlink.AddrSubscribeWithOptions(addrEvents, done, netlink.AddrSubscribeOptions{ErrorCallback: failed})
	if err != nil {
		close(addrEvents)
		return err
	}
	for {
		different, err := s.look()
		if err != nil {
			return err
		}
		if different && changed != nil {
			changed(s.Links())
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			return err
		case _, ok := <-linkEvents:
			if !ok {
				return fmt.Errorf("the kernel's messages ended")
			}
		case _, ok := <-addrEvents:
			if !ok {
				return fmt.Errorf("the kernel's messages ended")
			}
		}
		wait(ctx, settle)
		for len(linkEvents) > 0 {
			<-linkEvents
		}
		for len(addrEvents) > 0 {
			<-addrEvents
		}
	}
}

// drain ends two subscriptions and returns when their goroutines have closed the channels.
func drain(done chan struct{}, links chan netlink.LinkUpdate, addrs chan netlink.AddrUpdate) {
	close(done)
	for range links {
	}
	for range addrs {
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
