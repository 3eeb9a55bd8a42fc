package main

import (
	"io"
	"strings"
	"testing"
)

func TestSkippedAndUnbuiltCountAsFailed(t *testing.T) {
	for name, c := range map[string]struct {
		events         string
		passed, failed int
	}{
		"a pass":                       {`{"Action":"pass","Package":"p","Test":"A"}` + "\n" + `{"Action":"pass","Package":"p"}`, 1, 0},
		"a skip":                       {`{"Action":"skip","Package":"p","Test":"A"}` + "\n" + `{"Action":"pass","Package":"p"}`, 0, 1},
		"a package that did not build": {`{"Action":"fail","Package":"p"}`, 0, 1},
		"a panic":                      {`{"Action":"output","Package":"p","Test":"A","Output":"panic"}` + "\n" + `{"Action":"fail","Package":"p"}`, 0, 1},
		"one of two parts": {`{"Action":"pass","Package":"p","Test":"A/x"}` + "\n" + `{"Action":"fail","Package":"p","Test":"A/y"}` + "\n" +
			`{"Action":"fail","Package":"p","Test":"A"}` + "\n" + `{"Action":"fail","Package":"p"}`, 1, 1},
		"a group that fails by itself": {`{"Action":"pass","Package":"p","Test":"A/x"}` + "\n" +
			`{"Action":"fail","Package":"p","Test":"A"}` + "\n" + `{"Action":"fail","Package":"p"}`, 1, 1},
		"a package without tests": {`{"Action":"skip","Package":"p"}`, 0, 0},
	} {
		r := &tally{output: map[string]*strings.Builder{}, names: map[string]bool{}, results: map[string]string{}}
		if err := r.read(strings.NewReader(c.events), io.Discard); err != nil {
			t.Fatal(err)
		}
		r.count()
		if r.passed != c.passed || r.failed != c.failed {
			t.Errorf("%s: %d passed, %d failed; want %d and %d", name, r.passed, r.failed, c.passed, c.failed)
		}
	}
}
