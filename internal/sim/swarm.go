package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// Draw returns the plan of a seed: its own subset of the faults, each as often as it draws.
func Draw(seed uint64, outside bool) *Plan {
	r := rand.New(rand.NewPCG(seed, chancesOfPlan))
	p := &Plan{Settings: settings(r, seed, outside)}
	d := drawer{r: r, plan: p}
	d.clients()
	d.faults()
	if haste := rand.New(rand.NewPCG(seed, chancesOfHaste)); haste.IntN(3) == 0 {
		d = drawer{r: haste, plan: p}
		d.hurry()
		p.Actions = nil
		d.clients()
		d.faults()
	}
	slices.SortStableFunc(p.Actions, func(a, b Action) int { return int(min(max(a.At-b.At, -1), 1)) })
	return p
}

// one returns one of several.
func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func settings(r *rand.Rand, seed uint64, outside bool) Settings {
	s := Settings{
		Seed: seed, Outside: outside, Days: 7 * 24 * time.Hour, Clients: 20 + r.IntN(16), Pool: 16 + r.IntN(20), FarPool: 8 + r.IntN(8),
		Lease: one[time.Duration](r, 2, 4, 4, 8, 12) * time.Hour, MCLT: one[time.Duration](r, 10, 30, 60, 60) * time.Minute, Longest: one[time.Duration](r, 0, 12, 24) * time.Hour,
		ReceiveTimer: one[time.Duration](r, 2, 5, 10, 20) * time.Minute, Startup: 40 * time.Second, MaxUnacked: one(r, 1, 2, 5, 20, 100),
		Split: one(r, 128, 128, 128, 0, 256, 64), BalanceSecs: one(r, 3, 3, 0, 10), Rapid: r.IntN(3) == 0, Founder: r.IntN(3) == 0,
		Drift: one(r, 0, 50, 200), Delay: one[time.Duration](r, 1, 10, 40) * time.Millisecond, LateBy: 40 * time.Second, SecsZero: one(r, 0, 20, 100),
		Rollbacks: r.IntN(5) == 0,
	}
	for i := range s.Offset {
		s.Offset[i] = uniform(r, -8*time.Second, 8*time.Second).Round(time.Millisecond)
	}
	if r.IntN(2) == 0 {
		s.Loss, s.Duplicates, s.Late = r.IntN(80), r.IntN(60), r.IntN(40)
	}
	if r.IntN(2) == 0 {
		s.Stalls = r.IntN(20)
	}
	if r.IntN(3) == 0 {
		s.SlowDisk = r.IntN(60)
	}
	if r.IntN(3) == 0 {
		s.Replays = r.IntN(100)
	}
	return s
}

// hurry makes the history a short one, with short leases, in which most things that can take their time do.
func (d *drawer) hurry() {
	r, s := d.r, &d.plan.Settings
	s.Hasty, s.Days = true, 2*24*time.Hour
	s.Lease, s.MCLT, s.Longest = one[time.Duration](r, 30, 60, 120)*time.Minute, one[time.Duration](r, 5, 5, 10, 20)*time.Minute, 0
	s.ReceiveTimer, s.Startup = one[time.Duration](r, 1, 2, 5)*time.Minute, one[time.Duration](r, 20, 40)*time.Second
	s.MaxUnacked, s.Stalls, s.SlowDisk, s.Replays = one(r, 1, 1, 2, 5, 100), one(r, 0, 10, 40), one(r, 0, 30, 100, 400), one(r, 0, 100, 300)
	s.Rollbacks = r.IntN(3) == 0
}

// drawer draws the decisions of a plan.
type drawer struct {
	r    *rand.Rand
	plan *Plan
}

func (d *drawer) add(a Action) {
	a.At, a.For = a.At.Round(time.Millisecond), a.For.Round(time.Millisecond)
	if a.At < d.plan.Settings.Days {
		d.plan.Actions = append(d.plan.Actions, a)
	}
}

