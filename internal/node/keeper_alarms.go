package node

import (
	"fmt"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// settlesWithin is how long two members that are in touch take at most to tell each other of the leases of before.
const settlesWithin = 10 * time.Second

// configAlarms returns what an operator should know of the group's configuration.
func configAlarms(now time.Time, g *GroupConfigStatus, self string) (as []Alarm) {
	raise := func(code, title string, severity Severity, text, remedy string) {
		as = append(as, Alarm{Code: code, Title: title, Severity: severity, Text: text, Remedy: remedy})
	}
	partner := string(g.Partner)
	switch {
	case len(g.Differs) > 0:
		raise("config-differs", "The two members have no common configuration", Critical, g.Trouble+": "+keysOf(g.Differs), troubleRemedy(g))
	case strings.HasPrefix(g.Trouble, group.Unrelated.String()): // the relationship's status says it
	case g.Trouble != "":
		raise("config-newer", "The two members have no common configuration", Critical, g.Trouble, troubleRemedy(g))
	}
	if c := g.Conflict; c != nil {
		raise("config-conflict", "The configurations of the two members are in conflict", Critical,
			fmt.Sprintf("%s changed %s, and %s changed it to something else, while they were apart: each serves by its own version", whoMade(&c.Ours, self), conflictKeys(c.Conflicts), whoMade(&c.Theirs, partner)),
			c.Remedy+"; lessor config resolve shows both sides")
	}
	if n := len(g.Lost); n > 0 {
		l, more := &g.Lost[n-1], ""
		if n > 1 {
			more = fmt.Sprintf(" (and %d more)", n-1)
		}
		raise("config-lost", "A version of the configuration is lost", Warning, l.words(partner)+more, l.remedy())
	}
	if len(g.Pending) > 0 {
		raise("config-pending", "A change waits until both members have it", Warning, keysOf(g.Pending)+": what safety stands on is changed by both or by none",
			pendingRemedy(g))
	}
	if s := g.Settling; s != nil && now.Sub(s.Since.Time) > settlesWithin {
		raise("config-settling", "Addresses wait that are kept for somebody else than before", Warning,
			fmt.Sprintf("%d, among them %v, are given to nobody new %s", s.Count, s.Addresses[0], s.Waits),
			"bring the other member back, or mend the network between the two; lessor config status names them")
	}
	if g.FileUnknown {
		raise("config-file", "This member's file is not the group's configuration", Warning, "it differs, and is not applied: "+keysOf(g.FileChanges),
			"lessor config show prints what is in force: write that into the file, below server:, and edit it there")
	}
	if len(g.Restart) > 0 && g.Leaves == nil {
		raise("config-restart", "A change takes effect with the next start", Warning, strings.Join(g.Restart, ", "), "restart lessor on each member, one after the other")
	}
	if g.Failed != "" {
		raise("config-not-stored", "A version of the configuration could not be stored", Critical, g.Failed, "look at the disk; the server tries again by itself")
	}
	return as
}

// whoMade names the author of a version, and where it was made.
func whoMade(r *VersionRow, member string) string {
	switch {
	case r.Author != "" && r.Member != "":
		return fmt.Sprintf("%s on %s", r.Author, r.Member)
	case r.Author != "":
		return r.Author
	}
	return member
}

func conflictKeys(all []version.Conflict) string {
	changes := make([]version.Change, len(all))
	for i, c := range all {
		changes[i].Key = c.Key
	}
	return keysOf(changes)
}

// pendingRemedy says what a change waits for that both members must have.
func pendingRemedy(g *GroupConfigStatus) string {
	switch l := g.Leaves; {
	case l != nil && l.From.IsZero():
		return fmt.Sprintf("if %s is gone for good, stop it, and run lessor partner-down %[1]s; else put it back among the members", l.Member)
	case l != nil:
		return fmt.Sprintf("it takes effect by itself at %s, when nobody can hold any more what %s gave", l.From.UTC().Format(time.RFC3339), l.Member)
	case g.Conflict != nil:
		return "it waits until the conflict is over: lessor config resolve"
	case g.Link == "up":
		return "it waits for the word of " + string(g.Partner) + ", which comes by itself"
	}
	return "bring " + string(g.Partner) + " back, or mend the network between the two"
}
