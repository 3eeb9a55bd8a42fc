package peerwire

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// noon is a time that all examples are about.
var noon = time.Unix(0x6b02bdef, 0).UTC()

// unhex reads octets in hexadecimal, with spaces anywhere.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// message returns a whole message: a header, and options in hexadecimal.
func message(typ Type, options string) []byte {
	o := unhex(options)
	b := binary.BigEndian.AppendUint16(nil, uint16(HeaderSize+len(o)))
	b = append(b, byte(typ), HeaderSize)
	b = binary.BigEndian.AppendUint32(b, uint32(noon.Unix()))
	b = binary.BigEndian.AppendUint32(b, 7)
	return append(b, o...)
}

func parsed(t *testing.T, b []byte, d Dialect) *Message {
	t.Helper()
	m := new(Message)
	if err := m.Parse(b, d); err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return m
}

func address(s string) netip.Addr { return netip.MustParseAddr(s) }

// ethernet is a client's hardware address.
var ethernet = binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 1})

// seeded returns a source of randomness and says how to have it again.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// digest returns a digest that is easy to see.
func digest(b byte) (d binding.Digest) {
	for i := range d {
		d[i] = b
	}
	return d
}
