package node

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// failing makes the next writes of files whose name has some word fail on a member's disk, as many as the counter says.
func (p *runningPair) failing(name string, word string) *atomic.Int64 {
	var left atomic.Int64
	for member, disk := range p.disks {
		if string(member) != name {
			continue
		}
		disk.Before = func(op memfs.Op) error {
			if op.Kind == memfs.Write && strings.Contains(op.Name, word) && left.Add(-1) >= 0 {
				return errors.New("the disk says no")
			}
			return nil
		}
	}
	return &left
}

// A head whose copy cannot be written at once is served by when it can, and not said to be before.
func TestAHeadThatCannotBeKeptAtOnce(t *testing.T) {
	for _, word := range []string{"head", "version"} {
		p := newRunningPair(t)
		left := p.failing("east", word)
		p.together()
		root := p.config("west").Head
		left.Store(1)
		if err := p.nodes["west"].node.Reload(t.Context(), p.file("west", hour, twoHours), version.ID{}); err != nil {
			t.Fatal(err)
		}
		p.eventually("a new head", func() bool { return p.config("west").Head != root && p.sameHead("")() })
		if left.Load() >= 0 {
			t.Fatalf("%s: no write failed", word)
		}
		for name, n := range p.nodes {
			serves := make(chan string, 1)
			n.node.control <- func() { serves <- n.node.core.policy.Version.String() }
			if got, says := <-serves, p.config(name).Head; got != says {
				t.Errorf("%s: %s serves by %s, and says %s", word, name, got, says)
			}
		}
	}
}

// A disk that fails at the first contact does not keep the two from beginning.
func TestTheFirstVersionCannotBeKeptAtOnce(t *testing.T) {
	p := newRunningPair(t)
	p.failing("east", "version").Store(1)
	p.together()
	if p.config("east").FileDiffers || p.config("east").FileUnknown {
		t.Errorf("east's file is the head: %+v", p.config("east"))
	}
}
