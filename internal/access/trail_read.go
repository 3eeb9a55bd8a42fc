package access

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// lastLine returns the last whole line of a file, nil if it has none, and how many octets all whole lines have together.
func lastLine(f *os.File) (line []byte, whole int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	from := max(0, info.Size()-2*maxRecord)
	b := make([]byte, info.Size()-from)
	if _, err := f.ReadAt(b, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	end := bytes.LastIndexByte(b, '\n')
	if end < 0 {
		if from > 0 {
			return nil, 0, fmt.Errorf("%s ends in something that is no record: move it away", f.Name())
		}
		return nil, 0, nil
	}
	return b[bytes.LastIndexByte(b[:end], '\n')+1 : end], from + int64(end) + 1, nil
}

// tailOf returns the number and the hash of a line.
func tailOf(line []byte) (uint64, string, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil || r.Seq == 0 || r.Hash == "" {
		return 0, "", errors.New("the newest record cannot be read: see what `lessor audit --verify` says, and move the file away to begin a new one")
	}
	return r.Seq, r.Hash, nil
}

func firstSeq(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(io.LimitReader(f, maxRecord), maxRecord).ReadBytes('\n')
	if err != nil {
		return 0, err
	}
	seq, _, err := tailOf(line)
	return seq, err
}

// parts returns the files of the log in dir, the oldest first.
func parts(dir string) ([]string, error) {
	all, err := closedParts(dir)
	if err != nil {
		return nil, err
	}
	return append(all, filepath.Join(dir, TrailName)), nil
}

// eachLine calls each with every whole line of a file that has at most maxRecord octets, and with a nil one for what is no such
// line.
func eachLine(path string, each func(line []byte) error) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it became a full part, or was dropped as the oldest, while others were read
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, maxRecord)
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case err == nil:
			err = each(line)
		case errors.Is(err, io.EOF): // what is there of a line is being written
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			if err == nil || errors.Is(err, io.EOF) {
				err = each(nil)
			}
		}
		if err != nil {
			return err
		}
	}
}

// Query says which records are wanted.
type Query struct {
	After uint64    // those with a higher number
	Since time.Time // those of that time and later
}

// Read calls each with every record that q lets through, the oldest first, until each returns an error, which Read returns. Lines that
// are no record are left out: Verify is who speaks of them.
func (t *Trail) Read(q Query, each func(Record) error) error {
	after := q.After
	for range 2 { // a part that became full meanwhile is found the second time
		files, err := parts(t.dir)
		if err != nil {
			return err
		}
		for _, path := range files {
			err := eachLine(path, func(line []byte) error {
				var r Record
				if line == nil || json.Unmarshal(line, &r) != nil || r.Seq <= after {
					return nil
				}
				after = r.Seq
				if r.Time.Before(q.Since) {
					return nil
				}
				return each(r)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Verdict is what is found when the log is looked through.
type Verdict struct {
	Records uint64    `json:"records"`
	First   uint64    `json:"first,omitempty"` // the number of the oldest record that is kept
	Last    uint64    `json:"last,omitempty"`
	Newest  time.Time `json:"newest,omitzero"`
	// Hash names the newest record, with all before it: kept elsewhere, it tells later whether the end was cut off or all was written anew.
	Hash string `json:"hash,omitempty"`
	// Holds says that the record was found whose hash was asked for, if one was.
	Holds bool `json:"holds,omitempty"`
	// Wrong is what does not hold together, in words, the first few.
	Wrong []string `json:"wrong"`
}

// maxWrong is how many things are named that do not hold together.
const maxWrong = 20

// Verify looks through the log in dir, and for the record with the hash, if that is not empty.
func Verify(dir, hash string) (Verdict, error) {
	v := Verdict{Wrong: []string{}}
	files, err := parts(dir)
	if err != nil {
		return v, err
	}
	for _, path := range files {
		n := 0
		err := eachLine(path, func(line []byte) error {
			if n++; n == 1 {
				v.begins(path, line)
			}
			v.take(fmt.Sprintf("%s, line %d", filepath.Base(path), n), line, hash)
			return nil
		})
		if err != nil {
			return v, err
		}
	}
	if v.First > 1 && len(files) <= maxClosed {
		v.say("the oldest record is %d, and none before it had to make room yet: the beginning is gone", v.First)
	}
	if hash != "" && !v.Holds {
		v.say("no record has the hash %s: the log was cut off before it, or written anew, or it is older than what is kept", cut(hash, 2*sha256.Size))
	}
	return v, nil
}

// begins sees that a full part begins with the record that its name says.
func (v *Verdict) begins(path string, line []byte) {
	var r Record
	if name := filepath.Base(path); name != TrailName && (json.Unmarshal(line, &r) != nil || fmt.Sprintf(closedName, r.Seq) != name) {
		v.say("%s: it does not begin with the record that its name says", name)
	}
}

func (v *Verdict) say(format string, args ...any) {
	if len(v.Wrong) < maxWrong {
		v.Wrong = append(v.Wrong, fmt.Sprintf(format, args...))
	}
}

// take looks at the next line.
func (v *Verdict) take(where string, line []byte, wanted string) {
	var r Record
	over, hash, ok := hashed(line)
	if line == nil || !ok || json.Unmarshal(line, &r) != nil {
		v.say("%s: this is no record", where)
		return
	}
	sum := sha256.Sum256(over)
	if hex.EncodeToString(sum[:]) != hash {
		v.say("%s: record %d was changed after it was written", where, r.Seq)
	}
	switch {
	case v.Records == 0:
		v.First = r.Seq
		if r.Seq == 1 && r.Prev != "" {
			v.say("%s: record 1 says that there was one before it", where)
		}
	case r.Seq != v.Last+1:
		v.say("%s: record %d follows record %d: what was between is gone", where, r.Seq, v.Last)
	case r.Prev != v.Hash:
		v.say("%s: record %d does not follow the record before it: one of them is another than was written", where, r.Seq)
	}
	v.Records, v.Last, v.Hash, v.Newest = v.Records+1, r.Seq, hash, r.Time
	v.Holds = v.Holds || wanted != "" && hash == wanted
}
