package group

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

func TestAStateIsReadAsItWasWritten(t *testing.T) {
	s := State{Head: version.ID{1}, Tip: version.ID{2}, Agreed: version.ID{3}, Settled: version.ID{7}, FileVersion: version.ID{4}, Rival: version.ID{5}, FileSaid: binding.Digest{6}}
	b := s.Append(nil)
	if got, err := DecodeState(b); err != nil || got != s {
		t.Errorf("got %+v: %v", got, err)
	}
	if got, err := DecodeState(State{}.Append(nil)); err != nil || got != (State{}) {
		t.Errorf("got %+v: %v", got, err)
	}
	s.Settled = s.Agreed // what a release before there was Settled wrote
	b1 := append(append([]byte{1}, b[1:1+3*16]...), b[1+4*16:]...)
	if got, err := DecodeState(b1); err != nil || got != s {
		t.Errorf("got %+v: %v", got, err)
	}
	for _, bad := range [][]byte{nil, b[:len(b)-1], append(b[:len(b):len(b)], 0), append([]byte{3}, b[1:]...), append([]byte{1}, b[1:]...), State{Head: version.ID{1}}.Append(nil)} {
		if got, err := DecodeState(bad); err == nil {
			t.Errorf("%x is read as %+v", bad, got)
		}
	}
}
