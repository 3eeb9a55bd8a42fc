package config

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Parse reads the document src, whose name for positions is file. It returns every problem that it finds, in the order
// of the document; the Document is nil if any of them is an error. It is pure, and takes time and memory in proportion
// to len(src), which may be up to MaxSize.
func Parse(file string, src []byte) (*Document, Problems) {
	return parse(file, src, pieceSize)
}

// parse reads a document whose sections larger than size are read in pieces. What is wrong with a document is always said
// from one tree of it, so that it does not depend on where the pieces began.
func parse(file string, src []byte, size int) (*Document, Problems) {
	p := newParser(file, src, size)
	if p.read(); len(p.bodies) > 0 && (p.whole || p.problems.Errors()) {
		p = newParser(file, src, len(src))
		p.read()
	}
	p.problems.sort()
	if p.cut {
		p.problems = append(p.problems, Problem{
			Severity: Error, File: file, Message: fmt.Sprintf("there are more problems than the %d shown", len(p.problems)),
			Remedy: "mend these first",
		})
	}
	if p.problems.Errors() {
		return nil, p.problems
	}
	return p.doc, p.problems
}

func newParser(file string, src []byte, size int) *parser {
	return &parser{
		file: file, source: source{text: trimBOM(src)}, registry: option.Standard(), pieceSize: size,
		doc: &Document{File: file, Source: src, Group: Group{Failover: defaultFailover()}, Precedence: profiles[DefaultPrecedence]},
	}
}

func (p *parser) read() {
	if root := p.load(); root != nil {
		p.document(root)
	}
}

func trimBOM(src []byte) []byte {
	if len(src) >= 3 && src[0] == 0xef && src[1] == 0xbb && src[2] == 0xbf {
		return src[3:]
	}
	return src
}

// parser holds what is known while one document is read.
type parser struct {
	file     string
	source   source
	tables   *tables
	registry *option.Registry
	names    []string // of the registry's options, for suggestions; nil until one is needed
	doc      *Document
	// definitions are the document's own options, for the digest.
	definitions []option.Def
	pools       []*Pool    // of all subnets, in ascending order; set by checkPools
	listen      []Position // of Server.Listen
	serverName  Position   // of Server.Name
	primary     Position   // of Group.Primary
	// failoverKeys says where the keys of group: failover stand that are written.
	failoverKeys map[string]Position
	precedence   Position // of Precedence
	// unplaced are the layers that the document's own order does not name.
	unplaced []Layer
	compiler *class.Compiler // of the expressions of classes
	// classNames are the keys of classes, and pooled are those that pools name.
	classNames []string
	isClass    map[string]bool
	pooled     map[string]bool
	// bodies are the large sections, by the empty value that stands for them in the tree.
	bodies    map[*yaml.Node]*body
	pieceSize int
	whole     bool // a section cannot be read in pieces
	quick     quick
	problems  Problems
	cut       bool // some problems were left out
}

// document reads the whole tree, then checks what no single value can tell.
func (p *parser) document(root *yaml.Node) {
	p.refuseTree(root)
	if root.Kind != yaml.MappingNode {
		p.fail(root, "a document is a map of keys such as server and networks", "write lines such as networks: {…}")
		return
	}
	p.tables = newTables()
	if n := child(root, "option-definitions"); n != nil {
		p.readDefinitions(n)
	}
	if n := child(root, "classes"); n != nil {
		p.noteClasses(n)
	}
	fields(p, p.tables.document, root, p.doc)
	p.doc.Registry = p.registry
	sortByName(p.doc)
	p.check()
	if !p.problems.Errors() {
		p.doc.Digest, p.doc.definitions = digest(p.doc, p.definitions), p.definitions
		p.doc.withDefaults()
	}
}

// add records a problem. Beyond MaxProblems of one severity, problems are only known to exist.
func (p *parser) add(s Severity, pos Position, message, remedy string) {
	if p.problems.count(s) >= MaxProblems {
		p.cut = p.cut || s == Error
		return
	}
	x := Problem{Severity: s, File: p.file, Line: pos.Line, Column: pos.Column, Message: message, Remedy: remedy}
	if pos.Line > 0 {
		x.Source, x.Caret = p.source.excerpt(pos)
	}
	p.problems = append(p.problems, x)
}

// full reports whether no more errors are recorded, so that looking for them is in vain.
func (p *parser) full() bool { return p.cut }

// fail records an error that stands at n.
func (p *parser) fail(n *yaml.Node, message, remedy string) {
	p.add(Error, position(n), message, remedy)
}

func position(n *yaml.Node) Position { return Position{n.Line, n.Column} }
