package policy

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// A random document says things in all layers that one may write in. Beside each object that holds for the one client
// that is asked for stands another that does not.

// orders are the profiles, spelt once more by hand: weakest first, class kinds that share a place behind a '='.
var orders = map[string][]string{
	"native":  strings.Fields("enterprise intranet server-class server network subnet pool user vendor hardware domain host"),
	"isc":     strings.Fields("enterprise intranet server-class server network subnet pool =user,vendor,hardware domain host"),
	"cisco":   strings.Fields("enterprise intranet server-class server network subnet pool =user,vendor,hardware domain host"),
	"kea":     strings.Fields("enterprise intranet server-class server =user,vendor,hardware network subnet pool domain host"),
	"windows": strings.Fields("enterprise intranet server-class server network subnet =user,vendor,hardware domain pool host"),
}

// statement is what one object says of one option.
type statement struct {
	form     string // set, append, …
	value    string // as a document has it
	takeover string // home, local; empty: it says nothing
}

// object is one object of the document.
type object struct {
	place    string // of orders, without '='
	name     string
	holds    bool // for the client
	priority int  // of a class
	says     map[string]statement
	takeover string // as in statement
}

// kinds of options and how each may be said.
var askable = []struct {
	name  string
	code  uint8
	forms []string
	value func(r *rand.Rand) string
}{
	{"merit-dump", 14, []string{"set", "set", "unset", "force"}, func(r *rand.Rand) string { return fmt.Sprintf("text-%d", r.IntN(5)) }},
	{"root-path", 17, []string{"set", "set", "set", "unset", "force"}, func(r *rand.Rand) string { return fmt.Sprintf("/path/%d", r.IntN(5)) }},
	{"domain-name-servers", 6, []string{"set", "append", "prepend", "unset", "force", "append"}, func(r *rand.Rand) string { return fmt.Sprintf("[10.0.0.%d]", 1+r.IntN(9)) }},
	{"ntp-servers", 42, []string{"append", "prepend", "set"}, func(r *rand.Rand) string { return fmt.Sprintf("[10.1.0.%d, 10.2.0.%d]", 1+r.IntN(9), 1+r.IntN(9)) }},
	{"classless-static-route", 121, []string{"merge", "merge", "set", "unset"}, func(r *rand.Rand) string {
		return fmt.Sprintf("[{to: 10.%d.0.0/16, via: 10.0.0.%d}]", r.IntN(3), 1+r.IntN(9))
	}},
}

func randomObjects(r *rand.Rand) (all []object) {
	add := func(place, name string, holds bool) {
		o := object{place: place, name: name, holds: holds, says: map[string]statement{}}
		if place == "user" || place == "vendor" || place == "hardware" {
			o.priority = []int{0, 0, 0, 5, -5}[r.IntN(5)]
		}
		for _, a := range askable {
			if r.IntN(3) == 0 {
				o.says[a.name] = statement{form: a.forms[r.IntN(len(a.forms))], value: a.value(r)}
			}
		}
		all = append(all, o)
	}
	for _, x := range [...][2]string{
		{"enterprise", ""}, {"intranet", "lab"}, {"server-class", "core"}, {"server", "west"}, {"network", "lan"},
		{"subnet", "10.0.0.0/24"}, {"pool", "10.0.0.10-10.0.0.19"}, {"domain", "corp.example"}, {"host", "pc"},
	} {
		add(x[0], x[1], true)
	}
	for _, x := range [...][2]string{
		{"intranet", "other"}, {"server", "east"}, {"network", "away"}, {"subnet", "10.0.1.0/24"},
		{"pool", "10.0.0.20-10.0.0.29"}, {"domain", "example"}, {"domain", "lab.corp.example"}, {"host", "a-pc"},
	} {
		add(x[0], x[1], false)
	}
	for i := range 2 + r.IntN(6) {
		kind := []string{"user", "vendor", "hardware"}[r.IntN(3)]
		add(kind, fmt.Sprintf("%s-%d", kind, i), r.IntN(3) > 0)
	}
	return all
}

// flow writes the entries of a map in a random order.
func flow(r *rand.Rand, entries ...string) string {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e string) bool { return e == "" })
	r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	return "{" + strings.Join(entries, ", ") + "}"
}

