package policy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// world is a random document with marks, and what is known of it without policy.
type world struct {
	profile string
	all     []object
	text    string
	group   string // on-takeover of the group
	policy  *Policy
}

// randomWorld makes a document in which objects and options are marked home and local as often as marks says, in tenths.
func randomWorld(t *testing.T, r *rand.Rand, marks int) *world {
	w := &world{profile: []string{"native", "isc", "kea", "cisco", "windows"}[r.IntN(5)], all: randomObjects(r)}
	mark := func() string {
		if r.IntN(10) >= marks {
			return ""
		}
		return []string{"home", "local", "local"}[r.IntN(3)]
	}
	w.group = mark()
	for i := range w.all {
		w.all[i].takeover = mark()
		for name, s := range w.all[i].says {
			s.takeover = mark()
			w.all[i].says[name] = s
		}
	}
	all := w.all
	if w.group != "" {
		all = append(slices.Clone(all), object{place: "group", takeover: w.group})
	}
	w.text = document(r, w.profile, all)
	w.policy = compiled(t, w.text)
	return w
}

// ranked returns the objects that hold for the client when the member answers, the strongest first.
func (w *world) ranked(member string) []*object {
	all := slices.Clone(w.all)
	for i := range all {
		switch o := &all[i]; o.place {
		case "server":
			o.holds = o.name == member
		case "server-class":
			o.holds = member == "west"
		}
	}
	holding := ranked(w.profile, all)
	slices.Reverse(holding)
	return holding
}

// local says of the strongest thing that is said of an option whether it is marked local, and false, false if nothing is said.
func (w *world) local(member, name string) (local, said bool) {
	for _, o := range w.ranked(member) {
		s, ok := o.says[name]
		switch {
		case !ok:
		case s.takeover != "":
			return s.takeover == "local", true
		case o.takeover != "":
			return o.takeover == "local", true
		default:
			return w.group == "local", true
		}
	}
	return false, false
}

func (w *world) decide(as binding.Member, f *Facts) *Decision {
	d := new(Decision)
	w.policy.Resolve(as, f, d)
	return d
}

// request is the facts of the client with a request list; nil: it has none.
func (w *world) request(list []byte) *Facts {
	options := said{12: phone[12], 60: phone[60]}
	if list != nil {
		options[55] = string(list)
	}
	return w.policy.on("10.0.0.0", binding.Client{Hardware: mac(1), ID: []byte{1, 2}}, options)
}

func randomList(r *rand.Rand) []byte {
	if r.IntN(5) == 0 {
		return nil
	}
	list := []byte{1, 28, 37} // 37: one of the host requirements
	for _, a := range askable {
		if r.IntN(3) > 0 {
			list = append(list, a.code)
		}
	}
	if r.IntN(3) == 0 {
		list = append(list, 249)
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// granted returns the binding of the client that was told by d.
func granted(home binding.Member, p *Policy, d *Decision, f *Facts) *binding.Binding {
	facts := binding.Facts{Link: "lan"}
	for code := range uint16(255) {
		if v, ok := f.Options.Option(code); ok && len(v) > 0 {
			facts.Options = append(facts.Options, binding.Fact{Code: code, Value: v})
		}
	}
	told := d.Told(f)
	reasons := d.AppendParameterReasons(nil, d.Reserved)
	for c := range 256 {
		if v := d.Option(uint8(c)); v != nil && told.Has(uint8(c)) {
			reasons = v.AppendReason(reasons)
		}
	}
	b := &binding.Binding{
		Client: f.Client, Home: home, Version: p.Version, Facts: binding.StoredFacts{Shared: binding.NewBlob(facts.AppendShared(nil, func(uint16) bool { return false }))},
		Result: binding.NewBlob(d.AppendResult(nil, f, &told)), Reasons: binding.NewBlob(reasons),
	}
	b.Prefix, _ = d.Reserved.Prefix(32)
	return b
}

func result(d *Decision, f *Facts) string {
	told := d.Told(f)
	return string(d.AppendResult(nil, f, &told))
}

// Whoever answers, a client whose home is west gets what west would give it, but for what is marked local.
func TestTheHomeDecidesWhoeverAnswers(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 11))
	t.Logf("seed %d", seed)
	locals, differ := 0, 0
	for n := range 120 {
		w := randomWorld(t, r, []int{0, 2, 5}[n%3])
		f := w.request(randomList(r))
		west, east := w.decide("west", f), w.decide("east", f)
		b := granted("west", w.policy, west, f)
		var d Decision
		w.policy.Place("east", f, &d)
		h := w.policy.SettleHeld("east", f, b, &d)
		if h.Home != "west" || h.Version != w.policy.Version || h.Rule != "" {
			t.Fatalf("seed %d: %+v", seed, h)
		}
		if n%3 == 0 && result(&d, f) != result(west, f) {
			t.Fatalf("seed %d: east says another thing than west would\n%s", seed, w.text)
		}
		if result(east, f) != result(west, f) {
			differ++
		}
		for _, a := range askable {
			want := west.Option(a.code)
			mine, said := w.local("west", a.name)
			theirs, _ := w.local("east", a.name)
			switch own := east.Option(a.code); {
			case said && mine, want == nil && own != nil && theirs:
				want = own
				locals++
			}
			same(t, seed, w, a.code, d.Option(a.code), want)
		}
	}
	if locals < 20 || differ < 20 {
		t.Errorf("only %d options were local, only %d results differ", locals, differ)
	}
}

