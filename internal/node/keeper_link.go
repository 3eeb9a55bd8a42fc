package node

import (
	"errors"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/group"
	"github.com/lessor-dhcp/lessor/internal/peer"
	"github.com/lessor-dhcp/lessor/internal/peerwire/groupwire"
)

// maxUnsaid is how many messages wait to be said: a whole history, and what comes meanwhile.
const maxUnsaid = 2 * version.MaxVersions

// groupLink is the keeper's end of the connection on which the two members speak of the configuration.
type groupLink struct {
	up     *peer.Link // nil: none
	pieces groupwire.Assembler
	// hearing is of frames, and due when pulse looks next whether there were any.
	hearing failover.Hearing
	due     time.Time
	said    group.Message // the last group.Told: said again while nothing is new, so that silence means something
	// frames are those for which there is no room on the connection yet, and then comes what is to be said in messages: a long history
	// is never in memory whole.
	frames   [][]byte
	messages []group.Message
}

// Why connections of the group are ended.
var (
	errSecondGroup = errors.New("there is a connection already")
	errGroupSilent = errors.New("nothing was heard on it for too long")
	errGroupEnds   = errors.New("this server ends")
)

// beat is how often the other member hears that this one is there.
func (k *keeper) beat() time.Duration { return max(k.patience()/4, 50*time.Millisecond) }

// patience is after how long a silent connection is given up: that of the failover link.
func (k *keeper) patience() time.Duration {
	if d := k.file.Group.Failover.ReceiveTimer; d > 0 {
		return d
	}
	return 10 * time.Second
}

// linkEvent takes what happened to a connection.
func (k *keeper) linkEvent(e peer.Event) {
	l := &k.link
	switch e := e.(type) {
	case peer.Up:
		if l.up != nil && !k.prefers(e.Link) {
			e.Link.Close(errSecondGroup)
			return
		}
		if l.up != nil {
			k.dropGroupLink(errNewerLink)
		}
		*l = groupLink{up: e.Link}
		k.hearing(time.Now())
		k.tellLink()
	case peer.Message:
		if e.Link == l.up {
			k.hearing(e.At)
			k.frame(e.Bytes)
		}
	case peer.Down:
		if e.Link == l.up {
			*l = groupLink{}
			k.tellLink()
		}
	}
}

// prefers reports whether a new connection takes the place of the one in use: of two that were made at the same time the one stays,
// on both sides, that the member made whose name sorts first; and a member that makes another one has lost the one before.
func (k *keeper) prefers(l *peer.Link) bool {
	byFirst := l.Inbound() == (k.machine.Partner < k.machine.Self)
	return byFirst || l.Inbound() == k.link.up.Inbound()
}

// frame takes one frame of the connection in use.
func (k *keeper) frame(b []byte) {
	msg, err := k.link.pieces.Add(b)
	switch {
	case err != nil:
		k.refuseGroupLink(err)
	case msg != nil:
		out := k.machine.Heard(msg)
		k.finish(&out)
		k.noteTrouble()
	}
}

// say tells the other member something, behind what is to be said already.
func (k *keeper) say(msg group.Message) {
	if k.link.up == nil {
		return
	}
	if len(k.link.messages) > maxUnsaid {
		k.dropGroupLink(errQueueFull)
		return
	}
	k.link.messages = append(k.link.messages, msg)
	k.drain()
}

// drain sends what waits, as far as the connection takes it; a connection that takes nothing is ended by peer.
func (k *keeper) drain() {
	l := &k.link
	for l.up != nil {
		for len(l.frames) > 0 {
			if !l.up.Send(l.frames[0]) {
				return
			}
			l.frames = l.frames[1:]
		}
		if len(l.messages) == 0 {
			return
		}
		msg := l.messages[0]
		l.messages = l.messages[1:]
		if err := k.cut(msg); err != nil {
			k.dropGroupLink(err)
		}
	}
}

// isWaiting reports whether something is to be sent yet.
func (l *groupLink) isWaiting() bool { return len(l.frames)+len(l.messages) > 0 }

// cut makes frames of a message. What was released from memory is read from the store.
func (k *keeper) cut(msg group.Message) error {
	if v, ok := msg.(group.Versions); ok {
		if msg = k.whole(v); msg == nil {
			return nil
		}
	}
	b, err := groupwire.Append(nil, msg)
	if err != nil {
		return err
	}
	if _, ok := msg.(group.Told); ok {
		k.link.said = msg
	}
	return groupwire.Pieces(b, func(frame []byte) error {
		k.link.frames = append(k.link.frames, append([]byte(nil), frame...))
		return nil
	})
}

// whole returns versions with their documents; nil if one of them is nowhere.
func (k *keeper) whole(all group.Versions) group.Message {
	whole := group.Versions{All: make([]*version.Version, len(all.All))}
	for i, v := range all.All {
		if v.Document == nil {
			if v = k.load(v.ID()); v == nil {
				k.n.log.Error("a version that the other member asked for is not in the store", "version", all.All[i].ID().String())
				return nil
			}
		}
		whole.All[i] = v
	}
	return whole
}

// pulse is what is due once in a while: the other member hears of this one, and a connection that is silent is given up.
func (k *keeper) pulse() {
	if k.failed != nil {
		if err := k.again(); err == nil {
			k.failed = nil
			k.tellLink()
		}
	}
	k.askAboutStrangers()
	k.clearanceChanged()
	l := &k.link
	if l.up == nil {
		return
	}
	if l.silent(time.Now(), k.patience(), k.beat()) && len(k.events) == 0 { // this server may have been busy itself
		k.dropGroupLink(errGroupSilent)
		return
	}
	if !l.isWaiting() && l.said != nil {
		l.messages = append(l.messages, l.said)
	}
	k.drain()
}

// silent reports whether nothing was heard for longer than patience, and is called once a beat.
func (l *groupLink) silent(now time.Time, patience, beat time.Duration) bool {
	l.hearing.Look(now, l.due, patience)
	l.due = now.Add(beat)
	return now.After(l.hearing.SilentFrom(patience))
}

// dropGroupLink ends the connection in use.
func (k *keeper) dropGroupLink(cause error) {
	l := k.link.up
	if l == nil {
		return
	}
	l.Close(cause)
	k.link = groupLink{}
	if k.failed == nil {
		k.tellLink()
	}
}

// refuseGroupLink ends the connection in use for what the other member said on it, and has it counted.
func (k *keeper) refuseGroupLink(cause error) {
	if l := k.link.up; l != nil {
		k.dropGroupLink(&peer.Refusal{Reason: peer.Unreadable, Remote: l.Remote(), Member: l.Member(), Inbound: l.Inbound(), Detail: cause.Error()})
	}
}
