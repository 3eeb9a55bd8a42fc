// Report reads what `go test -json` writes and says it briefly: a line a package, and everything that a failed test
// wrote. A test that skipped itself counts as failed, since a promise that nobody checked is not kept. At the end
// the numbers are added to the file that the environment variable TALLY names, if it does.
//
//	go test -json ./... | report NAME
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

// event is a line of `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string
	Elapsed                       float64
}

// tally is what a run came to.
type tally struct {
	passed, failed int
	output         map[string]*strings.Builder // what each test wrote, by package and test
	names          map[string]bool             // tests that are a group of others are not counted themselves
	results        map[string]string
	packages       int
}

func main() {
	name := "tests"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	t := &tally{output: map[string]*strings.Builder{}, names: map[string]bool{}, results: map[string]string{}}
	if err := t.read(os.Stdin, os.Stdout); err != nil {
		fmt.Println(err)
		t.failed++
	}
	t.count()
	fmt.Printf("%s: %d passed, %d failed\n", name, t.passed, t.failed)
	if err := t.keep(os.Getenv("TALLY")); err != nil {
		fmt.Println(err)
		t.failed++
	}
	// A stage in which nothing ran is a mistake in the way it was called.
	if t.failed > 0 || t.passed == 0 {
		os.Exit(1)
	}
}

// read takes events until the end of the stream, and tells what an onlooker wants to know as it comes.
func (t *tally) read(in io.Reader, say io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(say, lines.Text()) // not from a test: the go command itself
			continue
		}
		t.take(e, say)
	}
	return lines.Err()
}

func (t *tally) take(e event, say io.Writer) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		b := t.output[key]
		if b == nil {
			b = new(strings.Builder)
			t.output[key] = b
		}
		b.WriteString(e.Output)
	case "build-output":
		fmt.Fprint(say, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e, say)
			return
		}
		t.results[key] = e.Action
		if parent := strings.LastIndex(e.Test, "/"); parent > 0 {
			t.names[e.Package+" "+e.Test[:parent]] = true
		}
		switch e.Action {
		case "fail":
			fmt.Fprintf(say, "--- FAIL: %s %s (%.1f s)\n%s", e.Package, e.Test, e.Elapsed, t.said(key))
		case "skip":
			fmt.Fprintf(say, "--- SKIPPED, which counts as failed: %s %s\n%s", e.Package, e.Test, t.said(key))
		}
		delete(t.output, key)
	}
}

// endPackage ends a package. One that fails without a failed test did not build, panicked or ran out of time.
func (t *tally) endPackage(e event, say io.Writer) {
	switch e.Action {
	case "skip": // no test files
	case "pass":
		t.packages++
		fmt.Fprintf(say, "ok   %s (%.1f s)\n", e.Package, e.Elapsed)
	case "fail":
		t.packages++
		fmt.Fprintf(say, "FAIL %s (%.1f s)\n%s", e.Package, e.Elapsed, t.said(e.Package+" "))
		for key, r := range t.results {
			if r != "pass" && strings.HasPrefix(key, e.Package+" ") {
				return
			}
		}
		for _, key := range t.unfinished(e.Package) {
			fmt.Fprintf(say, "--- did not end: %s\n%s", key, t.said(key))
		}
		t.failed++
	}
}

func (t *tally) said(key string) string {
	if b := t.output[key]; b != nil {
		return b.String()
	}
	return ""
}

// unfinished returns the tests of a package that wrote something and have no result.
func (t *tally) unfinished(pkg string) []string {
	var keys []string
	for key := range t.output {
		if strings.HasPrefix(key, pkg+" ") && key != pkg+" " && t.results[key] == "" {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys
}

func (t *tally) count() {
	for key, r := range t.results {
		switch {
		case r == "fail" && t.partFailed(key): // its part is counted
		case r != "pass":
			t.failed++
		case r == "pass" && !t.names[key]:
			t.passed++
		}
	}
}

// partFailed reports whether a test below this one failed.
func (t *tally) partFailed(key string) bool {
	if !t.names[key] {
		return false
	}
	for k, r := range t.results {
		if r != "pass" && strings.HasPrefix(k, key+"/") {
			return true
		}
	}
	return false
}

// keep adds a line with the numbers to the file.
func (t *tally) keep(file string) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	fmt.Fprintln(f, t.passed, t.failed)
	return f.Close()
}
