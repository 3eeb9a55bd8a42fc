package node

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/config"
)

const (
	// failingTold is how long after one report of a failing class the next may follow.
	failingTold = time.Minute
	// failingAlarm is how long after its last failure a class is an alarm.
	failingAlarm = time.Hour
	// maxErrorText is how much of an error is kept, in octets.
	maxErrorText = 512
)

// failing is a class whose expression failed for clients. There are no more of them than classes in the document.
type failing struct {
	count uint64
	since time.Time
	last  time.Time
	told  time.Time // when an event was last made of it; zero: never
	why   string
}

// classesFailed counts the classes that failed for the client of p, and tells of each once in a while.
func (c *Core) classesFailed(now time.Time, failures []class.Failure, p *Packet, out *Effects) {
	for _, f := range failures {
		name, _ := c.policy.ClassName(f.Index)
		x := c.failing[name]
		if x == nil {
			x = &failing{since: now}
			c.failing[name] = x
		}
		x.count, x.last, x.why = x.count+1, now, f.Err
		if c.observe&ObserveTroubles == 0 || !x.told.IsZero() && now.Sub(x.told) < failingTold {
			continue
		}
		x.told = now
		e := c.packetEvent(now, p)
		e.Kind, e.Level, e.Class, e.Reason = ClassFailed, slog.LevelWarn, name, brief(f.Err)
		e.Message = "the expression of a class failed for a client, which is taken for no member"
		c.place(&e, c.answer.Link)
		out.Events = append(out.Events, e)
	}
}

// keepFailing forgets what failed of classes that the document does not have any more.
func (c *Core) keepFailing() {
	maps.DeleteFunc(c.failing, func(name string, _ *failing) bool {
		return !slices.ContainsFunc(c.policy.Document.Classes, func(k config.Class) bool { return k.Name == name })
	})
}

// classLine returns the line that a class begins in, of the version that is served by.
func (c *Core) classLine(name string) int {
	for i := range c.policy.Document.Classes {
		if k := &c.policy.Document.Classes[i]; k.Name == name {
			return k.Position.Line
		}
	}
	return 0
}

// classFailures returns which classes failed, in the order of their names.
func (c *Core) classFailures() (fs []ClassFailure) {
	for _, name := range slices.Sorted(maps.Keys(c.failing)) {
		x := c.failing[name]
		fs = append(fs, ClassFailure{Class: name, Line: c.classLine(name), Count: x.count, Last: At(x.last), Error: brief(x.why)})
	}
	return fs
}

// classAlarm returns an alarm while classes fail for clients.
func (c *Core) classAlarm(now time.Time) []Alarm {
	const few = 5
	var names []string
	var since time.Time
	for _, name := range slices.Sorted(maps.Keys(c.failing)) {
		x := c.failing[name]
		if now.Sub(x.last) > failingAlarm {
			continue
		}
		names = append(names, fmt.Sprintf("%s (%s)", name, c.policy.Source().Where(c.classLine(name), 0)))
		if since.IsZero() || x.since.Before(since) {
			since = x.since
		}
	}
	if len(names) == 0 {
		return nil
	}
	text := strings.Join(names[:min(few, len(names))], ", ")
	if more := len(names) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return []Alarm{{
		Code: "class-failed", Title: "Expressions of classes fail for clients", Severity: Warning, Since: At(since),
		Text:   "clients are taken for no members of " + text + ", because an expression cannot be evaluated for what they send",
		Remedy: "lessor status names the error of each; let the expression ask first whether the client sent the option",
	}}
}

func brief(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxErrorText)], "") }
