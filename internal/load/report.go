package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Report is what a run measured.
type Report struct {
	Mode     Mode          `json:"mode"`
	Rate     float64       `json:"rate"`           // asked for, a second
	Clients  int           `json:"clients"`        // that had a lease when it began
	Wanted   int           `json:"clients_wanted"` // that should have had one
	Stopped  bool          `json:"stopped"`        // before its time
	Elapsed  time.Duration `json:"elapsed_ns"`     // of the measured part
	Begun    uint64        `json:"begun"`
	Offers   uint64        `json:"offers"`
	Done     uint64        `json:"done"` // exchanges that ended with an ACK; of releases: sent; of discover: that got an OFFER
	Achieved float64       `json:"achieved"`
	Refused  uint64        `json:"refused"`    // ended with a NAK
	Lost     uint64        `json:"unanswered"` // no ACK and no NAK
	Waiting  uint64        `json:"waiting"`    // of those, clients that had not given up yet when the run ended
	Again    uint64        `json:"sent_again"` // messages that were sent more than once, counted each time
	Releases uint64        `json:"releases"`
	// Skipped exchanges did not begin because no client had what they need: a lease, or no conversation going on.
	Skipped uint64 `json:"skipped"`
	// Doubled is how often an address was given to a client while another one's lease of it still ran.
	Doubled uint64 `json:"doubled"`
	// Second counts answers that came after another server's, which the client had taken: both answer.
	Second uint64 `json:"second"`
	// Stray counts answers that nobody waited for: repeated, or too late.
	Stray     uint64 `json:"stray"`
	Malformed uint64 `json:"malformed"`
	// NotSent and NotHeard are what this machine lost, before the servers and after them.
	NotSent  uint64 `json:"not_sent"`
	NotHeard uint64 `json:"not_heard"`
	// Lag is the most that an exchange began after it was due; it is part of that exchange's time.
	Lag time.Duration `json:"lag_ns"`
	// Late is how many were to begin, and did so more than 5 ms after they were due.
	Late uint64 `json:"late"`
	// GeneratorCPU is the processor time that an exchange cost here, whatever became of it.
	GeneratorCPU time.Duration `json:"generator_cpu_ns"`

	Mean      time.Duration `json:"mean_ns"` // from when it was due until its ACK, as are the following
	P50       time.Duration `json:"p50_ns"`
	P99       time.Duration `json:"p99_ns"`
	P999      time.Duration `json:"p999_ns"`
	Max       time.Duration `json:"max_ns"`
	OfferP50  time.Duration `json:"offer_p50_ns"`
	OfferP99  time.Duration `json:"offer_p99_ns"`
	Histogram []Bar         `json:"histogram"`
	// New and Renew are the exchanges of new clients and the renewals apart.
	New   Tally `json:"new"`
	Renew Tally `json:"renew"`
	// Servers counts the leases that each server gave or renewed, by its identifier.
	Servers map[string]uint64 `json:"servers"`
}

// LostPart is the part of the exchanges begun that got neither an ACK nor a NAK.
func (r *Report) LostPart() float64 {
	if r.Begun == 0 {
		return 0
	}
	return float64(r.Lost) / float64(r.Begun)
}

// Heard reports whether any server said anything that the clients took.
func (r *Report) Heard() bool {
	return r.Done-r.Releases+r.Offers+r.Refused+r.Second+r.Stray+r.Malformed > 0
}

// report is what was measured.
func (c *Crowd) report() *Report {
	rep := c.rep
	rep.Begun, rep.Done, rep.Waiting = c.begun, c.done, c.open
	rep.Lost = rep.Begun - rep.Done - rep.Refused
	rep.Achieved = float64(rep.Done) / max(rep.Elapsed.Seconds(), 1e-9)
	rep.GeneratorCPU /= time.Duration(max(rep.Begun, 1))
	rep.P50, rep.P99, rep.P999, rep.Max = c.whole.Quantile(.5), c.whole.Quantile(.99), c.whole.Quantile(.999), c.whole.Max()
	rep.Mean = c.whole.Mean()
	rep.OfferP50, rep.OfferP99 = c.offers.Quantile(.5), c.offers.Quantile(.99)
	rep.Histogram = c.whole.Bars()
	for _, t := range []*tally{&c.fresher, &c.renewed} {
		if t.Begun > 0 {
			t.quiet(c.since+rep.Elapsed, c.since)
		}
	}
	rep.New, rep.Renew = c.fresher.close(), c.renewed.close()
	for s, n := range c.servers {
		rep.Servers[address(s).String()] = n
	}
	return &rep
}

