package node

import (
	"net/netip"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// VersionRow is one version of the group's configuration.
type VersionRow struct {
	Version  string         `json:"version"`
	Parents  []string       `json:"parents"`
	Author   string         `json:"author"` // empty of a root, which says nothing of who made it
	Member   binding.Member `json:"member"` // where it was made; empty of a root and of a merge
	Comment  string         `json:"comment"`
	Time     Instant        `json:"time"`
	Document string         `json:"document"` // the digest of what it says
	// Head says that this member serves by it, Tip that it is the latest one here, Agreed that both members are known to have
	// served by it and safety stands on it, PartnerHead that the partner serves by it.
	Head        bool `json:"head"`
	Tip         bool `json:"tip"`
	Agreed      bool `json:"agreed"`
	PartnerHead bool `json:"partner_head"`
}

// VersionShown is a version whole.
type VersionShown struct {
	VersionRow
	// Text is a document to be edited and applied: it begins with the line `version: ID`.
	Text string `json:"text"`
}

// ApplyRequest is a document that an operator wants to be the group's configuration.
type ApplyRequest struct {
	Document []byte // as written; its server: section is ignored, its version: line names the parent
	File     string // what it is called in messages
	Author   string
	Comment  string
	// Yes takes the consequences that are otherwise refused with a *ConfirmError.
	Yes bool
	// From are the addresses where the operator sits, whose subnet is not to be dropped unasked.
	From []netip.Addr
}

// Applied is what became of a change of the configuration.
type Applied struct {
	Version string `json:"version"` // the latest version here, with the change
	Head    string `json:"head"`    // the version that this member serves by
	// Changed is false where the document says what the latest version does.
	Changed bool `json:"changed"`
	// Created says that the host was made: the document that was changed had none of that name.
	Created bool `json:"created,omitempty"`
	Adopted bool `json:"adopted"`
	// Waits says what it waits for; empty if it is adopted.
	Waits string `json:"waits,omitempty"`
	// Merged says that others changed something since its parent, and both are in it.
	Merged bool `json:"merged"`
	// Pending are the changes that safety stands on and that wait until both members have them.
	Pending []version.Change `json:"pending"`
	// Previous is the version that was the latest before; empty: there was none. Lines before are those of that, lines after those of Version.
	Previous string           `json:"previous,omitempty"`
	Changes  []version.Change `json:"changes"` // to Previous
	// Notes are what the operator should know: that server: was ignored, …
	Notes []string `json:"notes"`
}

// ConfirmError is a change that is made only if the operator says yes to what it would do.
type ConfirmError struct {
	// Why are the consequences, a sentence each, with figures.
	Why []string `json:"why"`
	// Undoes is what of others' changes it would undo, since it names no parent.
	// Lines before are those of Tip, lines after those of what was given.
	Undoes []version.Change `json:"undoes,omitempty"`
	Tip    string           `json:"tip,omitempty"`
	Remedy string           `json:"remedy"`
}

func (e *ConfirmError) Error() string {
	if len(e.Why) == 0 {
		return "it needs a yes"
	}
	return e.Why[0]
}

// ConflictError is a change that does not fit what was changed since its parent.
type ConflictError struct {
	Parent string `json:"parent"`
	Tip    string `json:"tip"`
	// Conflicts have as A what the tip says, in lines of that version as it is shown, and as B what the change says, in lines of what
	// was given.
	Conflicts []version.Conflict `json:"conflicts"`
	// Changes is what was changed since the parent.
	Changes []version.Change `json:"changes"`
	Remedy  string           `json:"remedy"`
}

// inFile has what the change says in lines of the document that was given.
func (e *ConflictError) inFile(l version.Lines) {
	for i := range e.Conflicts {
		e.Conflicts[i].BLine = l.InFile(e.Conflicts[i].BLine)
	}
}

func (e *ConflictError) Error() string {
	keys := make([]string, len(e.Conflicts))
	for i, c := range e.Conflicts {
		keys[i] = c.Key
	}
	return "the configuration was changed since the version that this was written against, and the two do not fit together: " + strings.Join(keys, ", ")
}

// ConfigConflict is two versions of the members that a person must make one.
type ConfigConflict struct {
	Ours   VersionRow `json:"ours"`
	Theirs VersionRow `json:"theirs"`
	// Conflicts have as A the version with the lower name. Lines are those of the two as `lessor config show` prints them.
	Conflicts []version.Conflict `json:"conflicts"`
	// Clients is how many leases get something else by the one than by the other; -1: not counted yet.
	Clients int `json:"clients"`
	// Concerned are the first of them, with what each has and would have by the other.
	Concerned []ClientExample `json:"concerned"`
	Remedy    string          `json:"remedy"`
}

// GroupConfigStatus is how the group's configuration stands, as this member sees it.
type GroupConfigStatus struct {
	Head        string         `json:"head"`
	Tip         string         `json:"tip"`
	Agreed      string         `json:"agreed"`
	Partner     binding.Member `json:"partner,omitempty"` // the other Lessor; empty: there is none
	Link        string         `json:"link,omitempty"`    // up, away, lost
	PartnerHead string         `json:"partner_head,omitempty"`
	Waits       string         `json:"waits,omitempty"`   // what the tip waits for
	Trouble     string         `json:"trouble,omitempty"` // why the members have no common head
	// Needs is the format of documents that a member's release must read to end that; 0: none.
	Needs       int  `json:"needs,omitempty"`
	FileDiffers bool `json:"file_differs"` // this member's file says something else than the tip
	// FileUnknown says that the file never was a version of this group's, so that what is changed in it cannot be told, and
	// FileChanges where it differs from the tip then: at most maxFileChanges.
	FileUnknown bool             `json:"file_unknown"`
	FileChanges []version.Change `json:"file_changes,omitempty"`
	Conflict    *ConfigConflict  `json:"conflict"`
	// Pending are the changes that safety stands on and that do not hold yet.
	Pending []version.Change `json:"pending"`
	// Settling are the addresses that are kept for another client than before, or for none any more, and that nobody new gets yet; nil: none.
	Settling *Settling `json:"settling,omitempty"`
	Versions int       `json:"versions"` // in the history
	// Differs is what differs between the files of two members that have no history yet.
	Differs []version.Change `json:"differs,omitempty"`
	// Restart are the keys of what takes effect when this server is started again.
	Restart []string `json:"restart,omitempty"`
	// Leaves is the other member where the head has it no more; nil: it stays.
	Leaves *Leaving `json:"leaves,omitempty"`
	// Lost are the versions that were found to be lost since the latest change.
	Lost []LostVersion `json:"lost,omitempty"`
	// Failed says why the newest change could not be stored.
	Failed string `json:"failed,omitempty"`
}

// Settling is what is withheld until both members know who got it by the version before (group.State.Settled).
type Settling struct {
	Since     Instant      `json:"since"`
	Count     int          `json:"count"`
	Addresses []netip.Addr `json:"addresses"` // the first of them
	Waits     string       `json:"waits"`     // for what
}

// Leaving is a member that is taken out of the group.
type Leaving struct {
	Member binding.Member `json:"member"`
	// From is from when on all that was its own is this server's; missing: it is not declared down, and stays a member until it is.
	From Instant `json:"from,omitzero"`
}
