package sim

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var shrinkTo = flag.String("shrink", "", "a file to which the first history that fails is written, made short; with -removal the one that misses that rule")

// The histories in testdata were found by chance and made short. Each says which rule is missed in it; with all rules it holds.
func TestTranscripts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			p, about, err := ReadPlan(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Actions) > 30 {
				t.Errorf("%d decisions are no short history", len(p.Actions))
			}
			if out := Run(p, nil, nil); out.Failed != "" {
				t.Error(out.Failed)
			}
			for _, line := range about {
				if rule, ok := strings.CutPrefix(line, "missed: "); ok {
					r := removalNamed(rule)
					if r == nil {
						t.Fatalf("there is no rule %q", rule)
					}
					if Run(p, r, nil).Failed == "" {
						t.Logf("the rule %q is not missed in it any more: what is decided has changed since", rule)
					}
				}
			}
		})
	}
}

func removalNamed(name string) *Removal {
	all := Removals()
	if i := slices.IndexFunc(all, func(r Removal) bool { return r.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// -shrink FILE makes a history that fails short.
func TestShrinking(t *testing.T) {
	if *shrinkTo == "" {
		p := Draw(1, false)
		var b bytes.Buffer
		if err := p.Write(&b, "a plan"); err != nil {
			t.Fatal(err)
		}
		q, about, err := ReadPlan(&b)
		if err != nil || q.Settings != p.Settings || !slices.Equal(q.Actions, p.Actions) || !slices.Equal(about, []string{"a plan"}) {
			t.Errorf("a plan that is written is not read: %v", err)
		}
		needs := []Action{p.Actions[3], p.Actions[len(p.Actions)/2]}
		short := Shrink(p, 2000, func(p *Plan) bool {
			return slices.Contains(p.Actions, needs[0]) && slices.Contains(p.Actions, needs[1])
		})
		if !slices.Equal(short.Actions, needs) {
			t.Errorf("of %d decisions %d are left where two were enough", len(p.Actions), len(short.Actions))
		}
		return
	}
	var r *Removal
	about := []string{}
	if *removalOnly != "" {
		r = removalNamed(*removalOnly)
		about = append(about, "missed: "+r.Name)
	}
	for seed := *firstSeed; seed < *firstSeed+uint64(*seedsFlag); seed++ {
		p := Draw(seed, false)
		if Run(p, r, nil).Failed == "" {
			continue
		}
		fails := func(p *Plan) bool { return Run(p, r, nil).Failed != "" }
		p = Shrink(p, 600, fails)
		about = append(about, Run(p, r, nil).Failed)
		f, err := os.Create(*shrinkTo)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(f, about...); err != nil {
			t.Error(err)
		}
		f.Close()
		t.Logf("seed %d: %d decisions are left", seed, len(p.Actions))
		return
	}
	t.Error("no history fails")
}
