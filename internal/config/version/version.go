package version

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// Format is the highest format of documents that this release reads.
var Format = newest()

// later is empty in every release. The tests of members of different releases set it by the linker (-ldflags -X), and have a release that
// is newer by one word: it reads one format more, which a document needs that says this word.
var later string

func newest() uint16 {
	if later != "" {
		return 2
	}
	return 1
}

// Limits of what a version may say, in octets. A document may have config.MaxSize.
const (
	MaxAuthor  = 255
	MaxMember  = 63
	MaxComment = 1024
)

// ErrNewer is that of a version whose document only a later release can read.
var ErrNewer = errors.New("a newer release is needed to read this version")

// ID names a version by its content: the first 16 octets of a SHA-256. The zero value names none.
type ID binding.Digest

// IsZero reports whether id names no version.
func (id ID) IsZero() bool { return id == ID{} }

// String returns 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Short returns the first digits, for people.
func (id ID) Short() string { return id.String()[:12] }

// Compare orders by octets.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// ParseID returns the ID that 32 hexadecimal digits spell.
func ParseID(s string) (ID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(ID{}) {
		return ID{}, fmt.Errorf("%.40q is no name of a version: those have %d hexadecimal digits", s, 2*len(ID{}))
	}
	return ID(b), nil
}

// Version is one state of the group's configuration, and where it comes from. It is immutable once it has a name.
type Version struct {
	// Format is the lowest format of documents that a release must know to read this one.
	Format uint16
	// Parents are what it was made from, in ascending order: none of a root, two of a merge.
	Parents []ID
	// Meaning is the digest of its document: that of config.Document.
	Meaning binding.Digest
	// Content is the SHA-256 of Document, so that the name of a version can be told without it.
	Content [sha256.Size]byte
	By
	// Document is the canonical text; nil where only the rest is at hand.
	Document []byte
	// Source is the group's part as the operator wrote it, where it is exactly one file; nil if it is not known. It has
	// no part in the version's name, so that files with other comments give equal roots: see Written.
	Source []byte

	read *config.Document // what Read returns, where that was read already; else nil
}

// By is who made a version. A root has none of it, so that equal files give equal roots.
type By struct {
	Author string         // an operator, as the server knows him; of a merge, those of both parents
	Member binding.Member // where it was made; of a merge, nowhere
	// Comment is what the author says of it, on one line.
	Comment string
	Time    time.Time // in whole seconds
}

// Root returns the first version of a history.
func Root(d *config.Document) (*Version, error) { return made(d, nil, By{}) }

// Child returns a version that was made from one parent or two.
func Child(d *config.Document, by By, parents ...ID) (*Version, error) {
	if len(parents) == 0 {
		return nil, errors.New("a version that is no root has a parent")
	}
	parents = slices.SortedFunc(slices.Values(parents), ID.Compare)
	by.Time = by.Time.UTC().Truncate(time.Second)
	return made(d, parents, by)
}

// made makes a version of a document. That the canonical text says what the document does is not left to hope: a
// member that cannot read back what it is about to name and send refuses it.
func made(d *config.Document, parents []ID, by By) (*Version, error) {
	v := &Version{Format: formatOf(d), Parents: parents, Meaning: d.Digest, By: by, Document: d.Canonical()}
	if len(v.Document) > config.MaxSize {
		return nil, fmt.Errorf("the canonical form of the document has %d MiB: a version can hold %d", len(v.Document)>>20, config.MaxSize>>20)
	}
	v.Content = sha256.Sum256(v.Document)
	if err := v.check(); err != nil {
		return nil, err
	}
	if src := withoutServer(d.Source); !bytes.Equal(src, v.Document) {
		if v.read = v.asShown(src); v.read != nil {
			v.Source = src
		}
	}
	if v.read == nil {
		v.read = v.asShown(v.Document)
	}
	if v.Source == nil && v.read != nil {
		return v, nil
	}
	if _, err := v.Open(); err != nil {
		return nil, fmt.Errorf("the canonical form of the document cannot be read back: %w", err)
	}
	return v, nil
}

// formatOf returns the lowest format that d needs. There is only one yet.
func formatOf(d *config.Document) uint16 {
	if later != "" && bytes.Contains(d.Canonical(), []byte(later)) {
		return 2
	}
	return 1
}

// IsRoot reports whether v is the first of a history.
func (v *Version) IsRoot() bool { return len(v.Parents) == 0 }

// IsMerge reports whether v has two parents.
func (v *Version) IsMerge() bool { return len(v.Parents) == 2 }

// ID returns the version's name: the digest of everything that it says but Source.
func (v *Version) ID() ID {
	return ID(binding.DigestOf(v.appendHeader([]byte("lessor version\n"))))
}