func same(t *testing.T, seed uint64, w *world, code uint8, got, want *Value) {
	t.Helper()
	if (got == nil) != (want == nil) || got != nil && string(got.Bytes) != string(want.Bytes) {
		t.Fatalf("seed %d: option %d is %v, want %v\n%s", seed, code, got, want, w.text)
	}
}

// A client that was told by a version which this one does not come from is told the same again, and what it did not ask for then
// as its home would say it by this version.
func TestWhatWasToldIsToldAgain(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 12))
	t.Logf("seed %d", seed)
	more, kept, lost := 0, 0, 0
	for n := range 240 {
		before := randomWorld(t, r, []int{0, 2, 5}[n%3])
		now := randomWorld(t, r, []int{0, 2, 5}[n%3])
		now.policy = now.policy.Named(binding.Digest{1}, nil)
		then := before.request(randomList(r))
		b := granted("west", before.policy, before.decide("west", then), then)
		list := randomList(r)
		if n%4 == 0 {
			list = RequestList(then.Options)
		}
		f := now.request(list)
		west, east := now.decide("west", f), now.decide("east", f)
		var d Decision
		now.policy.Place("east", f, &d)
		h := now.policy.SettleHeld("east", f, b, &d)
		if now.policy.takeovers.noneHome {
			if result(&d, f) != result(east, f) || h.Version != now.policy.Version || h.Rule != "" {
				t.Fatalf("seed %d: all is local, and it says something else: %+v\n%s", seed, h, now.text)
			}
			continue
		}
		if h.Version != b.Version || h.Home != "west" {
			t.Fatalf("seed %d: %+v", seed, h)
		}
		if n%3 == 0 && n%4 == 0 {
			if got := result(&d, f); got != string(b.Result.Bytes) || h.Rule != binding.RuleToldBefore {
				t.Fatalf("seed %d: the same was asked for, and something else was told (%s):\n%q\n%q", seed, h.Rule, got, b.Result.Bytes)
			}
			var reasons []byte
			told := d.Told(f)
			for c := range 256 {
				if told.Has(uint8(c)) {
					reasons = d.Option(uint8(c)).AppendReason(reasons)
				}
			}
			if !strings.HasSuffix(string(b.Reasons.Bytes), string(reasons)) || !strings.HasPrefix(string(b.Reasons.Bytes), string(d.LifetimeReason)) {
				t.Fatalf("seed %d: for other reasons", seed)
			}
		}
		was, _ := binding.DecodeResult(b.Result.Bytes)
		old, saidOld := was.Option(249)
		asked := RequestList(then.Options)
		told, wantMore := d.Told(f), false
		for _, a := range askable {
			mine, said := now.local("west", a.name)
			theirs, _ := now.local("east", a.name)
			own, home := east.Option(a.code), west.Option(a.code)
			v, had := was.Option(uint16(a.code))
			var want []byte
			switch listed := list == nil || slices.Contains(list, a.code); {
			case said && mine, own != nil && theirs, home == nil && own == nil && now.group == "local":
				if own != nil {
					want = own.Bytes
				}
			case had:
				want = v
				kept++
			case asked == nil || slices.Contains(asked, a.code) || now.policy.habits.BasicsUnasked && slices.Contains(basics[:], a.code):
				lost++
			case home != nil && a.code == 121 && saidOld: // it was told by its other number
				want = old
			case home != nil && listed:
				want, wantMore = home.Bytes, true
				more++
			}
			got := d.Option(a.code)
			if (got == nil) != (want == nil) || got != nil && string(got.Bytes) != string(want) {
				t.Fatalf("seed %d: option %d is %v, want %q; asked %v, then %v\n%s\nbefore:\n%s", seed, a.code, got, want, list, asked, now.text, before.text)
			}
			if want != nil && (list == nil || slices.Contains(list, a.code)) && !told.Has(a.code) {
				t.Fatalf("seed %d: option %d is asked for and not told: %v", seed, a.code, got)
			}
		}
		if wantMore && h.Rule != binding.RuleAskedMore {
			t.Fatalf("seed %d: it is %s; asked %v, then %v", seed, h.Rule, list, asked)
		}
	}
	if more < 10 || kept < 100 || lost < 20 {
		t.Errorf("asked for more %d times, told again %d, not told %d", more, kept, lost)
	}
}