// clients draws what each client does of its own accord.
func (d *drawer) clients() {
	often := one[time.Duration](d.r, 4, 8, 16) * time.Hour
	if d.plan.Settings.Hasty {
		often /= 4
	}
	for c := range d.plan.Settings.Clients {
		at := uniform(d.r, 0, 12*time.Hour)
		if d.r.IntN(2) == 0 {
			at = uniform(d.r, 0, 10*time.Minute)
		}
		d.add(Action{At: at, Kind: ClientOn, Who: c})
		for at < d.plan.Settings.Days {
			at += uniform(d.r, often/4, 2*often)
			d.client(c, &at)
		}
	}
}

func (d *drawer) client(c int, at *time.Duration) {
	a := Action{At: *at, Who: c}
	switch k := d.r.IntN(20); {
	case k < 4:
		a.Kind = ClientReboot
		if d.r.IntN(4) == 0 {
			a.N = 1
		}
	case k < 8:
		a.Kind = ClientOff
	case k < 11:
		a.Kind = ClientRelease
	case k < 13:
		a.Kind, a.N = ClientMove, d.r.IntN(2)
	case k < 14:
		a.Kind = ClientDecline
	case k < 15:
		a.Kind = ClientInform
	default:
		return
	}
	d.add(a)
	if a.Kind == ClientOff || a.Kind == ClientRelease {
		*at += one(d.r, uniform(d.r, 2*time.Minute, time.Hour), uniform(d.r, time.Hour, 24*time.Hour))
		forgets := 0
		if d.r.IntN(5) == 0 {
			forgets = 1
		}
		d.add(Action{At: *at, Kind: ClientOn, Who: c, N: forgets})
	}
}

// faults draws what goes wrong: each kind is there or not, and then as often as it is drawn.
func (d *drawer) faults() {
	weights := [kinds]int{
		LinkReset: 4, LinkCut: 6, LinkSlow: 2, LanCut: 3, LanSplit: 4, LanNoise: 2, Crash: 5, Kill: 4, Stop: 3, Wipe: 2, Rollback: 2, Rot: 1,
		Freeze: 4, Hang: 1, DiskSlow: 2, DiskFails: 3, DiskFull: 2, ClockStep: 1, PartnerDown: 5, Maintenance: 3, Reload: 2, Ambush: 8,
	}
	total := 0
	for k := range weights {
		if d.r.IntN(3) == 0 {
			weights[k] = 0
		}
		weights[k] *= 1 + d.r.IntN(4)
		total += weights[k]
	}
	if total == 0 {
		return
	}
	every := one[time.Duration](d.r, 2, 4, 8) * time.Hour
	if d.plan.Settings.Hasty {
		every /= 12
	}
	for at := uniform(d.r, time.Minute, every); ; at += uniform(d.r, time.Minute, 2*every) {
		if at >= d.plan.Settings.Days {
			return
		}
		n := d.r.IntN(total)
		for k := range weights {
			if n -= weights[k]; n < 0 {
				d.fault(at, Kind(k))
				break
			}
		}
	}
}

