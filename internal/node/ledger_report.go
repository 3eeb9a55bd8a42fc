package node

import (
	"encoding/json"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// StaleFilter says which entries of the stale ledger are asked for. What is unset lets everything through; what is set must
// all hold.
type StaleFilter struct {
	Client  ClientPattern
	Address netip.Prefix // clients within it; a single address is a prefix of its whole length
	Cause   string       // as StaleRow has it
	Limit   int          // how many at most; 0: all
}

// StaleRow is a client that holds something else than the configuration that is served by would give it.
type StaleRow struct {
	Address  netip.Addr     `json:"address"`
	Hardware string         `json:"hardware"`  // empty: none known
	ClientID string         `json:"client_id"` // empty: none was sent
	Hostname string         `json:"hostname"`  // as the client sent it: may hold any octets
	Since    Instant        `json:"since"`     // since when it is so
	Home     binding.Member `json:"home"`
	// HasVersion is the version by which it was told what it has, WouldVersion the one that is served by.
	HasVersion   string `json:"has_version"`
	WouldVersion string `json:"would_version"`
	// Cause is why: configuration changed, granted under another version, asked for more, told older while apart, another
	// home or release.
	Cause   string       `json:"cause"`
	CLTT    Instant      `json:"cltt"` // when it was last answered
	Expires Instant      `json:"expires"`
	Network string       `json:"network"`
	Differs []Difference `json:"differs"`
}

// MarshalJSON writes an empty list where there is nothing, never null.
func (r StaleRow) MarshalJSON() ([]byte, error) {
	type plain StaleRow
	notNilSlice(&r.Differs)
	return json.Marshal(plain(r))
}

// Difference is one thing that a client has, and what it would have instead: an option by its name, or address, lifetime,
// next-server, server-hostname, boot-file-name.
type Difference struct {
	Name      string `json:"name"`
	Has       any    `json:"has"`        // as a document has it; null: it was not told it
	WouldHave any    `json:"would_have"` // null: it would not be told it
	HasText   string `json:"has_text"`   // one line for people; empty for null
	WouldText string `json:"would_text"`
	// Why says where what it would have comes from, or why it would have nothing: subnet 198.51.100.0/24, line 12.
	Why string `json:"why,omitempty"`
}

// StaleSummary counts the stale ledger.
type StaleSummary struct {
	Clients int            `json:"clients"`
	ByCause map[string]int `json:"by_cause"`
	// Unknown counts the clients of which is not known what they were told or what they said: of another vendor's server.
	Unknown int `json:"unknown"`
	// Sweeping says that the configuration was changed a moment ago and Swept of Total records have been looked at since: the
	// others are still counted as they were before.
	Sweeping    bool    `json:"sweeping"`
	Swept       int     `json:"swept"`
	Total       int     `json:"total"`
	SinceOldest Instant `json:"since_oldest"` // null: there are none
}

// maxExamples is how many clients a report names for one thing; it counts all.
const maxExamples = 100

// ClientExample is a client in a report.
type ClientExample struct {
	Address  netip.Addr     `json:"address"`
	Hardware string         `json:"hardware"`
	ClientID string         `json:"client_id"`
	Hostname string         `json:"hostname"`
	Network  string         `json:"network"`
	Home     binding.Member `json:"home"`
	// Differs is what would change for it; empty where its address alone would.
	Differs []Difference `json:"differs,omitempty"`
	Why     string       `json:"why,omitempty"`
}

// WhatIfReport is what a configuration would mean for the clients that have a lease now, if it were served by.
type WhatIfReport struct {
	// Version is the digest of the proposed document, Head the version that is served by now.
	Version string  `json:"version"`
	Head    string  `json:"head"`
	Seconds float64 `json:"seconds"` // what it took

	// Total counts the clients with a lease; Unknown those of which is not known what they have (another vendor's server
	// answered them), so that nothing but their address was looked at.
	Total   int `json:"total"`
	Unknown int `json:"unknown"`
	// Changed counts the clients that would be told something else than they have when they ask next; StaleNow those that would be
	// anyway, by the configuration of now. ByChange counts those for whom the two configurations differ.
	Changed  int `json:"changed"`
	StaleNow int `json:"stale_now"`
	ByChange int `json:"by_change"`
	// Options are the options, lifetimes and boot fields that clients would have otherwise, those of most clients first.
	Options []ChangedPart `json:"options"`
	// Classes counts the clients of Changed by the class that they would be in; one may be in several. "" counts those in none.
	Classes []ClassCount `json:"classes"`

	// Lost counts the clients that may not keep their address; LostBy says why, with examples.
	Lost   int          `json:"lost"`
	LostBy []LostReason `json:"lost_by"`
	// Pools are those that would have too few addresses, and those that would have none.
	Pools []PoolWhatIf `json:"pools"`
	// Reservations are addresses that would be kept for one client while another has them; ReservationCount counts all.
	Reservations     []ReservationCollision `json:"reservations"`
	ReservationCount int                    `json:"reservation_count"`
	// Dropped are the subnets that the document would not have any more.
	Dropped []DroppedSubnet `json:"dropped"`
	// Notes are what an operator should know beside.
	Notes []string `json:"notes"`

	// Emptied are the networks that would have no pool any more.
	Emptied []string `json:"emptied"`
}

// MarshalJSON writes empty lists where there is nothing, never null.
func (r WhatIfReport) MarshalJSON() ([]byte, error) {
	type plain WhatIfReport
	notNilSlice(&r.Options)
	notNilSlice(&r.Classes)
	notNilSlice(&r.LostBy)
	notNilSlice(&r.Pools)
	notNilSlice(&r.Reservations)
	notNilSlice(&r.Dropped)
	notNilSlice(&r.Notes)
	notNilSlice(&r.Emptied)
	return json.Marshal(plain(r))
}

// ChangedPart is one option, lifetime or boot field that clients would have otherwise.
type ChangedPart struct {
	Name     string          `json:"name"`
	Clients  int             `json:"clients"`
	Classes  []ClassCount    `json:"classes"`
	Examples []ClientExample `json:"examples"` // with this difference alone
}

// ClassCount is how many clients belong to a class.
type ClassCount struct {
	Class   string `json:"class"` // empty: to none
	Clients int    `json:"clients"`
}

// LostReason is why clients would lose their address.
type LostReason struct {
	Why      string          `json:"why"` // no subnet, no pool, the pool denies the client, reserved for another
	Clients  int             `json:"clients"`
	Examples []ClientExample `json:"examples"`
}

// PoolWhatIf is a pool that would not have enough addresses.
type PoolWhatIf struct {
	Network string `json:"network"`
	Subnet  string `json:"subnet"`
	Range   string `json:"range"`
	Size    uint64 `json:"size"`   // without what is reserved
	Active  uint64 `json:"active"` // clients that would keep their address in it
	Moving  uint64 `json:"moving"` // clients that lose theirs, and would look for one here
	Missing uint64 `json:"missing"`
	Gone    bool   `json:"gone"` // the document would not have it any more; Active is then how many clients have an address in it
}

// ReservationCollision is an address that would be kept for one host while another client has it.
type ReservationCollision struct {
	Address netip.Addr    `json:"address"`
	Host    string        `json:"host"`   // for which it would be kept
	Holder  ClientExample `json:"holder"` // who has it
	Until   Instant       `json:"until"`
}

// DroppedSubnet is a subnet that the document would not have any more.
type DroppedSubnet struct {
	Network string `json:"network"`
	Subnet  string `json:"subnet"`
	Clients int    `json:"clients"` // with a lease in it
}

// DriftReport says where two members would treat clients differently.
type DriftReport struct {
	With     binding.Member `json:"with"`
	Protocol string         `json:"protocol"` // lessor, isc-dhcpd
	// OurHead and TheirHead are the versions that the two serve by; TheirHead is empty where it is not known.
	OurHead   string  `json:"our_head"`
	TheirHead string  `json:"their_head"`
	SameHead  bool    `json:"same_head"`
	Compared  Instant `json:"compared"`
	Seconds   float64 `json:"seconds"`

	// Total counts the clients with a lease, Unknown those that could not be compared. Clients counts those that would get
	// something else from one than from the other now: with a lease that they have, because the heads differ; NewClients those that
	// would, had they none yet, because the environments of the two differ (servers:, server-classes:).
	Total      int `json:"total"`
	Unknown    int `json:"unknown"`
	Clients    int `json:"clients"`
	NewClients int `json:"new_clients"`
	// Groups are what differs, by class and option, what concerns most clients first.
	Groups []DriftGroup `json:"groups"`
	// Because says in words why the two differ; CannotKnow what could not be compared, with the reason.
	Because    []string `json:"because"`
	CannotKnow []string `json:"cannot_know"`
	Remedy     string   `json:"remedy,omitempty"`
}

// MarshalJSON writes empty lists where there is nothing, never null.
func (r DriftReport) MarshalJSON() ([]byte, error) {
	type plain DriftReport
	notNilSlice(&r.Groups)
	notNilSlice(&r.Because)
	notNilSlice(&r.CannotKnow)
	return json.Marshal(plain(r))
}

// DriftGroup is one option, lifetime or boot field that clients of a class would get otherwise from the other member.
type DriftGroup struct {
	Class   string `json:"class"` // empty: of none
	Name    string `json:"name"`
	Because string `json:"because"` // heads differ, or servers: layers differ (for clients that have no lease yet)
	Clients int    `json:"clients"`
	// Examples name the option alone: Has is what this member gives, WouldHave the other.
	Examples []ClientExample `json:"examples"`
}
