package node

import (
	"testing"
	"time"
)

// What is decided after a long time in which nothing came of anything is not old: its answers leave.
func TestALoadBeginsWithWhatIsInIt(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	n := &Node{clock: &clock{base: time.Now()}, current: &load{begun: long}}
	n.begin(n.clock.now())
	if n.current.begun.Equal(long) {
		t.Error("a load with nothing in it began long ago")
	}
	n.current.effects.Replies = append(n.current.effects.Replies, Reply{})
	n.current.begun = long
	n.begin(n.clock.now())
	if !n.current.begun.Equal(long) {
		t.Error("a load with an answer in it began anew")
	}
}
