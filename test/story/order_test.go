package story

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// A version travels before any binding update that names it: when the two meet again after a change, no lease is on record as
// told by a version that the server does not have. The bridge fails and heals again and again, and the records are looked at
// all the time.
func TestAVersionTravelsBeforeWhatNamesIt(t *testing.T) {
	t.Parallel()
	l := newLessors(t, first)
	l.settle(61, 0, lifetime)
	l.asleep(true)
	l.pair.Converged(20 * time.Second)
	for round := range 6 {
		l.cut()
		l.lost(west)
		c := cell{change: aRouter}
		c.to.router = fmt.Sprintf("198.51.100.%d", 10+round)
		c.is = c.to.router
		made := l.apply(west, c.to, c.comment).Version
		l.tells("west's clients rebind", c, rebinding, l.concerned(c, west, 20), west)
		l.heal()
		for looks := 0; ; looks++ {
			records := l.versions() // first: what comes meanwhile is in the history before it is on record
			known := l.history()
			for a, v := range records {
				if !known[v] {
					t.Errorf("round %d: east has %v as told by version %s, which is not in its history", round, a, v)
				}
			}
			if t.Failed() {
				return
			}
			if known[made] && looks > 50 {
				l.say("looked %d times", looks)
				break
			}
		}
		l.pair.Normal(30 * time.Second)
		l.oneHead(5 * time.Second)
	}
}

// get asks east over its socket.
func (l *lessors) get(path string, each func(*json.Decoder) error) {
	l.t.Helper()
	ask := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", l.lessor[east].Socket())
		}}}
	resp, err := ask.Get("http://lessor" + path)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	d := json.NewDecoder(bufio.NewReader(resp.Body))
	for resp.StatusCode == http.StatusOK && d.More() {
		if err := each(d); err != nil {
			l.t.Fatal(err)
		}
	}
	if resp.StatusCode != http.StatusOK {
		l.t.Fatalf("%s: %s", path, resp.Status)
	}
}

// versions are those that east's records name.
func (l *lessors) versions() map[netip.Addr]string {
	l.t.Helper()
	all := map[netip.Addr]string{}
	l.get("/api/v1/leases?state=active", func(d *json.Decoder) error {
		var r struct {
			Address netip.Addr
			Version string `json:"config_version"`
		}
		err := d.Decode(&r)
		all[r.Address] = r.Version
		return err
	})
	return all
}

// history is that of east.
func (l *lessors) history() map[string]bool {
	l.t.Helper()
	all := map[string]bool{}
	l.get("/api/v1/config/history", func(d *json.Decoder) error {
		var r struct{ Version string }
		err := d.Decode(&r)
		all[r.Version] = true
		return err
	})
	return all
}
