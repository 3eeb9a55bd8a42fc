package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// ErrNoHost says that a document has no host of that name.
var ErrNoHost = errors.New("there is no host of that name")

// ErrByHand says that a document is written in a way in which an entry cannot be changed without a person.
var ErrByHand = errors.New("the document is written in a way that only a person can change here")

// HostEntry is an entry of hosts as it is written.
type HostEntry struct {
	Name string
	Line int
	// Text is the entry on one line, without its name: {hardware: 02:00:00:00:00:07}.
	Text string
	// Fields are its keys and their values, as they are written on one line, a word without its quotes; Maps the entries
	// of those that are maps: options.
	Fields map[string]string
	Maps   map[string]map[string]string
}

// HostEntries returns the entries of hosts in a document, in the order in which they stand.
func HostEntries(src []byte) ([]HostEntry, error) {
	root, err := documentTree(src)
	if err != nil {
		return nil, err
	}
	_, hosts := entryOf(root, "hosts")
	if hosts == nil || hosts.Kind != yaml.MappingNode {
		return nil, nil
	}
	var all []HostEntry
	for i := 0; i+1 < len(hosts.Content); i += 2 {
		k, v := hosts.Content[i], hosts.Content[i+1]
		h := HostEntry{Name: k.Value, Line: k.Line, Text: string(appendFlow(nil, v)), Fields: map[string]string{}, Maps: map[string]map[string]string{}}
		for j := 0; j+1 < len(v.Content) && v.Kind == yaml.MappingNode; j += 2 {
			h.add(v.Content[j].Value, v.Content[j+1])
		}
		all = append(all, h)
	}
	return all, nil
}

func (h *HostEntry) add(key string, v *yaml.Node) {
	h.Fields[key] = asWritten(v)
	if v.Kind != yaml.MappingNode {
		return
	}
	m := map[string]string{}
	for i := 0; i+1 < len(v.Content); i += 2 {
		m[v.Content[i].Value] = asWritten(v.Content[i+1])
	}
	h.Maps[key] = m
}

func asWritten(v *yaml.Node) string {
	if v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return string(appendFlow(nil, v))
}

// EditHost returns a document in which the host of that name is as entry says, which is YAML without the name; with an empty entry
// there is no such host. Every octet of the document that is not the entry's stays. What the document says otherwise is unchanged: it is
// compared before EditHost returns. Errors: ErrNoHost; ErrByHand; what is wrong with entry, as Problems in its lines.
func EditHost(src []byte, name, entry string) ([]byte, error) {
	root, err := documentTree(src)
	if err != nil {
		return nil, err
	}
	if hasOddBreaks(src) {
		return nil, ErrByHand
	}
	var value *yaml.Node
	if entry != "" {
		if value, err = entryTree(name, entry); err != nil {
			return nil, err
		}
	}
	e := hostEdit{src: src, root: root, name: name}
	if value != nil {
		e.line = string(appendFlow(append(appendWord(nil, name, false), ": "...), value))
	}
	edited, err := e.edit()
	if err != nil {
		return nil, err
	}
	if after, err := documentTree(edited); err != nil || !sameBut(root, after, name, value) {
		return nil, ErrByHand
	}
	return edited, nil
}

// hasOddBreaks reports whether lines of a document end with anything but a line feed, alone or behind a carriage return. To YAML 1.1
// such things are line breaks, too; to no editor of today are they all.
func hasOddBreaks(src []byte) bool {
	for i, c := range src {
		if c == '\r' && (i+1 == len(src) || src[i+1] != '\n') {
			return true
		}
	}
	return bytes.ContainsAny(src, "\u0085\u2028\u2029")
}

// documentTree returns the map that a document is.
func documentTree(src []byte) (*yaml.Node, error) {
	first, second, err := compose(src)
	switch {
	case err != nil:
		return nil, err
	case first == nil || second != nil || len(first.Content) != 1 || first.Content[0].Kind != yaml.MappingNode:
		return nil, ErrByHand
	}
	return first.Content[0], nil
}