// fault draws one fault of a kind.
func (d *drawer) fault(at time.Duration, k Kind) {
	r := d.r
	a := Action{At: at, Kind: k, Who: r.IntN(2)}
	long := uniform(r, time.Minute, 10*time.Hour)
	if d.plan.Settings.Hasty {
		long = one(r, long/10, long/10, uniform(r, time.Second, 10*time.Second))
	}
	if r.IntN(3) == 0 {
		long = uniform(r, time.Second, 5*time.Minute)
	}
	switch k {
	case LinkCut:
		a.For, a.N = long, one(r, 3, 3, 3, 1, 2)
	case LinkSlow:
		a.For, a.N = long, 1+r.IntN(8)
	case LanCut:
		a.For, a.N = long, r.IntN(2)|one(r, 0, 0, 2, 4)
	case LanSplit:
		a.For, a.N = long, r.IntN(2)
		d.maybeDown(a)
	case LanNoise:
		a.For, a.N = long, 2+r.IntN(8)
	case Crash, Kill:
		a.For, a.N = long, r.IntN(101)
		d.maybeDown(a)
		d.maybeClock(a)
	case Wipe, Rot:
		a.For, a.N = long, r.IntN(101)
		d.maybeDown(a)
	case Rollback:
		a.For, a.N = long, r.IntN(12)
		d.maybeDown(a)
	case Stop:
		a.For = long
		d.maybeDown(a)
	case Freeze:
		a.For = one(r, uniform(r, time.Millisecond, 10*time.Second), uniform(r, 10*time.Second, time.Hour))
		if d.plan.Settings.Hasty {
			d.maybeDown(a)
		}
	case Hang:
		a.For = uniform(r, time.Millisecond, 5*time.Second)
		if d.plan.Settings.Outside {
			a.For = uniform(r, time.Millisecond, time.Hour)
		}
	case DiskSlow:
		a.For, a.N = uniform(r, time.Minute, 2*time.Hour), 1+r.IntN(30)
	case DiskFails:
		a.N = 1 + r.IntN(3)
	case DiskFull:
		a.For = uniform(r, time.Minute, 6*time.Hour)
	case ClockStep:
		a.N = r.IntN(8000) - 4000
		if d.plan.Settings.Hasty {
			a.N *= 4
		}
		if d.plan.Settings.Outside {
			a.N *= 1000
		}
	case PartnerDown:
		a.N = r.IntN(2)
	case Maintenance:
		a.For = uniform(r, time.Minute, 3*time.Hour)
	case Reload:
		a.N, a.For = r.IntN(variants), one(r, 0, uniform(r, 0, time.Minute), uniform(r, time.Minute, 4*time.Hour))
		if d.plan.Settings.Hasty { // and back before long
			a.N, a.For = r.IntN(variants+1), a.For/8
			d.add(Action{At: at + a.For + uniform(r, time.Minute, 40*time.Minute), Kind: Reload, Who: r.IntN(2), For: one(r, 0, long)})
		}
	case Ambush:
		a.For = uniform(r, time.Second, 2*time.Hour)
		a.N = r.IntN(int(moments)) | r.IntN(usualAmbushes)<<ambushKind
		if d.plan.Settings.Hasty {
			a.N, a.For = d.hastyAmbush(), long
		}
	}
	d.add(a)
}

// maybeClock may have somebody set the clock while a server is down.
func (d *drawer) maybeClock(a Action) {
	if d.plan.Settings.Hasty && d.r.IntN(3) == 0 {
		d.add(Action{At: a.At + time.Millisecond, Kind: ClockStep, Who: a.Who, N: 4 * (d.r.IntN(8000) - 4000)})
	}
}

// maybeDown may have an operator declare down what a fault has stopped, or seems to have.
func (d *drawer) maybeDown(a Action) {
	if d.r.IntN(2) == 0 {
		return
	}
	d.add(Action{At: a.At + uniform(d.r, time.Minute, max(a.For, 2*time.Minute)), Kind: PartnerDown, Who: 1 - a.Who, N: d.r.IntN(2)})
}

// hastyAmbush draws what an ambush waits for, and for what: any message or state, or one of a kind.
func (d *drawer) hastyAmbush() int {
	r := d.r
	at := r.IntN(int(allMoments))
	n := at | r.IntN(len(ambushes))<<ambushKind | r.IntN(2)<<ambushOther | r.IntN(3)<<ambushCut | one(r, 0, 0, 1)<<ambushClock
	switch Moment(at) {
	case MomentHeard, MomentTold:
		n |= one(r, 0, 0, 2, 3, 3, 3, 4, 4, 7, 8, 9, 10, messageGift) << ambushMessage
	case MomentState:
		n |= r.IntN(int(failover.RecoverWait)+1) << ambushState
	}
	return n
}