// Write shows the report to a person.
func (r *Report) Write(w io.Writer) {
	fmt.Fprintf(w, "mode %s: %s/s asked for, %s/s done in %v\n", r.Mode, Rate(r.Rate), Rate(r.Achieved), r.Elapsed.Round(time.Millisecond))
	if r.Stopped {
		fmt.Fprintln(w, "  stopped before its time")
	}
	if r.Wanted > 0 {
		fmt.Fprintf(w, "  %d of %d clients had a lease when it began\n", r.Clients, r.Wanted)
	}
	fmt.Fprintf(w, "  begun %d, done %d, refused %d, unanswered %d (%.2f %%)", r.Begun, r.Done, r.Refused, r.Lost, 100*r.LostPart())
	if r.Waiting > 0 {
		fmt.Fprintf(w, ", of which %d still asked when it ended", r.Waiting)
	}
	fmt.Fprintf(w, ", sent again %d", r.Again)
	if r.Releases > 0 {
		fmt.Fprintf(w, ", released %d", r.Releases)
	}
	fmt.Fprintln(w)
	last := "ACK"
	if r.Mode == Discover {
		last = "OFFER"
	}
	if r.P50 > 0 {
		fmt.Fprintf(w, "  until the %s: mean %v, p50 %v, p99 %v, p999 %v, max %v\n", last, short(r.Mean), short(r.P50), short(r.P99), short(r.P999),
			short(r.Max))
	}
	r.writeKinds(w)
	if r.OfferP50 > 0 && r.Mode != Discover {
		fmt.Fprintf(w, "  until the OFFER: p50 %v, p99 %v\n", short(r.OfferP50), short(r.OfferP99))
	}
	r.writeServers(w)
	for _, x := range []struct {
		n    uint64
		what string
	}{
		{r.Skipped, "exchanges skipped, since no client was ready for them"},
		{r.Doubled, "addresses given to a client while another client had them"},
		{r.Second, "answers that came after another server's"},
		{r.Stray, "answers that nobody waited for"},
		{r.Malformed, "answers that are no DHCP"},
		{r.NotSent, "messages that this machine could not send"},
		{r.NotHeard, "answers that this machine dropped, because they came faster than they were read"},
	} {
		if x.n > 0 {
			fmt.Fprintf(w, "  %d %s\n", x.n, x.what)
		}
	}
	fmt.Fprintf(w, "  the generator: at most %v late, %v of processor time an exchange\n", short(r.Lag), short(r.GeneratorCPU))
	if due := r.Begun + r.Skipped; r.Late*100 > due {
		fmt.Fprintf(w, "  %.1f %% of the exchanges began more than %v late, and as much longer are their times: that is this machine's doing, not the server's\n",
			100*float64(r.Late)/float64(due), lateAfter)
	}
	r.writeHistogram(w)
}

// Rate writes how often something is a second: whole numbers, and three digits of small ones.
func Rate(x float64) string {
	if x >= 99.95 || x == 0 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// silent is from when on a silence is told.
const silent = 100 * time.Millisecond

// gaps is how many times the time between two exchanges a silence lasts at least.
const gaps = 3

// writeKinds shows the kinds of exchanges apart where there are two, and when none of a kind was answered for long.
func (r *Report) writeKinds(w io.Writer) {
	for _, x := range []struct {
		name string
		t    *Tally
	}{{"new clients", &r.New}, {"renewals", &r.Renew}} {
		if r.New.Begun > 0 && r.Renew.Begun > 0 {
			fmt.Fprintf(w, "  %s: begun %d, done %d; p50 %v, p99 %v, max %v\n", x.name, x.t.Begun, x.t.Done, short(x.t.P50), short(x.t.P99), short(x.t.Max))
		}
		if x.t.Begun > 0 && x.t.Silence >= max(silent, gaps*r.Elapsed/time.Duration(x.t.Begun)) {
			fmt.Fprintf(w, "  %s: none done for %v, from %v on\n", x.name, short(x.t.Silence), short(x.t.SilenceAt))
		}
	}
}

// writeServers shows who answered where more than one did.
func (r *Report) writeServers(w io.Writer) {
	if len(r.Servers) < 2 {
		return
	}
	var said []string
	for _, s := range slices.Sorted(maps.Keys(r.Servers)) {
		said = append(said, fmt.Sprintf("%s %d", s, r.Servers[s]))
	}
	fmt.Fprintf(w, "  answered first by: %s\n", strings.Join(said, ", "))
}

const barWidth = 50

func (r *Report) writeHistogram(w io.Writer) {
	most := uint64(1)
	for _, b := range r.Histogram {
		most = max(most, b.Count)
	}
	for _, b := range r.Histogram {
		bar := strings.Repeat("█", int(b.Count*barWidth/most))
		if bar == "" && b.Count > 0 {
			bar = "▏"
		}
		fmt.Fprintf(w, "  %9s %9d %s\n", "≤ "+short(b.UpTo).String(), b.Count, bar)
	}
}

// short rounds d to three digits.
func short(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
