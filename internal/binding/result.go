package binding

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Result is what a client was told in its last ACK (DESIGN §1): every option as sent, the boot fields, and the
// lifetime wanted after bounds and before MCLT. It leaves out what belongs to one packet or one moment: options 50,
// 51, 53, 54, 58, 59, 61, 82, 90 and the FQDN answer. Options are in ascending order of code.
type Result struct {
	Lifetime   time.Duration // Infinite for a lease without end
	NextServer netip.Addr    // siaddr; invalid if 0.0.0.0
	ServerName string        // sname, or option 66's place in the header; empty if none
	BootFile   string        // file
	Options    []Fact
}

const resultFormat = 1

// AppendResultHeader begins an encoded Result: the options follow it, each by AppendTLV, in ascending order of code.
// Two Results are equal exactly when their encodings are. Names are cut at 255 octets.
func AppendResultHeader(dst []byte, lifetime time.Duration, next netip.Addr, serverName, bootFile []byte) []byte {
	secs := uint32(0xffffffff)
	if lifetime != Infinite {
		secs = uint32(min(max(lifetime, 0)/time.Second, 0xfffffffe))
	}
	dst = append(dst, resultFormat)
	dst = binary.BigEndian.AppendUint32(dst, secs)
	var a [4]byte
	if next.Is4() {
		a = next.As4()
	}
	dst = append(dst, a[:]...)
	return appendText(appendText(dst, serverName), bootFile)
}

// DecodeResult returns what AppendResultHeader and AppendTLV wrote; false if it cannot be read. Values alias b.
func DecodeResult(b []byte) (Result, bool) {
	h, b, ok := CutResult(b)
	if !ok {
		return Result{}, false
	}
	r := Result{Lifetime: h.Lifetime, NextServer: h.NextServer, ServerName: string(h.ServerName), BootFile: string(h.BootFile)}
	r.Options, ok = decodeFacts(nil, b)
	sortFacts(r.Options)
	return r, ok
}

// ResultHeader is a Result without its options. Its names alias what it was read from.
type ResultHeader struct {
	Lifetime             time.Duration
	NextServer           netip.Addr
	ServerName, BootFile []byte
}

// CutResult splits an encoded Result into its header and its options, which are for CutTLV. It is false if the header cannot be
// read.
func CutResult(b []byte) (h ResultHeader, options []byte, ok bool) {
	if len(b) < 10 || b[0] != resultFormat {
		return h, nil, false
	}
	if secs := binary.BigEndian.Uint32(b[1:]); secs == 0xffffffff {
		h.Lifetime = Infinite
	} else {
		h.Lifetime = time.Duration(secs) * time.Second
	}
	if a := netip.AddrFrom4([4]byte(b[5:9])); !a.IsUnspecified() {
		h.NextServer = a
	}
	if h.ServerName, b, ok = cutOctets(b[9:]); !ok {
		return h, nil, false
	}
	h.BootFile, b, ok = cutOctets(b)
	return h, b, ok
}

// Option implements OptionView.
func (r *Result) Option(code uint16) ([]byte, bool) {
	f := Facts{Options: r.Options}
	return f.Option(code)
}
