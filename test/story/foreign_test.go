package story

import (
	"fmt"
	"testing"
	"time"
)

// foreign is a pair of another vendor's servers. Each has a file of its own, and nothing but a person copies one to the other.
type foreign interface {
	// begin starts both servers and waits until they share the clients.
	begin(f *floor)
	// edit gives the server on that side another file and makes it hold, as its vendor says how; it returns when both serve as
	// a pair again, or the server alone where the bridge is cut.
	edit(f *floor, s side, c config)
	// apart waits until both servers know that they cannot hear each other, and serve alone; together waits until they are a
	// pair again.
	apart(f *floor)
	together(f *floor)
}

// config is what the files of the story say; the zero value is that of the beginning.
type config struct {
	// router is that of subnet 198; empty: none is given.
	router string
	// vendor is the boot server in the encapsulated vendor option (43, suboption 1).
	vendor string
	// boot is option 66, of which each server has its own value.
	boot string
}

// asWest and asEast are the files of the beginning, and changed is what west's administrator makes of his.
var (
	asWest  = config{vendor: "10.9.0.3", boot: "boot-west"}
	asEast  = config{vendor: "10.9.0.3", boot: "boot-east"}
	changed = config{router: "198.51.100.1", vendor: "10.9.0.4", boot: "boot-west"}
)

// lifetime is that of the leases, and mclt the time that one server may be ahead of the other, where it has such a time.
const (
	lifetime = 80 * time.Second
	mclt     = 12 * time.Second
)

// outcome counts what clients were told at one point of the story.
type outcome struct {
	what                        string
	asked, answered             int
	router, noRouter            int
	oldVendor, newVendor        int
	otherBoot                   int // who was told another boot server than before
	otherAddress                int
	lostRouter, lostVendorValue int // who had been told the new one before
}

func (o outcome) String() string {
	return fmt.Sprintf("%-62s asked %3d, answered %3d; router %3d, none %3d (of these %d knew it); vendor's boot server new %3d, old %3d (of these %d knew the new one); option 66 changed for %d; another address %d",
		o.what, o.asked, o.answered, o.router, o.noRouter, o.lostRouter, o.newVendor, o.oldVendor, o.lostVendorValue, o.otherBoot, o.otherAddress)
}

// oldVendor and newVendor are option 43 as lease files have it.
const (
	oldVendor = "1:4:a:9:0:3"
	newVendor = "1:4:a:9:0:4"
)

// observe has guests ask, and counts what they are told.
func (f *floor) observe(what string, q question, d time.Duration, all []*guest) outcome {
	f.t.Helper()
	before := map[*guest]told{}
	for _, g := range all {
		before[g], _ = last(f.t, g)
	}
	o := outcome{what: what, asked: len(all)}
	for g, l := range f.ask(q, d, all...) {
		b := before[g].options
		o.answered++
		o.count(b, l.options)
		if before[g].address != l.address {
			o.otherAddress++
		}
	}
	f.say("%v", o)
	return o
}

func (o *outcome) count(b, l map[string]string) {
	if l["routers"] != "" {
		o.router++
	} else {
		o.noRouter++
		if b["routers"] != "" {
			o.lostRouter++
		}
	}
	switch l["vendor-encapsulated-options"] {
	case oldVendor:
		o.oldVendor++
		if b["vendor-encapsulated-options"] == newVendor {
			o.lostVendorValue++
		}
	case newVendor:
		o.newVendor++
	}
	if b["tftp-server-name"] != l["tftp-server-name"] {
		o.otherBoot++
	}
}

// of198 are the guests of the subnet that changes, on a segment, that hold their lease from one of the servers; at most n.
func (f *floor) of198(at, by side, n int) (some []*guest) {
	for _, g := range f.guests.all {
		if l, ok := last(f.t, g); ok && subnet198.Contains(l.address) && g.Side() == at && l.by() == by && len(some) < n {
			some = append(some, g)
		}
	}
	return some
}

