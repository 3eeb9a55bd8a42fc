package node

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/pool"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// maxFullPlaces is how many places are named at once at which as much of a pool is held as may be. Whoever is refused at a further one
// is counted among the drops.
const maxFullPlaces = 16

// fullFor is for how long a place is named after somebody was last refused there: longer than a client waits until it asks again.
const fullFor = 10 * time.Minute

// fullPlaces are the places at which clients were refused since as much of a pool is held and on offer there as may be, by pool.Full.Place.
type fullPlaces struct {
	of  map[uint64]*fullPlace
	due time.Time // not after any of them is to be forgotten
}

type fullPlace struct {
	since, last   time.Time
	refused       uint64
	network, pool string
	place         string
	full          pool.Full
}

// fullAt notes that a client was refused where it is, and tells of the first one.
func (c *Core) fullAt(now time.Time, at *responder.Refusal, out *Effects) {
	x := c.full.of[at.Place]
	switch {
	case x == nil && len(c.full.of) >= maxFullPlaces:
		return
	case x == nil:
		x = &fullPlace{since: now, network: at.Pool.Subnet.Network.Name, pool: at.Pool.Name(), place: placeText(at), full: at.Full}
		if c.full.of == nil {
			c.full = fullPlaces{of: map[uint64]*fullPlace{}, due: now.Add(fullFor)}
		}
		c.full.of[at.Place] = x
		out.Events = append(out.Events, Event{Time: At(now), Kind: QuotaReached, Level: slog.LevelWarn, Network: x.network, Relay: at.Relay,
			Message: "clients at one place have as much of a pool as they may: new ones there are not answered", Detail: x.detail()})
	}
	x.full, x.last, x.refused = at.Full, now, x.refused+1
}

// detail says who has how much of what.
func (x *fullPlace) detail() string {
	return fmt.Sprintf("pool %s: %s: %s", x.pool, x.place, figures(&x.full))
}

func figures(f *pool.Full) string {
	text := fmt.Sprintf("%d addresses held and %d on offer, of %d that may be (quota), of %d in all", f.Held, f.Offered, f.Most, f.Size)
	if f.Left > 0 {
		text += fmt.Sprintf("; the two servers share the pool, and this one leaves the last %d that it has to clients elsewhere", f.Left)
	}
	return text
}

// quiet forgets the places at which nobody was refused for a while.
func (c *Core) quiet(now time.Time) {
	if len(c.full.of) == 0 || now.Before(c.full.due) {
		return
	}
	c.full.due = now.Add(fullFor)
	for place, x := range c.full.of {
		end := x.last.Add(fullFor)
		switch {
		case !now.Before(end):
			delete(c.full.of, place)
		case end.Before(c.full.due):
			c.full.due = end
		}
	}
}

func (c *Core) nextQuiet() (time.Time, bool) { return c.full.due, len(c.full.of) > 0 }

// quotaAlarms returns the places at which clients are refused, the one that began first before the others.
func (c *Core) quotaAlarms() (as []Alarm) {
	places := slices.SortedFunc(maps.Values(c.full.of), func(a, b *fullPlace) int {
		return cmp.Or(a.since.Compare(b.since), strings.Compare(a.pool, b.pool), strings.Compare(a.place, b.place))
	})
	for _, x := range places {
		as = append(as, Alarm{
			Code: "quota-reached", Title: "One place has all that it may of pool " + x.pool, Severity: Critical, Since: At(x.since),
			Text: fmt.Sprintf("network %s, %s; new clients there are not answered: %d messages so far, the last at %s", x.network, x.detail(),
				x.refused, x.last.UTC().Format(time.RFC3339)),
			Remedy: "find who is there (lessor leases --network " + x.network + " --search with the circuit or remote id), and have the switch limit the addresses of a port; " +
				"if they are honest clients, raise quota: of the pool",
		})
	}
	return as
}

// placeText names the place in an operator's words.
func placeText(at *responder.Refusal) string {
	var parts []string
	if at.AtPort {
		for _, s := range [...]struct {
			code uint8
			name string
		}{{option.RelayCircuitID, "circuit-id "}, {option.RelayRemoteID, "remote-id "}} {
			if v, ok := dhcpv4.SubOption(at.Info, s.code); ok && len(v) > 0 {
				parts = append(parts, s.name+octetsText(v))
			}
		}
	}
	if at.Relay.IsValid() {
		parts = append(parts, "relay "+at.Relay.String())
	} else {
		parts = append(parts, "heard without a relay")
	}
	return strings.Join(parts, ", ")
}

// octetsText returns what somebody else chose as a document has it: quoted if it is text, else in hexadecimal.
func octetsText(b []byte) string {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("{hex: %q}", fmt.Sprintf("%x", b))
		}
	}
	return strconv.Quote(string(b))
}
