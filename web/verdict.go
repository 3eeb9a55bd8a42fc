package web

import (
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// verdict is whether the group is well, in a sentence.
type verdict struct {
	// Grade is good, wait, look or bad.
	Grade    string
	Sentence string
}

// judge says in plain words how the group is, by what this server says: what is worst comes first.
func judge(st *node.Status) verdict {
	clients := plural(st.Bindings["active"], "client has a lease", "clients have a lease")
	if !st.Ready {
		return verdict{"wait", fmt.Sprintf("%s is starting: nobody is answered yet.", st.Server)}
	}
	for _, a := range st.Alarms {
		if a.Severity == node.Critical {
			return verdict{"bad", fmt.Sprintf("Some clients are not served: %s.", a.Title)}
		}
	}
	if v, found := judgePartners(st); found {
		return v
	}
	if st.Waiting != "" {
		return verdict{"wait", fmt.Sprintf("%s does not answer everybody yet: %s.", st.Server, st.Waiting)}
	}
	if n := len(st.Alarms); n > 0 {
		return verdict{"look", fmt.Sprintf("Clients are served, but %s a person: %s.", plural(n, "thing needs", "things need"), st.Alarms[0].Title)}
	}
	if len(st.Partners) == 0 {
		return verdict{"good", fmt.Sprintf("All is well: %s serves, and %s.", st.Server, clients)}
	}
	return verdict{"good", fmt.Sprintf("The group is well: %s and %s serve together, and %s.", st.Server, st.Partners[0].Partner, clients)}
}

// judgePartners says what is not as it should be between this server and another; false if nothing.
func judgePartners(st *node.Status) (verdict, bool) {
	for _, p := range st.Partners {
		us, them := st.Server, p.Partner
		switch {
		case p.State == "NORMAL" && p.PartnerState == "NORMAL" && p.Connected:
			continue
		case p.State == "COMMUNICATIONS-INTERRUPTED" && p.PartnerState == "PAUSED":
			return verdict{"look", fmt.Sprintf("%s serves everybody: %s was stopped by its operator.", us, them)}, true
		case p.State == "COMMUNICATIONS-INTERRUPTED":
			return verdict{"look", fmt.Sprintf("%s does not hear %s: every client keeps its lease, and new ones get addresses from %s's share.", us, them, us)}, true
		case p.State == "PARTNER-DOWN":
			return verdict{"look", fmt.Sprintf("%s serves alone: %s is known not to serve.", us, them)}, true
		case p.State == "PAUSED":
			return verdict{"look", fmt.Sprintf("%s was stopped by its operator: %s answers its clients.", us, them)}, true
		default:
			m := serverState(p.State)
			return verdict{m.Grade, fmt.Sprintf("%s %s.", us, m.Text)}, m.Grade != "good"
		}
	}
	return verdict{}, false
}
