package logbook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// Book is a file and the one before it. It belongs to one goroutine. Read comes before Append.
type Book struct {
	path string
	most int64 // octets in each of the two files
	file *os.File
	size int64 // of the file, up to the end of its last whole page
	text []byte
}

// before is what is added to the name of a file that is full.
const before = ".1"

// New returns the book of that name in a directory, which must exist. Its two files have at most so many octets together.
func New(dir, name string, most int64) *Book {
	return &Book{path: filepath.Join(dir, name), most: most / 2}
}

// Read calls each with all pages that there are, the oldest first; their bodies stay as they are. It reads no more than the book may
// have. Whatever is in the files, it goes on with what can be read; the errors say what cannot, and why.
func (b *Book) Read(each func(Page)) error {
	older, err := b.read(b.path + before)
	pagesIn(older, each)
	newer, newErr := b.read(b.path)
	b.size = int64(pagesIn(newer, each))
	return errors.Join(err, newErr)
}

// read returns what is in a file, nil if it is not there. What is no file of ours is set aside.
func (b *Book) read(path string) ([]byte, error) {
	text, err := ownfile.ReadFirst(path, b.most)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return text, nil
	}
	return nil, fmt.Errorf("set aside as %s: %w", filepath.Base(path)+aside, errors.Join(err, os.Rename(path, path+aside)))
}

// aside is what is added to the name of what cannot be read.
const aside = ".unread"

// Append adds a page. After an error nothing of it is in the book, and it may be tried again.
func (b *Book) Append(p *Page) error {
	if len(p.Body) > MaxBody {
		return fmt.Errorf("a page of %d octets", len(p.Body))
	}
	b.text = p.append(b.text[:0])
	if err := b.open(int64(len(b.text))); err != nil {
		return err
	}
	if _, err := b.file.WriteAt(b.text, b.size); err != nil {
		return errors.Join(err, b.Close()) // what there is of the page is cut off with the next
	}
	b.size += int64(len(b.text))
	return nil
}

// open makes room for so many octets behind the last whole page.
func (b *Book) open(room int64) (err error) {
	if b.size > 0 && b.size+room > b.most {
		if err := errors.Join(b.Close(), os.Rename(b.path, b.path+before)); err != nil {
			return err
		}
		b.size = 0
	}
	if b.file != nil {
		return nil
	}
	if b.file, err = ownfile.Open(b.path); err != nil {
		return err
	}
	if err := b.file.Truncate(b.size); err != nil {
		return errors.Join(err, b.Close())
	}
	return nil
}

// Close closes the file. Append opens it again.
func (b *Book) Close() error {
	if b.file == nil {
		return nil
	}
	f := b.file
	b.file = nil
	return f.Close()
}
