package binding

import (
	"encoding/hex"
	"fmt"
)

// MaxClientID is the longest client identifier that is accepted, in octets (RFC 2132 §9.14: the length of one option).
const MaxClientID = 255

// MaxHardware is the length of the chaddr field (RFC 2131 §2).
const MaxHardware = 16

// Hardware is a link-layer address and the kind of link it belongs to (RFC 2131 §2: htype, hlen, chaddr).
// It is comparable. The zero value means that none is known.
type Hardware struct {
	Type uint8 // IANA hardware type; 1 is Ethernet
	Len  uint8 // at most MaxHardware
	Addr [MaxHardware]byte
}

// HardwareOf returns the hardware address addr of the given type; what is longer than MaxHardware is cut.
func HardwareOf(htype uint8, addr []byte) Hardware {
	h := Hardware{Type: htype}
	h.Len = uint8(copy(h.Addr[:], addr))
	return h
}

// Bytes returns the address without its type. It aliases h.
func (h *Hardware) Bytes() []byte { return h.Addr[:h.Len] }

// IsZero reports whether no hardware address is known: there is none, or all of it is zero, which is nobody's.
func (h Hardware) IsZero() bool { return h.Addr == [MaxHardware]byte{} }

// String returns the address as 02:00:00:00:00:01; a type other than Ethernet stands before it as "6/".
func (h Hardware) String() string {
	if h.IsZero() {
		return ""
	}
	s := FormatClientID(h.Addr[:h.Len])
	if h.Type != 1 {
		return fmt.Sprintf("%d/%s", h.Type, s)
	}
	return s
}

// FormatClientID returns a client identifier as 01:02:00:00:00:00:08.
func FormatClientID(id []byte) string {
	if len(id) == 0 {
		return ""
	}
	b := make([]byte, 0, len(id)*3)
	for i, c := range id {
		if i > 0 {
			b = append(b, ':')
		}
		b = hex.AppendEncode(b, []byte{c})
	}
	return string(b)
}

// Client says who somebody is: by the client identifier if one was sent, else by the hardware address
// (RFC 2131 §4.2). An RFC 4361 identifier is compared as the octets that it is.
type Client struct {
	ID       []byte // option 61, nil if none was sent; at most MaxClientID
	Hardware Hardware
}

// Is reports whether c and o are the same client: equal identifiers, or neither has one and the hardware is equal.
func (c *Client) Is(o *Client) bool {
	if len(c.ID) > 0 || len(o.ID) > 0 {
		return string(c.ID) == string(o.ID)
	}
	return c.Hardware == o.Hardware && !c.Hardware.IsZero()
}

// Key appends what two Clients share exactly when Is says so: a kind, then the identifier, or the hardware's type and
// address. An empty result means that the client cannot be told from others.
func (c *Client) Key(dst []byte) []byte {
	if len(c.ID) > 0 {
		return append(append(dst, keyID), c.ID...)
	}
	if c.Hardware.IsZero() {
		return dst
	}
	return append(append(dst, keyHardware, c.Hardware.Type), c.Hardware.Addr[:c.Hardware.Len]...)
}

const (
	keyHardware = 1
	keyID       = 2
)

// String names the client for a person: the hardware address where there is one, else the identifier.
func (c *Client) String() string {
	if !c.Hardware.IsZero() {
		return c.Hardware.String()
	}
	return FormatClientID(c.ID)
}