// options writes what o says.
func (o *object) options(r *rand.Rand) string {
	var all []string
	for _, a := range askable {
		s, ok := o.says[a.name]
		switch {
		case !ok:
		case s.form == "set" && s.takeover == "" && r.IntN(2) == 0:
			all = append(all, a.name+": "+s.value)
		case s.form == "unset":
			all = append(all, a.name+": "+flow(r, "unset: true", takeoverEntry(s.takeover)))
		default:
			all = append(all, a.name+": "+flow(r, s.form+": "+s.value, takeoverEntry(s.takeover)))
		}
	}
	said := takeoverEntry(o.takeover)
	if len(all) == 0 {
		return said
	}
	if said != "" {
		said = ", " + said
	}
	return "options: " + flow(r, all...) + said
}

func takeoverEntry(mark string) string {
	if mark == "" {
		return ""
	}
	return "on-takeover: " + mark
}

// document writes the objects with the entries of every map but `classes` in an order that r chooses.
func document(r *rand.Rand, profile string, all []object) string {
	by := map[string][]string{}
	var classes []string
	group := ""
	for i := range all {
		o := &all[i]
		said := o.options(r)
		switch o.place {
		case "group":
			group = ", " + takeoverEntry(o.takeover)
		case "enterprise":
			by["enterprise"] = []string{said}
		case "intranet":
			by["intranets"] = append(by["intranets"], o.name+": "+flow(r, "networks: ["+map[bool]string{true: "lan", false: "away"}[o.holds]+"]", said))
		case "server-class":
			by["server-classes"] = append(by["server-classes"], o.name+": "+flow(r, said))
		case "server":
			by["servers"] = append(by["servers"], o.name+": "+flow(r, said))
		case "network", "subnet", "pool":
			by[o.name] = []string{said}
		case "domain":
			by["domains"] = append(by["domains"], o.name+": "+flow(r, said))
		case "host":
			id := "hardware: 02:00:00:00:00:01"
			if o.holds { // more identifiers
				by["hosts"] = append(by["hosts"], o.name+": "+flow(r, id, "client-id: 01:02", "address: 10.0.0.15", said))
			} else {
				by["hosts"] = append(by["hosts"], o.name+": "+flow(r, id, said))
			}
		default:
			match := map[bool]string{true: `vendor_class.startsWith("Ph")`, false: `vendor_class == "Other"`}[o.holds]
			classes = append(classes, fmt.Sprintf("  %s: %s", o.name, flow(r, "kind: "+o.place, fmt.Sprintf("priority: %d", o.priority), "match: '"+match+"'", said)))
		}
	}
	one := func(name string) string { return by[name][0] }
	pool := flow(r, "range: 10.0.0.10-10.0.0.19", one("10.0.0.10-10.0.0.19"))
	otherPool := flow(r, "range: 10.0.0.20-10.0.0.29", one("10.0.0.20-10.0.0.29"))
	subnet := "10.0.0.0/24: " + flow(r, "pools: ["+pool+", "+otherPool+"]", one("10.0.0.0/24"))
	otherSubnet := "10.0.1.0/24: " + flow(r, "pools: [{range: 10.0.1.10-10.0.1.19}]", one("10.0.1.0/24"))
	sections := []string{
		"networks: " + flow(r, "lan: "+flow(r, "subnets: "+flow(r, subnet, otherSubnet), one("lan")), "away: "+flow(r, "subnets: {10.1.0.0/24: {}}", one("away"))),
		"enterprise: " + flow(r, one("enterprise")),
		"group: {name: campus, members: {west: {peer: 10.9.0.1, class: core}, east: {peer: 10.9.0.2}}" + group + "}",
		"precedence: " + profile,
	}
	for _, s := range []string{"intranets", "server-classes", "servers", "domains", "hosts"} {
		sections = append(sections, s+": "+flow(r, by[s]...))
	}
	if len(classes) > 0 {
		sections = append(sections, "classes:\n"+strings.Join(classes, "\n"))
	}
	r.Shuffle(len(sections), func(i, j int) { sections[i], sections[j] = sections[j], sections[i] })
	return strings.Join(sections, "\n") + "\n"
}

// ranked returns the objects that hold for the client under a profile, the weakest first.
func ranked(profile string, all []object) (holding []*object) {
	for _, place := range orders[profile] {
		kinds := strings.Split(strings.TrimPrefix(place, "="), ",")
		var here []*object
		for i := range all {
			if profile == "isc" && all[i].place == "pool" { // the client's address is reserved (config.Habits)
				continue
			}
			if all[i].holds && slices.Contains(kinds, all[i].place) {
				here = append(here, &all[i])
			}
		}
		slices.SortStableFunc(here, func(a, b *object) int { return b.priority - a.priority })
		slices.Reverse(here)
		holding = append(holding, here...)
	}
	return holding
}

