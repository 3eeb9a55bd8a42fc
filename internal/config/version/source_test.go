package version

import (
	"bytes"
	"strings"
	"testing"
)

const (
	linesServer = "server:\n  name: west\n\n  data: /nowhere\n"
	linesGroup  = "# the networks\nnetworks:\n  n:\n    subnets:\n      10.0.0.0/24:\n        pools: [{range: 10.0.0.5-10.0.0.9}]\n"
	linesHosts  = "hosts:\n  h: {hardware: 02:00:00:00:00:01}\n"
)

// Each line of a file that is what a version says has its line in what is shown, and the other way round: they are the same line.
func TestTheLinesOfAFileAreThoseThatAreShown(t *testing.T) {
	for name, file := range map[string]string{
		"no server":         linesGroup + linesHosts,
		"server first":      linesServer + "\n\n" + linesGroup,
		"server between":    linesGroup + linesServer + "# of the hosts\n" + linesHosts,
		"server last":       linesGroup + linesServer,
		"server open":       linesGroup + strings.TrimSuffix(linesServer, "\n"),
		"empty lines":       "\n\r\n\n" + linesGroup,
		"empty, and server": "\n\n" + linesServer + "\n" + linesGroup,
		"a mark":            "\xef\xbb\xbf" + linesServer + linesGroup,
		"carriage returns":  strings.ReplaceAll(linesServer+"\n"+linesGroup, "\n", "\r\n"),
	} {
		v := root(t, file)
		shown, written := strings.Split(string(v.Show()), "\n"), strings.Split(strings.TrimPrefix(file, "\xef\xbb\xbf"), "\n")
		if shown[1] == "" || shown[1] == "\r" {
			t.Errorf("%s: the first line is empty", name)
		}
		l, same := LinesOf([]byte(file), v.Written())
		if !same || l != LinesIn([]byte(file)) || l.InFile(1) != 0 || l.InFile(0) != 0 {
			t.Errorf("%s: %v %+v", name, same, l)
		}
		for i := 2; i < len(shown); i++ { // behind the last line end there is none
			if at := l.InFile(i); at < 1 || at > len(written) || written[at-1] != shown[i-1] {
				t.Errorf("%s: line %d, %q, is said to be line %d of\n%s", name, i, shown[i-1], at, file)
			}
		}
		d, err := v.Read()
		if err != nil || !strings.HasPrefix(strings.TrimSpace(shown[d.Networks[0].Position.Line-1]), "n:") {
			t.Errorf("%s: %v: the network is on line %d of\n%s", name, err, d.Networks[0].Position.Line, v.Show())
		}
	}
}

func TestAFileThatSaysTheSameInOtherWordsHasOtherLines(t *testing.T) {
	v := root(t, linesGroup)
	for _, file := range []string{linesGroup + "\n", "# more\n" + linesGroup, "{server: {name: west}, networks: {n: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.5-10.0.0.9}]}}}}}"} {
		if _, same := LinesOf([]byte(file), v.Written()); same || !bytes.Equal(root(t, file).Document, v.Document) {
			t.Errorf("%q is said to be %q", file, v.Written())
		}
	}
}

// What is edited and applied again and again stays as it is written: no line is added for the one that named the version.
func TestEditsAddNoEmptyLines(t *testing.T) {
	v := root(t, linesGroup)
	for range 3 {
		_, src, err := Against(v.Show())
		if err != nil {
			t.Fatal(err)
		}
		v = root(t, string(src))
		if string(v.Written()) != linesGroup {
			t.Fatalf("it is shown as\n%s", v.Show())
		}
	}
}
