// Package kill ends the real server at random moments, under load and with no word of warning, and compares what it
// knows afterwards with what the clients were told.
package kill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

// The pool is a little larger than the crowd, so that addresses go from hand to hand.
const document = `
enterprise: {lease: {default: 1h}, authoritative: true}
networks: {plant: {subnets: {10.1.0.0/16: {pools: [{range: 10.1.16.0-10.1.20.255}]}}}}
`

const (
	clients   = 1000
	rate      = 2000 // messages a second that the crowd begins
	checked   = 40   // clients that ask in INIT-REBOOT after each restart
	rounding  = 2 * time.Second
	killsInCI = 200
)

// number reads a whole number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// After every kill, each promise that a client counts on must be known to the server that comes back, and no address
// may have been promised to two. LESSOR_KILLS is the number of kills, LESSOR_SEED makes the moments those of that run.
func TestNoPromiseIsForgottenWhenTheServerIsKilled(t *testing.T) {
	kills := int(number(t, "LESSOR_KILLS", killsInCI))
	seed := number(t, "LESSOR_SEED", uint64(time.Now().UnixNano()))
	t.Logf("LESSOR_SEED=%d", seed)
	dice := rand.New(rand.NewPCG(seed, 2))

	w := world.New(t)
	server, load := w.Host("server"), w.Host("load")
	seg := w.Segment()
	seg.Attach(server, "eth0", "10.1.0.1/16")
	seg.Attach(load, "eth0", "10.1.0.2/16")
	lessor := server.Serve(world.Setup{Document: document})
	crowd := load.Crowd(clients, rate, "10.1.0.2", "10.1.0.1", seed)

	var restarts []time.Duration
	checkedPromises, killedEarly := 0, 0
	for i := range kills {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { crowd.Talk(ctx); close(ended) }()
		time.Sleep(time.Duration(5+dice.IntN(300)) * time.Millisecond)
		lessor.Kill()
		cancel()
		<-ended
		crowd.Drain(20 * time.Millisecond)
		held := crowd.Held()

		// Now and then it is killed again while it is still starting.
		for dice.IntN(5) == 0 {
			lessor.Begin(true)
			time.Sleep(time.Duration(dice.IntN(40)) * time.Millisecond)
			lessor.Kill()
			killedEarly++
		}
		began := time.Now()
		lessor.Begin(false)
		restarts = append(restarts, time.Since(began))

		for _, lost := range forgotten(held, lessor.Leases()) {
			t.Errorf("kill %d: %s", i+1, lost)
		}
		checkedPromises += len(held)
		for _, g := range crowd.Reboot(checked, 5*time.Second) {
			t.Errorf("kill %d: %s asked for its address %v again and got no answer", i+1, g.MAC, g.Address)
		}
		for _, wrong := range crowd.Wrongs() {
			t.Errorf("kill %d: %s", i+1, wrong)
		}
		if t.Failed() {
			t.Fatalf("the data directory is %s", lessor.Data)
		}
	}
	tally := crowd.Tally()
	if tally.Acks < kills*10 || tally.Naks > 0 || tally.Releases < kills {
		t.Errorf("the crowd did not live as it should: %+v", tally)
	}
	slices.Sort(restarts)
	t.Logf("%d kills and %d more while starting; %d ACKs (%+v); %d promises compared after restarts: 0 forgotten, 0 double; "+
		"restart to ready: median %v, p99 %v, most %v", kills, killedEarly, tally.Acks, tally, checkedPromises,
		restarts[len(restarts)/2].Round(time.Millisecond), restarts[len(restarts)*99/100].Round(time.Millisecond),
		restarts[len(restarts)-1].Round(time.Millisecond))
}

// forgotten names the promises that the server does not know, or knows to be shorter.
func forgotten(held []world.Grant, rows []world.Row) []string {
	known := make(map[string]world.Row, len(rows))
	for _, r := range rows {
		known[r.Address.String()] = r
	}
	var all []string
	for _, g := range held {
		r, ok := known[g.Address.String()]
		switch {
		case !ok:
			all = append(all, fmt.Sprintf("%v of %s is not known", g.Address, g.MAC))
		case r.State != "active" || !strings.EqualFold(r.Hardware, g.MAC):
			all = append(all, fmt.Sprintf("%v of %s is known as %s of %s", g.Address, g.MAC, r.State, r.Hardware))
		case r.Expires.Before(g.Until().Add(-rounding)):
			all = append(all, fmt.Sprintf("%v of %s was promised until %v, and is known until %v", g.Address, g.MAC, g.Until(), r.Expires))
		}
	}
	return all
}

func TestTheComparisonFindsWhatIsForgotten(t *testing.T) {
	now := time.Now()
	g := world.Grant{MAC: "02:00:00:00:00:07", Asked: now, Lease: time.Hour}
	row := world.Row{State: "active", Hardware: "02:00:00:00:00:07", Expires: now.Add(time.Hour)}
	for name, c := range map[string]struct {
		rows []world.Row
		want int
	}{
		"known":         {[]world.Row{row}, 0},
		"not known":     {nil, 1},
		"another's":     {[]world.Row{{State: "active", Hardware: "02:00:00:00:00:08", Expires: row.Expires}}, 1},
		"released":      {[]world.Row{{State: "released", Hardware: row.Hardware, Expires: row.Expires}}, 1},
		"ends too soon": {[]world.Row{{State: "active", Hardware: row.Hardware, Expires: now.Add(time.Minute)}}, 1},
	} {
		if got := forgotten([]world.Grant{g}, c.rows); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
