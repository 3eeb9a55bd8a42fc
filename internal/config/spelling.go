package config

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// DurationText returns d as a document spells it: 4h, 1h30m, infinite.
func DurationText(d time.Duration) string {
	if d == binding.Infinite {
		return "infinite"
	}
	return brief(d)
}

// String returns what a document says, nothing where it says nothing.
func (t Takeover) String() string {
	switch t {
	case TakeoverHome:
		return "home"
	case TakeoverLocal:
		return "local"
	}
	return ""
}
