package config

import (
	"path/filepath"
	"testing"
)

func TestExamplesHaveNoProblems(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		d, problems := Parse(filepath.Base(file), read(t, file))
		if d == nil || len(problems) > 0 {
			t.Errorf("%s:\n%v", file, problems)
		}
	}
}

func TestTheExampleOfTheLayersHasThemAll(t *testing.T) {
	d := parsed(t, string(read(t, "../../examples/layers.yaml")))
	for l := EnterpriseLayer; l <= ClientLayer; l++ {
		if !d.uses(l) {
			t.Errorf("nothing stands in the layer %v", l)
		}
	}
	if err := d.As("west").Serves(); err != nil {
		t.Error(err)
	}
}
