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
	var r Result
	if len(b) < 10 || b[0] != resultFormat {
		return r, false
	}
	if secs := binary.BigEndian.Uint32(b[1:]); secs == 0xffffffff {
		r.Lifetime = Infinite
	} else {
		r.Lifetime = time.Duration(secs) * time.Second
	}
	if a := netip.AddrFrom4([4]byte(b[5:9])); !a.IsUnspecified() {
		r.NextServer = a
	}
	var ok bool
	if r.ServerName, b, ok = cutText(b[9:]); !ok {
		return r, false
	}
	if r.BootFile, b, ok = cutText(b); !ok {
		return r, false
	}
	r.Options, ok = decodeFacts(nil, b)
	sortFacts(r.Options)
	return r, ok
}

// Option implements OptionView.
func (r *Result) Option(code uint16) ([]byte, bool) {
	f := Facts{Options: r.Options}
	return f.Option(code)
}