// expected folds what the objects say of an option from the weakest to the strongest, by a model that knows nothing of
// how policy works. Values are as Def.Text has them; empty: the client does not get it.
func expected(t *testing.T, def option.Def, name string, holding []*object) string {
	var items []string // of a list
	for _, o := range holding {
		s, ok := o.says[name]
		if !ok {
			continue
		}
		mine := strings.Split(strings.Trim(s.value, "[]"), ", ")
		if def.Code == 121 {
			mine = []string{strings.Trim(s.value, "[]")}
		}
		switch s.form {
		case "set", "force":
			items = mine
		case "unset":
			items = nil
		case "append":
			items = slices.Concat(items, mine)
		case "prepend":
			items = slices.Concat(mine, items)
		case "merge":
			key := func(route string) string { return strings.Fields(route)[1] }
			at := slices.IndexFunc(items, func(x string) bool { return key(x) == key(mine[0]) })
			if items = slices.Clone(items); at >= 0 {
				items[at] = mine[0]
			} else {
				items = append(items, mine[0])
			}
		default:
			t.Fatal(s.form)
		}
	}
	if len(items) == 0 {
		return ""
	}
	doc, problems := config.Parse("x", []byte("enterprise: {options: {"+name+": ["+strings.Join(items, ", ")+"]}}"))
	if def.Code == 14 || def.Code == 17 {
		doc, problems = config.Parse("x", []byte("enterprise: {options: {"+name+": "+items[0]+"}}"))
	}
	if doc == nil {
		t.Fatal(problems)
	}
	return hex.EncodeToString(doc.Enterprise.Options[0].Value)
}

var phone = said{12: "pc.corp.example", 60: "Phone 7"}

func theClient(p *Policy) *Facts {
	return p.on("10.0.0.0", binding.Client{Hardware: mac(1), ID: []byte{1, 2}}, phone)
}

// outcome is everything that a policy says to the one client, but for lines.
func outcome(p *Policy, as binding.Member) string {
	var d Decision
	f := theClient(p)
	p.Resolve(as, f, &d)
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v %v %v %v\n", d.Host.Name, d.Reserved, d.Pool != nil, d.Lifetime, d.domain.object)
	d.Classes(func(name string) { fmt.Fprintf(&b, "class %s\n", name) })
	for _, q := range d.Pools {
		fmt.Fprintf(&b, "pool %d %s\n", q.ID, q.Name())
	}
	for _, v := range d.Values() {
		fmt.Fprintf(&b, "%d %q %v %s %s %v\n", v.Code, v.Bytes, v.Layer, v.Object, v.Rule, v.Forced)
	}
	return b.String()
}

func TestRandomDocumentsAgainstAModel(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	digests := map[string]string{}
	for range 200 {
		all := randomObjects(r)
		profile := []string{"native", "isc", "kea", "cisco", "windows"}[r.IntN(5)]
		text := document(r, profile, all)
		p := compiled(t, text)
		check := func(all []object, p *Policy, text string) {
			t.Helper()
			var d Decision
			f := theClient(p)
			p.Resolve("west", f, &d)
			holding := ranked(profile, all)
			for _, a := range askable {
				want := expected(t, p.Registry().ByCode(option.DHCPv4, option.Code(a.code)), a.name, holding)
				got := ""
				if v := d.Option(a.code); v != nil {
					got = hex.EncodeToString(v.Bytes)
				}
				if got != want {
					t.Fatalf("seed %d: %s is %s, want %s\n%s", seed, a.name, got, want, text)
				}
			}
			// Equal results and equal digests are the same thing.
			told := d.Told(f)
			result := d.AppendResult(nil, f, &told)
			digest := binding.DigestOf(result).String()
			if before, ok := digests[digest]; ok && before != string(result) {
				t.Fatalf("seed %d: one digest for two results", seed)
			}
			digests[digest] = string(result)
			again := d.AppendResult(nil, f, &told)
			if string(again) != string(result) {
				t.Fatalf("seed %d: two results of one decision", seed)
			}
		}
		check(all, p, text)

		// The order in which maps other than classes are written means nothing.
		other := document(r, profile, all)
		q := compiled(t, other)
		if a, b := outcome(p, "west"), outcome(q, "west"); a != b {
			t.Fatalf("seed %d: two orders of one document:\n%s\n%s\n%s", seed, a, b, text)
		}
		if p.Version != q.Version {
			t.Fatalf("seed %d: two orders of one document have two digests\n%s\n%s", seed, text, other)
		}

		// What a weaker object says changes nothing that a stronger one closed.
		holding := ranked(profile, all)
		weak := r.IntN(len(holding) - 1)
		closed := map[string]bool{}
		for _, o := range holding[weak+1:] {
			for name, s := range o.says {
				closed[name] = closed[name] || s.form == "set" || s.form == "force" || s.form == "unset"
			}
		}
		before := map[uint8]string{}
		value := func(p *Policy, code uint8) string {
			var d Decision
			p.Resolve("west", theClient(p), &d)
			if v := d.Option(code); v != nil {
				return fmt.Sprintf("%x %v %s", v.Bytes, v.Layer, v.Object)
			}
			return ""
		}
		for _, a := range askable {
			if closed[a.name] {
				before[a.code] = value(p, a.code)
			}
		}
		for _, a := range askable {
			if delete(holding[weak].says, a.name); r.IntN(2) == 0 {
				holding[weak].says[a.name] = statement{form: a.forms[r.IntN(len(a.forms))], value: a.value(r)}
			}
		}
		text = document(r, profile, all)
		p = compiled(t, text)
		for code, was := range before {
			if is := value(p, code); is != was {
				t.Fatalf("seed %d: option %d became %q, was %q, by a weaker layer\n%s", seed, code, is, was, text)
			}
		}
		check(all, p, text)
	}
}

