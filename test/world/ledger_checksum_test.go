package world

import (
	"net/netip"
	"testing"
)

func TestDamageIsSeen(t *testing.T) {
	at := netip.MustParseAddrPort("10.1.0.1:67")
	for _, n := range []int{300, 301} {
		f := checked(Frame(MAC(1), MAC(2), at, netip.MustParseAddrPort("10.1.0.9:68"), make([]byte, n)))
		if !sound(f) {
			t.Fatalf("a frame with %d octets in it is not sound", n)
		}
		for bit := range (len(f) - 14) * 8 {
			if byte := 14 + bit/8; byte != 40 && byte != 41 { // a checksum of 0 says nothing
				f[byte] ^= 1 << (bit % 8)
				if sound(f) {
					t.Errorf("bit %d of octet %d is changed, and the frame is sound", bit%8, byte)
				}
				f[byte] ^= 1 << (bit % 8)
			}
		}
	}
}
