package group

import (
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// stateLayout is the first octet of a state: the layout of what follows.
const stateLayout = 1

// stateSize is how many octets a state has: the layout, five versions and a digest.
const stateSize = 1 + 6*16

// Append appends the state as the store keeps it: layout (1), head, tip, agreed, file's version, rival, and what the file
// said (16 each; zeros of none).
func (s State) Append(dst []byte) []byte {
	dst = append(dst, stateLayout)
	for _, id := range []version.ID{s.Head, s.Tip, s.Agreed, s.FileVersion, s.Rival} {
		dst = append(dst, id[:]...)
	}
	return append(dst, s.FileSaid[:]...)
}

// DecodeState reads what State.Append wrote, all of b.
func DecodeState(b []byte) (s State, err error) {
	switch {
	case len(b) > 0 && b[0] != stateLayout:
		return s, fmt.Errorf("the group's state has the layout %d, of a later release", b[0])
	case len(b) != stateSize:
		return s, fmt.Errorf("the group's state has %d octets, not %d", len(b), stateSize)
	}
	b = b[1:]
	for _, id := range []*version.ID{&s.Head, &s.Tip, &s.Agreed, &s.FileVersion, &s.Rival} {
		b = b[copy(id[:], b):]
	}
	s.FileSaid = binding.Digest(b)
	if s.Tip.IsZero() && !s.Head.IsZero() {
		return s, fmt.Errorf("the group's state has a head, version %s, and no tip", s.Head.Short())
	}
	return s, nil
}