// entryTree returns the map that the text of a host's entry is, or its Problems.
func entryTree(name, text string) (*yaml.Node, error) {
	p := newParser("host "+name, []byte(text), len(text))
	root := p.load()
	switch {
	case root == nil:
	case root.Kind != yaml.MappingNode:
		p.fail(root, "a host is a map of keys", "write it as in {hardware: 02:00:00:00:00:07, address: 198.51.100.9}")
	default:
		p.refuseTree(root)
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return root, nil
}

// CheckHostEntry returns what is wrong with the text of a host's entry before its keys are looked at: Problems in its lines, or nil.
func CheckHostEntry(name, text string) error {
	_, err := entryTree(name, text)
	return err
}

// CheckValue returns what is wrong with a text that is to be one value between brackets, in words; nil if it is one.
func CheckValue(text string) error {
	for _, as := range []string{text, "[" + text + "]"} {
		p := newParser("", []byte(as), len(as))
		root := p.load()
		switch {
		case root == nil:
			return fmt.Errorf("%s; %s", p.problems[0].Message, p.problems[0].Remedy)
		case len(as) > len(text) && (root.Kind != yaml.SequenceNode || len(root.Content) != 1):
			return errors.New("it is more than one value; write it in quotes, or a list between [ and ]")
		}
	}
	return nil
}

// entryOf returns the key and the value of a map's entry; nil if there is none.
func entryOf(m *yaml.Node, name string) (k, v *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

// hostEdit is one change of one entry.
type hostEdit struct {
	src  []byte
	root *yaml.Node
	name string
	line string // the entry as it is to be, on one line; empty: it is to go
	// lines are where lines begin; from is the place that offset went to last.
	lines []int
	from  struct{ line, column, at int }
}

func (e *hostEdit) edit() ([]byte, error) {
	key, hosts := entryOf(e.root, "hosts")
	switch {
	case hosts == nil && e.line == "", hosts != nil && e.line == "" && !has(hosts, e.name):
		return nil, ErrNoHost
	case e.root.Style&yaml.FlowStyle != 0:
		return nil, ErrByHand
	case hosts == nil:
		return e.splice(len(e.src), len(e.src), e.newline(len(e.src))+"hosts:\n  "+e.line+"\n"), nil
	case hosts.Kind == yaml.ScalarNode && hosts.Value == "" && hosts.Style == 0:
		end := e.endOfLine(e.offset(key))
		return e.splice(end, end, e.newline(end)+"  "+e.line+"\n"), nil
	case hosts.Kind != yaml.MappingNode:
		return nil, ErrByHand
	case hosts.Style&yaml.FlowStyle != 0:
		return e.inFlow(hosts)
	}
	return e.inBlock(key, hosts)
}

func has(m *yaml.Node, name string) bool { k, _ := entryOf(m, name); return k != nil }

func (e *hostEdit) splice(from, to int, text string) []byte {
	return slices.Concat(e.src[:from], []byte(text), e.src[to:])
}

// newline returns what must stand before a new line at an offset.
func (e *hostEdit) newline(at int) string {
	if at == 0 || e.src[at-1] == '\n' {
		return ""
	}
	return "\n"
}

// inBlock changes an entry that has lines of its own.
func (e *hostEdit) inBlock(key, hosts *yaml.Node) ([]byte, error) {
	i := slices.IndexFunc(hosts.Content, func(n *yaml.Node) bool { return n.Value == e.name && n.Kind == yaml.ScalarNode })
	for i >= 0 && i%2 == 1 { // a value that is spelt alike
		i++
		if n := slices.IndexFunc(hosts.Content[i:], func(n *yaml.Node) bool { return n.Value == e.name && n.Kind == yaml.ScalarNode }); n >= 0 {
			i += n
		} else {
			i = -1
		}
	}
	last := len(hosts.Content) - 2
	at := i
	if at < 0 {
		at = last
	}
	begin := e.offset(hosts.Content[at])
	indent := begin - e.beginOfLine(begin)
	if len(bytes.TrimLeft(e.src[begin-indent:begin], " ")) > 0 {
		return nil, ErrByHand
	}
	begin -= indent
	end := e.endOf(key, hosts, at)
	line := strings.Repeat(" ", indent) + e.line + "\n"
	switch {
	case i < 0:
		return e.splice(end, end, e.newline(end)+line), nil
	case e.line != "":
		return e.splice(begin, end, line), nil
	case last > 0:
		return e.splice(begin, end, ""), nil
	}
	without := e.splice(begin, end, "") // it was the only one
	colon := bytes.IndexByte(without[e.offset(key):], ':') + e.offset(key) + 1
	return slices.Concat(without[:colon], []byte(" {}"), without[colon:]), nil
}

// endOf returns where the lines of entry i of hosts end; comments and empty lines at the end belong to what follows.
func (e *hostEdit) endOf(key, hosts *yaml.Node, i int) int {
	end := len(e.src)
	if i+2 < len(hosts.Content) {
		end = e.beginOfLine(e.offset(hosts.Content[i+2]))
	} else if next := slices.Index(e.root.Content, key) + 2; next < len(e.root.Content) {
		end = e.beginOfLine(e.offset(e.root.Content[next]))
	}
	least := e.endOfLine(e.offset(hosts.Content[i]))
	for end > least {
		before := e.beginOfLine(end - 1)
		if line := bytes.TrimSpace(e.src[before:end]); len(line) > 0 && line[0] != '#' {
			break
		}
		end = before
	}
	return max(end, least)
}

// inFlow changes an entry of a map in brackets.
func (e *hostEdit) inFlow(hosts *yaml.Node) ([]byte, error) {
	var begins, ends []int
	found := -1
	for i := 0; i+1 < len(hosts.Content); i += 2 {
		begins = append(begins, e.offset(hosts.Content[i])) // in the order in which they stand
		end, ok := flowEnd(e.src, e.offset(hosts.Content[i+1]))
		if !ok {
			return nil, ErrByHand
		}
		if hosts.Content[i].Value == e.name {
			found = i / 2
		}
		ends = append(ends, end)
	}
	n := len(begins)
	switch {
	case n == 0:
		at := e.offset(hosts) + 1
		return e.splice(at, at, e.line), nil
	case found < 0:
		return e.splice(ends[n-1], ends[n-1], ", "+e.line), nil
	case e.line != "":
		return e.splice(begins[found], ends[found], e.line), nil
	case found+1 < n:
		return e.splice(begins[found], begins[found+1], ""), nil
	case found > 0:
		return e.splice(ends[found-1], ends[found], ""), nil
	}
	return e.splice(begins[0], ends[0], ""), nil
}

// offset returns where a node begins. Asked about nodes in their order it looks at each line once.
func (e *hostEdit) offset(n *yaml.Node) int {
	if e.lines == nil {
		e.lines = append(e.lines, 0)
		for i, c := range e.src {
			if c == '\n' {
				e.lines = append(e.lines, i+1)
			}
		}
	}
	if f := &e.from; f.line != n.Line || f.column > n.Column {
		f.line, f.column, f.at = n.Line, 1, e.lines[n.Line-1]
	}
	for ; e.from.column < n.Column; e.from.column++ {
		_, size := utf8.DecodeRune(e.src[e.from.at:])
		e.from.at += size
	}
	return e.from.at
}

func (e *hostEdit) beginOfLine(at int) int { return bytes.LastIndexByte(e.src[:at], '\n') + 1 }

// endOfLine returns where the line behind the one at an offset begins.
func (e *hostEdit) endOfLine(at int) int {
	if n := bytes.IndexByte(e.src[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(e.src)
}