// Who answers changes nothing but what the layers of servers set.
func TestAnotherServerChangesOnlyWhatServersSet(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 2))
	t.Logf("seed %d", seed)
	for range 100 {
		all := randomObjects(r)
		text := document(r, "native", all)
		p := compiled(t, text)
		var west, east Decision
		p.Resolve("west", theClient(p), &west)
		p.Resolve("east", theClient(p), &east)
		says := func(name string) bool {
			for _, o := range all {
				if _, ok := o.says[name]; ok && (o.place == "server" || o.place == "server-class") {
					return true
				}
			}
			return false
		}
		for _, a := range askable {
			v, w := west.Option(a.code), east.Option(a.code)
			same := (v == nil) == (w == nil) && (v == nil || string(v.Bytes) == string(w.Bytes) && v.Layer == w.Layer && v.Object == w.Object)
			if !same && !says(a.name) {
				t.Fatalf("seed %d: %s differs, and no server says anything of it\n%s", seed, a.name, text)
			}
		}
		if west.Reserved != east.Reserved || west.Lifetime != east.Lifetime || len(west.Pools) != len(east.Pools) || fmt.Sprint(west.classes) != fmt.Sprint(east.classes) {
			t.Fatalf("seed %d: more than options differ\n%s", seed, text)
		}
		// Without the layers of servers there is no difference at all.
		for i := range all {
			if all[i].place == "server" || all[i].place == "server-class" {
				all[i].says = nil
			}
		}
		p = compiled(t, document(r, "native", all))
		if a, b := outcome(p, "west"), outcome(p, "east"); a != b {
			t.Fatalf("seed %d:\n%s\n%s", seed, a, b)
		}
	}
}

// Any message of any client has an answer, and the same every time, whatever was decided in between.
func TestResolveIsTotalAndRemembersNothing(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	t.Logf("seed %d", seed)
	for range 50 {
		p := compiled(t, document(r, "native", randomObjects(r)))
		var used Decision
		for range 50 {
			options := said{}
			for range r.IntN(8) {
				v := make([]byte, r.IntN(40))
				for i := range v {
					v[i] = byte(r.Uint32())
				}
				options[uint16(r.IntN(256))] = string(v)
			}
			f := &Facts{
				Link: p.SubnetOf([]netip.Addr{ip("10.0.0.0"), ip("10.0.1.0"), ip("10.1.0.0")}[r.IntN(3)]), Options: options,
				Client: binding.Client{Hardware: mac(byte(r.IntN(3))), ID: []byte{1, byte(r.IntN(3))}},
			}
			var fresh Decision
			p.Resolve("west", f, &fresh)
			p.Resolve("west", f, &used)
			told, again := fresh.Told(f), used.Told(f)
			a, b := fresh.AppendResult(nil, f, &told), used.AppendResult(nil, f, &again)
			if string(a) != string(b) {
				t.Fatalf("seed %d: a decision that was used before answers otherwise", seed)
			}
		}
	}
}
