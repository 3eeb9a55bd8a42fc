package failover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Difference is what differs between two configurations.
type Difference struct {
	// Parts are in ascending order of name.
	Parts []Differing
	// Unnamed is how many parts only the partner has and did not name; its own status names them.
	Unnamed int
	// More says that there are more that differ than a greeting can tell.
	More bool
}

// Differing is a part that differs.
type Differing struct {
	Name        string
	Here, There string // what it says; empty: not known, or too long to show
	Where       Where
}

// Where says which of two configurations has a part. The zero value is invalid.
type Where uint8

const (
	_ Where = iota
	// Both have it, and say different things.
	Both
	// OnlyHere and OnlyThere: the other one does not.
	OnlyHere
	OnlyThere
)

// None reports whether nothing differs.
func (d *Difference) None() bool { return len(d.Parts) == 0 && d.Unnamed == 0 && !d.More }

// compare returns what differs between s and what the partner told.
func (s *set) compare(t *Summary) Difference {
	if s.told.Count == t.Count && s.told.Digest == t.Digest {
		return Difference{}
	}
	var d Difference
	switch theirs, ok := readSketch(t.Sketch); {
	case ok:
		d = s.read(theirs)
	case len(t.Parts) == t.Count:
		d = matched(apart(s.all, ordered(slices.Clone(t.Parts))))
	}
	if d.None() { // they are not the same, whatever was told
		d.More = true
	}
	return d
}

// read finds out by sketches what differs.
func (s *set) read(theirs *sketch) Difference {
	ours, ok := readSketch(s.told.Sketch)
	if !ok {
		ours = sketchOf(s.all)
	}
	only, unknown, whole := ours.less(theirs)
	there := map[uint64]int{}
	for _, u := range unknown {
		there[u.name]++
	}
	d := Difference{Unnamed: len(unknown), More: !whole}
	for _, o := range only {
		i, ok := slices.BinarySearchFunc(s.all, o, func(p Part, o marked) int { return slices.Compare(p.Digest[:], o.digest[:]) })
		if !ok {
			d.More = true
			continue
		}
		x := Differing{Name: s.all[i].Name, Here: s.all[i].Says, Where: OnlyHere}
		if n := nameMark(x.Name); there[n] > 0 {
			there[n]--
			d.Unnamed--
			x.Where = Both
		}
		d.Parts = append(d.Parts, x)
	}
	d.sort()
	return d
}

// apart returns the parts that only one of two ordered lists has.
func apart(here, there []Part) (onlyHere, onlyThere []Part) {
	for len(here) > 0 || len(there) > 0 {
		c := 0
		switch {
		case len(here) == 0:
			c = 1
		case len(there) == 0:
			c = -1
		default:
			c = slices.Compare(here[0].Digest[:], there[0].Digest[:])
		}
		if c < 0 {
			onlyHere = append(onlyHere, here[0])
		}
		if c > 0 {
			onlyThere = append(onlyThere, there[0])
		}
		if c <= 0 {
			here = here[1:]
		}
		if c >= 0 {
			there = there[1:]
		}
	}
	return onlyHere, onlyThere
}

// matched brings parts of one name together.
func matched(here, there []Part) (d Difference) {
	byName := make(map[string]int, len(there))
	for i := range there {
		byName[there[i].Name] = i
	}
	for i := range here {
		x := Differing{Name: here[i].Name, Here: here[i].Says, Where: OnlyHere}
		if j, ok := byName[x.Name]; ok {
			x.There, x.Where = there[j].Says, Both
			delete(byName, x.Name)
		}
		d.Parts = append(d.Parts, x)
	}
	for i := range there {
		if _, ok := byName[there[i].Name]; ok {
			d.Parts = append(d.Parts, Differing{Name: there[i].Name, There: there[i].Says, Where: OnlyThere})
		}
	}
	d.sort()
	return d
}

func (d *Difference) sort() {
	slices.SortFunc(d.Parts, func(a, b Differing) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Where, b.Where)) })
}

// String returns the part's key, and what each side says of it.
func (x Differing) String() string {
	switch {
	case x.Where == OnlyHere && x.Here != "":
		return x.Name + " (only here: " + x.Here + ")"
	case x.Where == OnlyHere:
		return x.Name + " (only here)"
	case x.Where == OnlyThere && x.There != "":
		return x.Name + " (only there: " + x.There + ")"
	case x.Where == OnlyThere:
		return x.Name + " (only there)"
	case x.Here != "" && x.There != "" && x.Here != x.There:
		return x.Name + " (" + x.Here + " here, " + x.There + " there)"
	case x.Here != "" && x.There == "":
		return x.Name + " (" + x.Here + " here, another there)"
	}
	return x.Name
}

// names reports whether the part of that key differs.
func (d *Difference) names(key string) bool {
	return slices.ContainsFunc(d.Parts, func(x Differing) bool { return x.Name == key })
}

// Lines returns what differs, a part each, with a last line for what is not named: most lines and one.
func (d *Difference) Lines(most int) []string {
	var all []string
	for i := range min(len(d.Parts), most) {
		all = append(all, d.Parts[i].String())
	}
	if rest := d.rest(most); rest != "" {
		all = append(all, rest)
	}
	return all
}

// rest says in words what the first most parts leave out; empty if nothing.
func (d *Difference) rest(most int) string {
	var all []string
	if n := len(d.Parts) - most; n > 0 {
		all = append(all, fmt.Sprintf("%d more", n))
	}
	if d.Unnamed > 0 {
		all = append(all, fmt.Sprintf("%d that only the partner has and its status names", d.Unnamed))
	}
	if d.More {
		all = append(all, "more than a greeting can tell")
	}
	return strings.Join(all, ", ")
}

// Words returns what differs on one line; of many parts the first ones.
func (d *Difference) Words() string {
	const most = 12
	named := d.Lines(most)
	rest := d.rest(most)
	if rest == "" {
		return strings.Join(named, ", ")
	}
	named = named[:len(named)-1]
	if len(named) == 0 {
		return rest
	}
	return strings.Join(named, ", ") + " and " + rest
}

// Names returns the keys of what differs; of many the first ones, and how many there are besides.
func (d *Difference) Names() (all []string) {
	const most = 12
	for i := range min(len(d.Parts), most) {
		all = append(all, d.Parts[i].Name)
	}
	if rest := d.rest(most); rest != "" {
		all = append(all, rest)
	}
	return all
}