// Open reads the canonical document, whose lines are those that positions in it mean. ErrNewer says that this release cannot; another
// error, that the document is not what the version says it is.
func (v *Version) Open() (*config.Document, error) {
	if err := v.mayOpen(); err != nil {
		return nil, err
	}
	d, problems := config.Parse("version "+v.ID().Short(), v.Document)
	if d == nil {
		return nil, fmt.Errorf("the document of the version is wrong:\n%v", problems)
	}
	if d.Digest != v.Meaning {
		return nil, fmt.Errorf("the document has the digest %v, and the version says %v", d.Digest, v.Meaning)
	}
	if d.Server.Position != (config.Position{}) {
		return nil, errors.New("the document of the version has a part that belongs to one machine")
	}
	return d, nil
}

func (v *Version) mayOpen() error {
	if v.Format > Format {
		return fmt.Errorf("%w: its format is %d, and this one reads up to %d", ErrNewer, v.Format, Format)
	}
	if v.Document == nil {
		return fmt.Errorf("the document of version %s is not at hand", v.ID().Short())
	}
	return nil
}

// Read reads the document as Show shows it: positions in it are lines of that. Errors are those of Open.
func (v *Version) Read() (*config.Document, error) {
	if err := v.mayOpen(); err != nil {
		return nil, err
	}
	if v.Source != nil {
		if d := v.written(v.Source); d != nil {
			return d, nil
		}
	}
	if d := v.written(v.Document); d != nil {
		return d, nil
	}
	return v.Open()
}

// Written returns the document as its author wrote it, where that is known and says the same, or else in canonical form.
func (v *Version) Written() []byte {
	if v.Source != nil && v.written(v.Source) != nil {
		return v.Source
	}
	return v.Document
}

// written returns what a text of the version says, with positions as in Show; nil where that is not what the version says.
func (v *Version) written(text []byte) *config.Document {
	if d := v.read; d != nil && bytes.Equal(d.Source[1:], text) {
		return d
	}
	return v.asShown(text)
}

// asShown reads a text behind the line that Show begins with; nil where it does not say what the version does, or is as long as a document
// may be, so that a line more is too many.
func (v *Version) asShown(text []byte) *config.Document {
	return read("version "+v.ID().Short(), append([]byte{'\n'}, text...), v.Meaning)
}

// read returns a document of that meaning without a part that belongs to one machine; nil if it is none.
func read(name string, src []byte, meaning binding.Digest) *config.Document {
	d, _ := config.Parse(name, src)
	if d == nil || d.Digest != meaning || d.Server.Position != (config.Position{}) {
		return nil
	}
	return d
}

// check says what no version can be.
func (v *Version) check() error {
	switch {
	case v.Format == 0:
		return errors.New("the version has format 0")
	case len(v.Parents) > 2:
		return fmt.Errorf("the version has %d parents", len(v.Parents))
	case len(v.Parents) == 2 && v.Parents[0].Compare(v.Parents[1]) >= 0:
		return errors.New("the version's parents are not in ascending order")
	case slices.ContainsFunc(v.Parents, ID.IsZero):
		return errors.New("a parent of the version has no name")
	case v.IsRoot() && v.By != By{}:
		return errors.New("a root says who made it")
	case !v.IsRoot() && (v.Time.Unix() < 0 || v.Time.Year() > 9999):
		return errors.New("the version's time is none")
	}
	for _, s := range []struct {
		what, is string
		most     int
	}{{"author", v.Author, MaxAuthor}, {"member", string(v.Member), MaxMember}, {"comment", v.Comment, MaxComment}} {
		if len(s.is) > s.most {
			return fmt.Errorf("the version's %s has %d octets: at most %d fit", s.what, len(s.is), s.most)
		}
		if !utf8.ValidString(s.is) || strings.ContainsFunc(s.is, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Errorf("the version's %s holds a character that cannot be printed", s.what)
		}
	}
	return nil
}

// mergedBy returns who made the merge of two versions: the same, whoever computes it.
func mergedBy(a, b *Version) By {
	by := By{Author: a.Author, Time: a.Time, Comment: "merge of " + a.ID().Short() + " and " + b.ID().Short()}
	if b.Time.After(a.Time) {
		by.Time = b.Time
	}
	if b.ID().Compare(a.ID()) < 0 {
		a, b = b, a
		by.Comment = "merge of " + a.ID().Short() + " and " + b.ID().Short()
	}
	authors := slices.DeleteFunc([]string{a.Author, b.Author}, func(s string) bool { return s == "" })
	slices.Sort(authors)
	by.Author = strings.Join(slices.Compact(authors), " and ")
	for len(by.Author) > MaxAuthor {
		_, n := utf8.DecodeLastRuneInString(by.Author)
		by.Author = by.Author[:len(by.Author)-n]
	}
	if by.Time.IsZero() || by.Time.Unix() < 0 {
		by.Time = time.Unix(0, 0).UTC()
	}
	return by
}
