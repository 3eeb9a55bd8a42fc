package class

import (
	"encoding/binary"
	"math/bits"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// reads is what of a client a match looks at. Clients that agree in it belong, or do not, together. It is comparable.
type reads struct {
	facets  facet
	options codes // unless everyOption is among the facets
	relay   codes // unless everySubOption is
}

// facet is a part of a client beside its options.
type facet uint8

const (
	hardwareFacet facet = 1 << iota // address and type
	clientIDFacet
	giaddrFacet
	networkFacet
	knownFacet
	everyOption
	everySubOption
)

// codes is a set of numbers below 256.
type codes [4]uint64

func (s *codes) add(c uint8) { s[c>>6] |= 1 << (c & 63) }

func (s *codes) has(c uint8) bool { return s[c>>6]&(1<<(c&63)) != 0 }

// union returns what a match looks at that looks at all of r and of o.
func (r reads) union(o reads) reads {
	r.facets |= o.facets
	for i := range r.options {
		r.options[i] |= o.options[i]
		r.relay[i] |= o.relay[i]
	}
	return r
}

// none reports whether nothing of the client is looked at.
func (r reads) none() bool { return r == reads{} }

// maxKey is the longest key that is remembered, in octets.
const maxKey = 512

// appendKey appends what two clients share exactly if they agree in all of r; false if it is longer than maxKey.
func (r *reads) appendKey(dst []byte, c *Client) ([]byte, bool) {
	n := len(dst)
	dst = r.appendFacets(dst, c)
	if r.facets&everyOption != 0 {
		for code := 1; code < option.CodeEnd; code++ {
			if v, ok := c.option(option.Code(code)); ok {
				dst = appendRun(append(dst, byte(code)), v)
			}
			if len(dst)-n > maxKey {
				return dst, false
			}
		}
		dst = append(dst, 0)
	} else {
		dst = r.options.appendEach(dst, func(code uint8) ([]byte, bool) { return c.option(option.Code(code)) })
	}
	if r.facets&everySubOption != 0 {
		dst = appendRun(dst, c.Relay)
	} else {
		dst = r.relay.appendEach(dst, c.relay)
	}
	return dst, len(dst)-n <= maxKey
}

func (r *reads) appendFacets(dst []byte, c *Client) []byte {
	if r.facets&hardwareFacet != 0 {
		h := &c.Identity.Hardware
		dst = appendRun(append(dst, h.Type), h.Bytes())
	}
	if r.facets&clientIDFacet != 0 {
		dst = appendRun(dst, c.Identity.ID)
	}
	if r.facets&giaddrFacet != 0 {
		a := c.GIAddr.As16()
		dst = append(append(dst, byte(c.GIAddr.BitLen())), a[:]...)
	}
	if r.facets&networkFacet != 0 {
		dst = appendRun(dst, c.Network)
	}
	if r.facets&knownFacet != 0 {
		known := byte(0)
		if c.Known {
			known = 1
		}
		dst = append(dst, known)
	}
	return dst
}

// appendEach appends, for each code of s in ascending order, whether there is a value and which.
func (s *codes) appendEach(dst []byte, value func(uint8) ([]byte, bool)) []byte {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			if v, ok := value(uint8(w<<6 | bits.TrailingZeros64(word))); ok {
				dst = appendRun(append(dst, 1), v)
			} else {
				dst = append(dst, 0)
			}
		}
	}
	return dst
}

// appendRun appends a length, and the octets; what is too long for a key is cut behind what makes the key too long.
func appendRun[T string | []byte](dst []byte, v T) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(min(len(v), 1<<16-1)))
	return append(dst, v[:min(len(v), maxKey+1)]...)
}
