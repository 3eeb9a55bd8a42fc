package group

import (
	"fmt"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// stateLayout is the first octet of a state: the layout of what follows.
const stateLayout = 2

// stateSize is how many octets a state has: the layout, six versions and a digest.
const stateSize = 1 + 7*16

// Append appends the state as the store keeps it: layout (1), head, tip, agreed, settled, file's version, rival, and what the file
// said (16 each; zeros of none). Layout 1 has no settled: it is what was agreed.
func (s State) Append(dst []byte) []byte {
	dst = append(dst, stateLayout)
	for _, id := range []version.ID{s.Head, s.Tip, s.Agreed, s.Settled, s.FileVersion, s.Rival} {
		dst = append(dst, id[:]...)
	}
	return append(dst, s.FileSaid[:]...)
}

// DecodeState reads what State.Append wrote, all of b.
func DecodeState(b []byte) (s State, err error) {
	switch {
	case len(b) == stateSize-16 && b[0] == 1:
		const settled = 1 + 3*16
		b = slices.Concat([]byte{stateLayout}, b[1:settled], b[settled-16:settled], b[settled:])
	case len(b) > 0 && b[0] != stateLayout:
		return s, fmt.Errorf("the group's state has the layout %d, of a later release", b[0])
	case len(b) != stateSize:
		return s, fmt.Errorf("the group's state has %d octets, not %d", len(b), stateSize)
	}
	b = b[1:]
	for _, id := range []*version.ID{&s.Head, &s.Tip, &s.Agreed, &s.Settled, &s.FileVersion, &s.Rival} {
		b = b[copy(id[:], b):]
	}
	s.FileSaid = binding.Digest(b)
	if s.Tip.IsZero() && !s.Head.IsZero() {
		return s, fmt.Errorf("the group's state has a head, version %s, and no tip", s.Head.Short())
	}
	return s, nil
}
