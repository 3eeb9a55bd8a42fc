package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of a record, in octets of JSON.
const (
	maxPart   = 4 << 10 // of each of Request, Before and After
	maxDetail = 1 << 10
	// maxRecord is more than any record has, escapes included.
	maxRecord = 64 << 10
)

// What became of what somebody wanted.
const (
	// Begun is written before anything is changed, so that no change is without a trace.
	Begun = "begun"
	Done  = "done"
	// Refused is what changed nothing, because it may not be or was not allowed; Failed what may have changed something.
	Refused = "refused"
	Failed  = "failed"
)

// Record is one line of the log of changes: who did what, from where, and what it changed.
type Record struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	Who  string    `json:"who"`
	Role string    `json:"role,omitempty"`
	// Token is the identifier of the token that who used; empty over the socket.
	Token string `json:"token,omitempty"`
	From  string `json:"from,omitempty"`
	What  string `json:"what"`
	// Object is what it was done to.
	Object  string `json:"object,omitempty"`
	Outcome string `json:"outcome"`
	// Of is the Seq of the record that says that it was begun; 0: there is none.
	Of      uint64          `json:"of,omitempty"`
	Request json.RawMessage `json:"request,omitempty"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
	// Version is the version of the configuration that it made.
	Version string `json:"version,omitempty"`
	Detail  string `json:"detail,omitempty"`
	// Prev is the Hash of the record before, and Hash names this one with all before it.
	Prev string `json:"prev,omitempty"`
	Hash string `json:"hash,omitempty"`
}

// By returns a record of what id does.
func By(id Identity, what, object string) Record {
	r := Record{Who: id.Name, Token: id.Token, From: id.From, What: what, Object: object}
	if id.Role != 0 {
		r.Role = id.Role.String()
	}
	return r
}

// bounded returns r with everything in it cut to its bound.
func (r Record) bounded() Record {
	r.Who, r.From, r.What, r.Object = cut(r.Who, 256), cut(r.From, 256), cut(r.What, 256), cut(r.Object, 1<<10)
	r.Detail = cut(r.Detail, maxDetail)
	r.Request, r.Before, r.After = boundedPart(r.Request), boundedPart(r.Before), boundedPart(r.After)
	return r
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// boundedPart returns b, or, where that is too long or no JSON, its length and digest.
func boundedPart(b json.RawMessage) json.RawMessage {
	var small bytes.Buffer
	switch {
	case len(b) == 0:
		return nil
	case len(b) <= maxPart && json.Compact(&small, b) == nil:
		return small.Bytes()
	}
	sum := sha256.Sum256(b)
	return fmt.Appendf(nil, `{"octets":%d,"sha256":"%x"}`, len(b), sum)
}

// line returns the record as it is written, after the one whose hash is prev; its last octet is a line feed.
func (r Record) line(prev string) (b []byte, hash string, err error) {
	r = r.bounded()
	r.Prev, r.Hash = prev, ""
	if b, err = json.Marshal(r); err != nil {
		return nil, "", err
	}
	b = inASCII(b)
	sum := sha256.Sum256(b)
	hash = hex.EncodeToString(sum[:])
	b = append(b[:len(b)-1], hashKey...)
	b = append(b, hash...)
	return append(b, "\"}\n"...), hash, nil
}

// hashKey is between a record and its hash.
const hashKey = `,"hash":"`

// hashed returns what a line's hash is over, and the hash that it has; false if it has none.
func hashed(line []byte) (over []byte, hash string, ok bool) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	from := len(line) - len(`"}`) - 2*sha256.Size - len(hashKey)
	if from < 0 || !bytes.HasPrefix(line[from:], []byte(hashKey)) || !bytes.HasSuffix(line, []byte(`"}`)) {
		return nil, "", false
	}
	over = append(bytes.Clone(line[:from]), '}')
	return over, string(line[from+len(hashKey) : len(line)-2]), true
}

// inASCII returns JSON that means the same and has no character that could steer a terminal. Outside of strings there is nothing but ASCII.
func inASCII(b []byte) []byte {
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r < 0x7f:
			out = append(out, b[:n]...)
		case r > 0xffff: // as JSON wants it: a surrogate pair
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[n:]
	}
	return out
}
