package config

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// samePieces fails if a document is read otherwise in pieces than as one tree.
func samePieces(t *testing.T, name string, src []byte, size int) (inPieces bool) {
	t.Helper()
	whole, problems := parse(name, src, len(src)+1)
	p := newParser(name, src, size)
	p.read()
	d, others := parse(name, src, size)
	if !reflect.DeepEqual(problems, others) {
		t.Fatalf("%s in pieces of %d: got\n%v\nwant\n%v", name, size, others, problems)
	}
	if (d == nil) != (whole == nil) {
		t.Fatalf("%s in pieces of %d: document %v, want %v", name, size, d != nil, whole != nil)
	}
	if d == nil {
		return false
	}
	d.Classes, whole.Classes = comparable(d.Classes), comparable(whole.Classes)
	if !reflect.DeepEqual(d, whole) {
		t.Fatalf("%s in pieces of %d is another document:\n%+v\n%+v", name, size, d, whole)
	}
	return len(p.bodies) > 0 && !p.whole
}

// comparable returns the classes without what holds functions.
func comparable(all []Class) []Class {
	for i := range all {
		all[i].Match = nil
	}
	return all
}

func TestReadingInPiecesChangesNothing(t *testing.T) {
	inPieces := 0
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"good", "doubtful", "bad"} {
		files = append(files, documents(t, dir)...)
	}
	for _, file := range files {
		src := read(t, file)
		for _, size := range []int{0, 1, 40, 200} {
			for _, text := range [][]byte{src, bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n"))} {
				if samePieces(t, file, text, size) {
					inPieces++
				}
			}
		}
	}
	if inPieces < 50 {
		t.Errorf("only %d documents were read in pieces: the test shows nothing", inPieces)
	}
}

func TestWhatIsNoWholePieceIsReadAsOneTree(t *testing.T) {
	const lan = "networks:\n  lan: {subnets: {10.0.0.0/24: }}\n"
	for name, src := range map[string]string{
		"a quote over entries":  "hosts:\n  a: {circuit-id: \"x\n  b: y\", address: 10.0.0.9}\n  c: {circuit-id: z}\n" + lan,
		"a flow map":            "hosts:\n  a: {circuit-id: x,\n  client-id: 01:02}\n  b: {circuit-id: z}\n" + lan,
		"in a quote":            "enterprise: {boot-file-name: \"a\nhosts:\n  b: c\n\"}\n" + lan,
		"in a flow map":         "{networks: {lan: {subnets: {10.0.0.0/24: }}},\nhosts:\n  {a: {circuit-id: x}}\n}\n",
		"twice":                 "hosts:\n  a: {circuit-id: x}\n  a: {circuit-id: y}\n" + lan,
		"sections twice":        "hosts:\n  a: {circuit-id: x}\n" + lan + "hosts:\n  b: {circuit-id: y}\n",
		"a list":                "hosts:\n  - a\n  - b\n" + lan,
		"a scalar":              "hosts:\n  a\n  b\n" + lan,
		"a deeper dedent":       "hosts:\n    a: {circuit-id: x}\n  b: {circuit-id: y}\n" + lan,
		"an anchor":             "hosts:\n  a: &a {circuit-id: x}\n  b: *a\n" + lan,
		"a tag":                 "hosts: !!map\n  a: {circuit-id: x}\n" + lan,
		"a second document":     "hosts:\n  a: {circuit-id: x}\n---\n" + lan,
		"an end":                "hosts:\n  a: {circuit-id: x}\n...\n",
		"a long key":            "hosts:\n  ? a\n  : {circuit-id: x}\n  ? b\n  : {circuit-id: y}\n" + lan,
		"a block scalar":        "hosts:\n  a:\n    circuit-id: |1\n    b: c\n  d: {circuit-id: e}\n" + lan,
		"a tab":                 "hosts:\n  a: {circuit-id: x,\n\tclient-id: 01:02}\n  b: {circuit-id: z}\n" + lan,
		"a value beside":        "hosts: # c\n  a: {circuit-id: x}\n  b: {circuit-id: y}\n" + lan,
		"nothing below":         "hosts:\n" + lan,
		"only comments":         "hosts:\n  # a\n\n" + lan,
		"a comment at the left": "hosts:\n  a: {circuit-id: x}\n# c\n  b: {circuit-id: y}\n\n" + lan,
		"a carriage return":     "hosts:\n  a: {circuit-id: x}\rnetworks:\n  lan: {subnets: {10.0.0.0/24: }}\n",
		"a next line":           "hosts:\n  a: {circuit-id: x}\u0085  b: {circuit-id: y}\n  c: {circuit-id: z, address: x}\n" + lan,
		"no newline":            lan + "hosts:\n  a: {circuit-id: x}\n  b: {circuit-id: y}",
		"a plain text":          "hosts:\n  a:\n    circuit-id: x\n     y\n  b: {circuit-id: z}\n" + lan,
		"deep":                  "hosts:\n  a: {options: " + strings.Repeat("{a: ", MaxDepth-3) + strings.Repeat("}", MaxDepth-3) + "}\n" + lan,
		"deeper":                "hosts:\n  a: {options: " + strings.Repeat("{a: ", MaxDepth-2) + strings.Repeat("}", MaxDepth-2) + "}\n" + lan,
		"a quote that ends":     "hosts:\n  a: {circuit-id: \"x\n  \", address: 10.0.0.9}\n  c: {circuit-id: z}\n" + lan,
		"quoted keys":           "hosts:\n  \"a\": {circuit-id: x}\n  'b': {circuit-id: y}\n  a: {circuit-id: z}\n" + lan,
		"empty":                 "hosts:\n  a:\n  b:\n" + lan,
		"both":                  "networks:\n  lan: {subnets: {10.0.0.0/24: }}\n  wan: {subnets: {10.1.0.0/24: }}\n\nhosts:\n  a: {circuit-id: x, address: 10.9.9.9}\n\naccept:\n  host-name: x\n",
		"both, doubtful":        "hosts:\n  a: {circuit-id: x, address: 10.9.9.9}\n\n  b: {circuit-id: y, address: 10.9.9.8}\nserver: {interfaces: [eth0]}\nnetworks:\n  lan: {subnets: {10.0.0.0/24: }, interfaces: [eth1]}\n  wan: {subnets: {10.1.0.0/24: }}\n\nenterprise:\n  options: {host-name: x}\n",
	} {
		for size := range 30 {
			samePieces(t, name, []byte(src), size)
		}
	}
}

func TestLargeDocumentsAreReadInPieces(t *testing.T) {
	var s strings.Builder
	manyClasses(&s, 200, 5)
	manySubnets(&s, 200)
	manyHosts(&s, 2000)
	if !samePieces(t, "many.yaml", []byte(s.String()), 1<<12) {
		t.Error("the document was read as one tree")
	}
}
