package class

import (
	"bytes"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// Match says of a client whether it belongs. It is immutable, and safe for concurrent use.
type Match struct {
	simple condition
}

// condition is a match that is compiled to a closure: it cannot fail, and allocates nothing.
type condition func(*Client) bool

// Option matches clients whose option code begins with value; with whole, whose option is value.
func Option(code option.Code, value []byte, whole bool) *Match {
	value = bytes.Clone(value)
	return &Match{simple: func(c *Client) bool {
		v, ok := c.Options.Option(uint16(code))
		return ok && (whole && bytes.Equal(v, value) || !whole && bytes.HasPrefix(v, value))
	}}
}
