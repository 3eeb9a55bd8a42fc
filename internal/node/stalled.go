package node

import (
	"fmt"
	"log/slog"
	"time"
)

// stalledAfter is how long a commit takes until the disk counts as one that stands still: half of what a client waits before it asks again.
const stalledAfter = givenUp / 2

// stall is a disk that does not finish a commit. The zero value: it works, or nobody has looked yet.
type stall struct {
	since time.Time // when the commit that is under way was given to the disk; zero: none is
	told  bool      // somebody was told that it stands still
}

// stands reports whether the disk stands still, and since when.
func (s *stall) stands(now time.Time) (since time.Time, yes bool) {
	return s.since, !s.since.IsZero() && now.Sub(s.since) >= stalledAfter
}

// lookAtDisk tells, once, that the disk stands still. What happens is told behind the commit that it rests on, and this rests on none.
func (n *Node) lookAtDisk(now time.Time) {
	since, stands := n.stall.stands(now)
	if !stands || n.stall.told {
		return
	}
	n.stall.told = true
	n.alarmNow("the disk stands still: nobody is answered until it goes on", fmt.Sprintf("a commit has not been finished since %s", since.UTC().Format(time.RFC3339)))
}

// alarmNow tells of what rests on no commit at once: nothing may be committed for long.
func (n *Node) alarmNow(message, detail string) {
	n.hub.publish([]Event{{Time: At(n.clock.now()), Kind: StoreAlarm, Level: slog.LevelError, Message: message, Detail: detail}}, 0)
}

// goesOn notes that the commit that was under way is finished, or has failed, and tells how long that took where it was told that the
// disk stands still.
func (n *Node) goesOn(now time.Time) {
	s := n.stall
	n.stall = stall{}
	if since, stands := s.stands(now); stands || s.told {
		n.storeEvent(slog.LevelWarn, "the disk goes on", fmt.Sprintf("a commit took %v, and nobody was answered meanwhile", now.Sub(since).Round(time.Millisecond)))
	}
}

// stalledAlarm says that the disk stands still.
func (n *Node) stalledAlarm(now, since time.Time) Alarm {
	return Alarm{Code: "disk-stalled", Title: "The disk stands still", Severity: Critical, Since: At(since),
		Text: fmt.Sprintf("nobody is answered: the disk of %s has not finished a commit for %v; clients keep their leases and ask again",
			n.doc.Server.Data, now.Sub(since).Round(time.Second)),
		Remedy: "look at the disk (dmesg, iostat -x 1, smartctl -a) and at what else writes to it; a restart does not help; the server goes on by itself"}
}