// play plays the story with a foreign pair, and returns what its clients were told. Nobody is asserted anything but what a
// client may always count on.
func (f *floor) play(p foreign) map[string]outcome {
	f.t.Helper()
	seen := map[string]outcome{}
	note := func(o outcome) { seen[o.what] = o }
	p.begin(f)
	f.settle(leases, 12, lifetime)

	began := time.Now()
	p.edit(f, west, changed)
	f.say("west's file has the router, and west serves by it %.1f s later; east's file is to be edited next", time.Since(began).Seconds())
	note(f.observe("linked: west's clients renew with west", renewal, 5*time.Second, f.of198(west, west, 5)))
	note(f.observe("linked: clients on east's segment reboot", reboot, 8*time.Second, f.of198(east, west, 10)))
	note(f.observe("linked: clients on east's segment rebind", rebinding, 8*time.Second, f.of198(east, west, 10)))
	f.cut()
	p.apart(f)

	note(f.observe("apart: west's clients renew with west", renewal, 5*time.Second, f.of198(west, west, 20)))
	movers := f.of198(west, west, 10)
	for _, g := range movers {
		g.move(east)
	}
	f.say("%d of them move to east's segment", len(movers))
	note(f.observe("apart: those who moved rebind with east", rebinding, 8*time.Second, movers[:len(movers)/2]))
	note(f.observe("apart: those who moved reboot with east", reboot, 8*time.Second, movers[len(movers)/2:]))
	note(f.observe("apart: west's clients on east's segment rebind with east", rebinding, 8*time.Second, f.of198(east, west, 6)))
	note(f.observe("apart: east's clients renew with east", renewal, 5*time.Second, f.of198(east, east, 6)))
	note(f.observe("apart: east's clients reboot with east", reboot, 5*time.Second, f.of198(east, east, 6)))

	f.heal()
	p.together(f)
	note(f.observe("together: those who moved renew with east", renewal, 5*time.Second, movers))
	note(f.observe("together: those who moved rebind", rebinding, 8*time.Second, movers))
	f.sameAddresses()
	return seen
}

// sameAddresses fails the test if an address changed hands, or a client was told no or lost its lease.
func (f *floor) sameAddresses() {
	f.t.Helper()
	for _, w := range f.guests.Wrongs() {
		f.t.Error(w)
	}
	f.oneHolder()
}

// oneHolder fails the test if, by the lease files, an address was ever given to two, or a client had two.
func (f *floor) oneHolder() {
	f.t.Helper()
	holder := map[string]string{}
	for _, c := range f.everybody() {
		has := ""
		for _, l := range history(f.t, c) {
			a := l.address.String()
			if other := holder[a]; other != "" && other != c.Name() {
				f.t.Errorf("%s was given to %s and to %s", a, other, c.Name())
			}
			if has != "" && has != a {
				f.t.Errorf("%s had %s and was given %s", c.Name(), has, a)
			}
			holder[a], has = c.Name(), a
		}
	}
}

// tellsOwn fails the test unless the second server told everybody what its own file says, whatever they had been told before:
// what docs/story.md says of pairs whose files are copied by hand.
func tellsOwn(t *testing.T, seen map[string]outcome) {
	t.Helper()
	for _, what := range []string{"apart: west's clients renew with west", "linked: west's clients renew with west"} {
		if o := seen[what]; o.asked == 0 || o.router != o.asked || o.newVendor != o.asked {
			t.Errorf("west's own file is not what west tells: %v", o)
		}
	}
	for _, what := range []string{"apart: those who moved rebind with east", "apart: those who moved reboot with east"} {
		if o := seen[what]; o.asked == 0 || o.lostRouter != o.asked || o.lostVendorValue != o.asked || o.otherBoot != o.asked {
			t.Errorf("docs/story.md says that all of these lost what they had heard: %v", o)
		}
	}
	if o := seen["apart: west's clients on east's segment rebind with east"]; o.asked == 0 || o.noRouter != o.asked || o.otherBoot != o.asked {
		t.Errorf("docs/story.md says that these were told what east's file says: %v", o)
	}
}
