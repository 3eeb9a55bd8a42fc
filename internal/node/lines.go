package node

import (
	"bytes"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// A line of the configuration that a person is shown is one that he can open: of what `lessor config show` prints of a version, whoever
// made that and however, and besides of this member's file, as long as that is the very text that is in force.

// fileLines says which lines of this member's file those of a version are.
type fileLines struct {
	version string
	path    string
	text    []byte // of the file when it was read, with an empty line in place of the one that says what it was written against
	lines   version.Lines

	file, head *config.Document // what it was made from
}

// publishLines makes known where the head stands in this member's file, if the file is what is in force.
func (k *keeper) publishLines() {
	h := &k.heads
	if h.policy == nil {
		return
	}
	head := h.policy.Document
	if last := k.inFile.Load(); last != nil && last.file == k.file && last.head == head {
		return
	}
	f := &fileLines{version: idText(h.head), path: k.file.File, text: k.file.Source, file: k.file, head: head}
	if lines, same := version.LinesOf(k.file.Source, shownText(head)); same {
		f.lines = lines
	} else {
		f.path = ""
	}
	k.inFile.Store(f)
}

// shownText returns the text of a version that was read as it is shown, without the line that names it.
func shownText(d *config.Document) []byte {
	_, text, _ := bytes.Cut(d.Source, []byte{'\n'})
	return text
}

// isThere reports whether the file still is as it was read: nobody has edited it since.
func (f *fileLines) isThere() bool {
	info, err := os.Stat(f.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > config.MaxSize {
		return false
	}
	file, err := os.Open(f.path)
	if err != nil {
		return false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, config.MaxSize+1))
	if err != nil {
		return false
	}
	_, text, err = version.Against(text)
	return err == nil && bytes.Equal(text, f.text)
}

// fileOf returns where a version stands in this member's file; nil: it does not, or not any more.
func (n *Node) fileOf(id string) *fileLines {
	if f := n.keeper.inFile.Load(); f != nil && f.path != "" && f.version == id && f.isThere() {
		return f
	}
	return nil
}

// of returns the line of the file; 0 where there is no file, or no such line.
func (f *fileLines) of(line int) int {
	if f == nil || line == 0 {
		return 0
	}
	return f.lines.InFile(line)
}

// source returns of what the lines of a version are counted.
func (f *fileLines) source(id string) policy.Source {
	s := policy.Source{Version: id}
	if f != nil {
		s.File = f.path
	}
	return s
}

// placeExplanation says which lines of the file those of an explanation are.
func (n *Node) placeExplanation(x *policy.Explanation) {
	if f := n.fileOf(x.Source.Version); f != nil {
		x.InFile(f.path, f.of)
	}
}

// placeFailures says of what the lines of classes that failed are counted.
func (n *Node) placeFailures(head string, all []ClassFailure) {
	if len(all) == 0 {
		return
	}
	f := n.fileOf(head)
	for i := range all {
		all[i].Source, all[i].FileLine = f.source(head), f.of(all[i].Line)
	}
}

// placeLease says of what the lines of a lease are counted: what its client was told, by a version that may be an old one, and what it would
// be told now.
func (n *Node) placeLease(d *LeaseDetail) {
	told := n.textOf(d.ConfigVersion)
	f := n.fileOf(d.ConfigVersion)
	if told != nil {
		d.Source = f.source(d.ConfigVersion)
	}
	place := func(line, fileLine *int, is func(string) bool) {
		if !told.has(*line, is) { // it was counted in a text that is not here
			*line = 0
		}
		*fileLine = f.of(*line)
	}
	for i := range d.Options {
		o := &d.Options[i]
		place(&o.Line, &o.FileLine, n.settingOf(o.Code, o.Rule))
		for j := range o.Parts {
			place(&o.Parts[j].Line, &o.Parts[j].FileLine, n.settingOf(o.Code, o.Parts[j].Rule))
		}
	}
	for i := range d.LeftOut {
		place(&d.LeftOut[i].Line, &d.LeftOut[i].FileLine, n.settingOf(d.LeftOut[i].Code, binding.RuleNoRoom))
	}
	for i := range d.Parameters {
		place(&d.Parameters[i].Line, &d.Parameters[i].FileLine, anything)
	}
	if d.Today != nil {
		n.placeToday(d)
	}
}

func (n *Node) placeToday(d *LeaseDetail) {
	t := d.Today
	f := n.fileOf(t.ConfigVersion)
	t.Source = f.source(t.ConfigVersion)
	place := func(o *TodayOption) {
		if o == nil {
			return
		}
		o.FileLine = f.of(o.Line)
		for j := range o.Parts {
			o.Parts[j].FileLine = f.of(o.Parts[j].Line)
		}
	}
	for i := range d.Options {
		place(d.Options[i].Today)
	}
	for i := range t.New {
		place(t.New[i].Today)
	}
	for i := range t.Parameters {
		t.Parameters[i].FileLine = f.of(t.Parameters[i].Line)
	}
}

// versionText is a version as it is shown, line by line, without the one that names it.
type versionText [][]byte

// textOf returns the text of a version; nil if it is not here.
func (n *Node) textOf(id string) versionText {
	n.mu.Lock()
	head, doc := n.head.Digest.String(), n.doc
	n.mu.Unlock()
	if id == head {
		return bytes.Split(shownText(doc), []byte{'\n'})
	}
	v, err := version.ParseID(id)
	if err != nil {
		return nil
	}
	if x := n.keeper.load(v); x != nil {
		text := x.Source
		if text == nil {
			text = x.Document
		}
		return bytes.Split(text, []byte{'\n'})
	}
	return nil
}

// has reports whether there is such a line, and it is what is meant.
func (t versionText) has(line int, is func(string) bool) bool {
	return line > 1 && line-2 < len(t) && is(string(t[line-2]))
}

func anything(string) bool { return true }

// settingOf returns whether a line can be the one that sets an option. What a member keeps of a lease may come from one that knew
// the version in other words: two files that say the same are one version.
func (n *Node) settingOf(code uint16, rule string) func(string) bool {
	switch {
	case rule == "derived", rule == "default", rule == "suggested", code == option.CodeMSClasslessStaticRoutes: // which may only mirror the other
		return anything
	}
	n.mu.Lock()
	names := n.doc.Registry
	n.mu.Unlock()
	return func(line string) bool {
		for word := range strings.FieldsFuncSeq(line, func(r rune) bool {
			return r > 0x7f || r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			if d, ok := names.ByName(option.DHCPv4, word); ok && uint16(d.Code) == code {
				return true
			}
		}
		return false
	}
}
