package node

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Reporter answers what a running server is asked by its operators. It is safe for concurrent use, never waits for a
// disk, and a slow caller never delays the packets.
type Reporter interface {
	// Status returns the server's state of this moment.
	Status(ctx context.Context) (Status, error)
	// Leases calls each with every binding that f lets through, in no particular order, until each returns an error,
	// which Leases returns. A binding that exists throughout is shown at least once.
	Leases(ctx context.Context, f LeaseFilter, each func(LeaseRow) error) error
	// Lease returns the binding of one address whole; false if there is no record of it.
	Lease(ctx context.Context, addr netip.Addr) (LeaseDetail, bool, error)
	// Explain says what a client would get and why, and changes nothing. A *RequestError says what is wrong with r.
	Explain(ctx context.Context, r ExplainRequest) (policy.Explanation, error)
	// PartnerDown takes an operator's word that the other server does not serve. A *RefusedError says why it is not taken.
	PartnerDown(ctx context.Context, r PartnerDownRequest) error
	// Maintenance begins (on) or ends a pause, in which clients are left to the other server. A *RefusedError says why not.
	Maintenance(ctx context.Context, on bool) error
	// Events returns what happens from now on and f lets through, until ctx ends; then the channel is closed. Its
	// buffer is bounded: a slow reader loses events, and the next that it gets is an EventsLost that says how many.
	Events(ctx context.Context, f EventFilter) (<-chan Event, error)
}

// Instant is a time as a report spells it: RFC 3339 in UTC, null for the zero time. binding.Forever stands for a lease
// without end.
type Instant struct{ time.Time }

// At returns t as an Instant.
func At(t time.Time) Instant { return Instant{t.UTC()} }

// MarshalJSON writes the time in UTC, or null.
func (t Instant) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.Time.UTC().MarshalJSON()
}

// Status is a server's state at one moment.
type Status struct {
	Server  binding.Member `json:"server"`
	Version string         `json:"version"`
	// Ready says that the store is replayed and the sockets are open; Waiting says in words what is still waited for.
	Ready   bool   `json:"ready"`
	Waiting string `json:"waiting,omitempty"`
	// Started is when the process began to serve; Uptime is how long ago that was, in whole seconds.
	Started    Instant           `json:"started"`
	Uptime     int64             `json:"uptime"`
	Config     ConfigStatus      `json:"config"`
	Partners   []PartnerStatus   `json:"partners"`
	Pools      []PoolStatus      `json:"pools"`
	Interfaces []InterfaceStatus `json:"interfaces"`
	// Alarms are the conditions that an operator should act on and that hold now, the gravest first.
	Alarms []Alarm `json:"alarms"`
	// Received and Sent count datagrams by message type in RFC spelling (DHCPDISCOVER, BOOTREQUEST); Drops counts
	// what was received and not answered, by reason. All since Started.
	Received map[string]uint64 `json:"received"`
	Sent     map[string]uint64 `json:"sent"`
	Drops    map[string]uint64 `json:"drops"`
	// ClassesFailed are the classes whose expression failed for some client since Started or since their class was last
	// taken out of the configuration, by name.
	ClassesFailed []ClassFailure `json:"classes_failed"`
	// ProbesSkipped counts offers that were made without a conflict probe because too many were under way.
	ProbesSkipped uint64 `json:"probes_skipped,omitempty"`
	// OffersRecalled counts offers that were withdrawn before their time since at one port, or through one relay or interface, too many
	// addresses of the pool were on offer.
	OffersRecalled uint64 `json:"offers_recalled,omitempty"`
	// OptionsLeftOut counts replies that had no room for every option that they should have had.
	OptionsLeftOut uint64 `json:"options_left_out,omitempty"`
	// Bindings counts the records by state, Memory is what they take in octets.
	Bindings map[string]int `json:"bindings"`
	Memory   int64          `json:"memory"`
	// Goroutines is how many the process has.
	Goroutines int `json:"goroutines,omitempty"`
	// Stale counts the clients that hold something else than they would get; nil where that is not kept.
	Stale *StaleSummary `json:"stale,omitempty"`
	Store StoreStatus   `json:"store"`
	// API is how the server is asked over TCP; null where it is not.
	API *APIStatus `json:"api,omitempty"`
}

// APIStatus is the listener by which a server is asked over TCP.
type APIStatus struct {
	// URL is how it is asked.
	URL string `json:"url"`
	// Fingerprint is the SHA-256 of the certificate that is shown there, in hexadecimal; empty where nothing is encrypted.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Ends is when the certificate ends.
	Ends Instant `json:"ends,omitzero"`
	// Own says that the server made the certificate for itself, so that it is known by its fingerprint alone.
	Own bool `json:"own,omitempty"`
	// Connections is how many there are now.
	Connections int `json:"connections"`
	// Shed counts those that were closed, or not let in, since there would have been too many.
	Shed uint64 `json:"shed,omitempty"`
}

// MarshalJSON writes empty lists and maps where there is nothing, never null.
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	notNilSlice(&s.Partners)
	notNilSlice(&s.Pools)
	notNilSlice(&s.Interfaces)
	notNilSlice(&s.Alarms)
	notNilSlice(&s.ClassesFailed)
	notNilMap(&s.Received)
	notNilMap(&s.Sent)
	notNilMap(&s.Drops)
	notNilMap(&s.Bindings)
	return json.Marshal(plain(s))
}

func notNilSlice[T any](s *[]T) {
	if *s == nil {
		*s = []T{}
	}
}

func notNilMap[K comparable, V any](m *map[K]V) {
	if *m == nil {
		*m = map[K]V{}
	}
}

// ConfigStatus says which configuration the server serves by.
type ConfigStatus struct {
	Head  string  `json:"head"`  // the version's digest in hexadecimal
	Since Instant `json:"since"` // when it was adopted
	File  string  `json:"file,omitempty"`
	// Refused says why the newest reload was refused, empty if it was not; RefusedAt is when.
	Refused   string  `json:"refused,omitempty"`
	RefusedAt Instant `json:"refused_at,omitzero"`
	// Group is how the group's configuration stands; nil where no versions are kept.
	Group *GroupConfigStatus `json:"group,omitempty"`
}

// PartnerStatus is one failover relationship. A server that stands alone has none.
type PartnerStatus struct {
	Name         string         `json:"name"` // of the relationship
	Partner      binding.Member `json:"partner"`
	Protocol     string         `json:"protocol"` // lessor, isc-dhcpd
	Role         string         `json:"role"`     // of this server
	State        string         `json:"state"`    // of this server, in the draft's spelling
	Cause        string         `json:"cause"`    // why it is in State
	PartnerState string         `json:"partner_state"`
	Since        Instant        `json:"since"` // of State
	PartnerSince Instant        `json:"partner_since"`
	MCLT         int64          `json:"mclt"`      // seconds
	Unacked      int            `json:"unacked"`   // changes that the partner has not acknowledged
	InFlight     int            `json:"in_flight"` // of these, sent and not answered
	Connected    bool           `json:"connected"`
	Skew         float64        `json:"skew"`           // seconds that our clock is ahead
	Uncertain    float64        `json:"skew_uncertain"` // seconds by which Skew may be wrong
	// Skewed says that the clocks differ by more than they may (max-skew).
	Skewed bool `json:"skewed,omitempty"`
	// Waiting says what not all clients are answered for; empty if they are.
	Waiting string `json:"waiting,omitempty"`
	// Trouble says why there is no connection, and what to do.
	Trouble string `json:"trouble,omitempty"`
	// WaitUntil is the end of RECOVER-WAIT; OwnShareFrom is from when on our own free addresses may be given, PartnerShareFrom the
	// partner's in PARTNER-DOWN; null: there is no wait, or it does not apply.
	WaitUntil        Instant `json:"wait_until,omitzero"`
	OwnShareFrom     Instant `json:"own_share_from,omitzero"`
	PartnerShareFrom Instant `json:"partner_share_from,omitzero"`
	// LargestMCLT is the largest under which something may still be held, in seconds, where it is not MCLT.
	LargestMCLT int64 `json:"largest_mclt,omitempty"`
	// NeverServed says that PARTNER-DOWN was declared with --never-served.
	NeverServed bool `json:"never_served,omitempty"`
	// PartnerSilent says that the partner does not answer the clients that are its own.
	PartnerSilent bool `json:"partner_silent,omitempty"`
	// Differs has the parts of the configuration that differed when the two greeted each other last, each by its key with what
	// either says; Disagree says that safety stands on some of them, so that the two do not serve together.
	Differs  []string `json:"differs,omitempty"`
	Disagree bool     `json:"disagree,omitempty"`
	// Conflicts are addresses that two clients may hold, RefusedUpdates those of which one server did not believe the other: the
	// latest of both.
	Conflicts      []BindingConflictStatus `json:"conflicts"`
	RefusedUpdates []RefusedUpdate         `json:"refused_updates"`
	// Rejected counts updates that the partner refused and that are offered again.
	Rejected int `json:"rejected,omitempty"`
	// Ignored counts messages of the partner that meant nothing where they came.
	Ignored uint64 `json:"ignored,omitempty"`
	// Listen is where the other members reach this one, RefusedConnections what was refused there and why.
	Listen             netip.AddrPort      `json:"listen"`
	RefusedConnections []RefusedConnection `json:"refused_connections"`
	// KeysEnd is when the certificate of this member ends, null without keys; KeysWarning is what is the matter with the keys.
	KeysEnd     Instant `json:"keys_end"`
	KeysWarning string  `json:"keys_warning,omitempty"`
}

// MarshalJSON writes empty lists where there is nothing, never null.
func (p PartnerStatus) MarshalJSON() ([]byte, error) {
	type plain PartnerStatus
	notNilSlice(&p.Conflicts)
	notNilSlice(&p.RefusedUpdates)
	notNilSlice(&p.RefusedConnections)
	return json.Marshal(plain(p))
}

// BindingConflictStatus is an address that two clients may hold.
type BindingConflictStatus struct {
	Address netip.Addr `json:"address"`
	Kept    string     `json:"kept"` // the client whose the address now is
	Lost    string     `json:"lost"` // and the one that may have held it too
	Cause   string     `json:"cause"`
}

// RefusedUpdate is a binding update that one of the two servers did not take.
type RefusedUpdate struct {
	Time    Instant    `json:"time"`
	Address netip.Addr `json:"address"`
	Reason  uint8      `json:"reason"` // the draft's reject-reason
	Cause   string     `json:"cause"`
}

// RefusedConnection is one reason for which connections to the port of this member were refused.
type RefusedConnection struct {
	Reason string  `json:"reason"`
	Remedy string  `json:"remedy"`
	Count  uint64  `json:"count"`
	Last   Instant `json:"last"`
	Detail string  `json:"detail,omitempty"` // of the last one
}

// PartnerDownRequest is an operator's word that the other server does not serve.
type PartnerDownRequest struct {
	Partner     string `json:"partner"`
	NeverServed bool   `json:"never_served"` // nor has it ever
	Force       bool   `json:"force"`        // whatever speaks against it
	Reason      string `json:"reason"`       // why it is forced; kept
}

// RefusedError says why an operator's command is not carried out.
type RefusedError struct{ Why, Remedy string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Why }

// PoolStatus is what a full count of one pool's addresses would give. Free + Offered + Active + Grace + Abandoned +
// Reserved = Size. A count of 2^64 or more is given as 2^64 - 1.
type PoolStatus struct {
	Network   string       `json:"network"`
	Subnet    netip.Prefix `json:"subnet"`
	Range     string       `json:"range"` // 198.51.100.50-198.51.100.240
	Size      uint64       `json:"size"`
	Active    uint64       `json:"active"`
	Offered   uint64       `json:"offered"`
	Grace     uint64       `json:"grace"` // expired, the guard behind the expiry not yet over
	Abandoned uint64       `json:"abandoned"`
	Reserved  uint64       `json:"reserved"` // for hosts
	Free      uint64       `json:"free"`
	// PartnerFree is how many free addresses are the partner's to give.
	PartnerFree uint64 `json:"partner_free"`
}

// InterfaceStatus is one interface on which clients are heard.
type InterfaceStatus struct {
	Name      string         `json:"name"`
	Up        bool           `json:"up"`
	Network   string         `json:"network"` // the shared network on it; empty: no subnet of the document fits
	Addresses []netip.Prefix `json:"addresses"`
}

// MarshalJSON writes an empty list where there are no addresses, never null.
func (i InterfaceStatus) MarshalJSON() ([]byte, error) {
	type plain InterfaceStatus
	notNilSlice(&i.Addresses)
	return json.Marshal(plain(i))
}

// Severity says how soon an operator should look at an Alarm.
type Severity string

const (
	// Warning means that service goes on, but will suffer if nobody looks.
	Warning Severity = "warning"
	// Critical means that some clients are not served now.
	Critical Severity = "critical"
)

// Alarm is a condition that an operator should act on.
type Alarm struct {
	// Code is the same for the same condition in every version: disk-full, pool-exhausted.
	Code     string   `json:"code"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`   // what is the matter, with the figures
	Remedy   string   `json:"remedy"` // what to do
	Since    Instant  `json:"since"`
}

// ClassFailure is a class whose expression failed for clients, who then count as no members.
type ClassFailure struct {
	Class string `json:"class"`
	Line  int    `json:"line"` // of Source
	// FileLine is the same line in Source's file, where that says what is in force; 0: it does not.
	FileLine int `json:"file_line,omitempty"`
	// Source says of what text Line is a line: of the head.
	Source policy.Source `json:"source"`
	Count  uint64        `json:"count"` // of messages for which it failed
	Last   Instant       `json:"last"`
	Error  string        `json:"error"` // the newest
}

// StoreStatus is the state of the durable store.
type StoreStatus struct {
	Dir   string `json:"dir"`
	State string `json:"state"` // open, stalled, full, failed
	// Commits is the number of the last durable commit; Syncs counts the syncs since the process began.
	Commits uint64 `json:"commits"`
	Syncs   uint64 `json:"syncs"`
	// JournalBytes is what a restart would have to replay after the snapshot.
	JournalBytes  int64   `json:"journal_bytes"`
	Segments      int     `json:"segments"`
	Snapshot      Instant `json:"snapshot"` // when the newest snapshot was finished; null if there is none
	SnapshotBytes int64   `json:"snapshot_bytes"`
	// Recovered tells what the newest start found.
	Recovered RecoveryStatus `json:"recovered"`
}

// RecoveryStatus is what a start found in the store.
type RecoveryStatus struct {
	Bindings int   `json:"bindings"`
	CutBytes int64 `json:"cut_bytes"` // of an unfinished commit at the end
	// Damaged names each record that could not be trusted, one line each, at most 100; DamagedCount counts all.
	Damaged      []string `json:"damaged,omitempty"`
	DamagedCount int      `json:"damaged_count"`
	Seconds      float64  `json:"seconds"` // what it took
}

// LeaseFilter says which bindings are asked for. What is unset lets everything through; what is set must all hold.
type LeaseFilter struct {
	Client  ClientPattern
	Prefix  netip.Prefix  // bindings within it; a single address is a prefix of its whole length
	State   binding.State // 0: any
	Network string        // name of a shared network
}

// LeaseRow is one binding in a list.
type LeaseRow struct {
	Address  netip.Addr `json:"address"`
	State    string     `json:"state"`
	Hardware string     `json:"hardware"`  // 02:00:00:00:00:01; empty: none known
	ClientID string     `json:"client_id"` // 01:02:00:00:00:00:01; empty: none was sent
	Hostname string     `json:"hostname"`  // as the client sent it: may hold any octets
	Starts   Instant    `json:"starts"`
	Expires  Instant    `json:"expires"`
	// PotentialExpiry is the latest expiry that a partner may have to reckon with; alone it is Expires.
	PotentialExpiry Instant        `json:"potential_expiry"`
	CLTT            Instant        `json:"cltt"`
	Network         string         `json:"network"`
	Subnet          string         `json:"subnet"` // empty: the address is in no subnet of the configuration
	Home            binding.Member `json:"home"`
	ConfigVersion   string         `json:"config_version"`
	Result          string         `json:"result"` // digest of what the client was told; empty if unknown
}

// LeaseDetail is one binding whole.
type LeaseDetail struct {
	LeaseRow
	Changed Instant        `json:"changed"` // since when it is in its state
	Cause   string         `json:"cause"`   // why
	Owner   binding.Member `json:"owner,omitempty"`
	// Source says of what text the lines of what the client was told are counted: of ConfigVersion. It is empty where that is not here.
	Source policy.Source `json:"source"`
	// Facts are what the client said in the request that led to the last ACK; nil if unknown.
	Facts *LeaseFacts `json:"facts"`
	// Told says that the following are known: what the client was told in the last ACK.
	Told           bool         `json:"told"`
	Lifetime       uint32       `json:"lifetime"` // seconds, as wanted; 4294967295 never ends
	NextServer     string       `json:"next_server"`
	ServerHostname string       `json:"server_hostname"`
	BootFileName   string       `json:"boot_file_name"`
	Options        []ToldOption `json:"options"`
	// LeftOut are the options for which there was no room in the message: a client says how long a message it takes (57).
	LeftOut []LeftOut `json:"left_out,omitempty"`
	// Parameters says where what is no option came from: lifetime, next-server, server-hostname, boot-file-name, and
	// the address, if it was reserved.
	Parameters []ToldParameter `json:"parameters"`
	// Again says that the client was told what it had been told before, by a member whose configuration does not come from
	// ConfigVersion; nil: it was told what ConfigVersion says.
	Again *ToldAgain `json:"again,omitempty"`
	// Today is what the client would be told now; nil where nobody holds the address.
	Today   *LeaseToday `json:"today"`
	History []Happening `json:"history,omitempty"`
}

// MarshalJSON writes an empty list where there are no options, never null.
func (d LeaseDetail) MarshalJSON() ([]byte, error) {
	type plain LeaseDetail
	notNilSlice(&d.Options)
	notNilSlice(&d.Parameters)
	return json.Marshal(plain(d))
}

// ToldAgain is how a client came to what no version of the configuration says.
type ToldAgain struct {
	By   binding.Member `json:"by"`
	Rule string         `json:"rule"` // as told before; asked for more
}

// LeftOut is an option that the configuration has for a client, and that its message had no room for.
type LeftOut struct {
	Name   string `json:"name"`
	Code   uint16 `json:"code"`
	Layer  string `json:"layer"`
	Object string `json:"object"`
	Line   int    `json:"line"` // of LeaseDetail.Source
	// FileLine is the same line in the source's file, where that says what the version does; 0: it does not.
	FileLine int `json:"file_line,omitempty"`
}

// LeaseFacts is what a client said.
type LeaseFacts struct {
	Link      string       `json:"link"`
	GIAddr    string       `json:"giaddr"` // empty: heard directly
	Options   []SaidOption `json:"options"`
	Truncated bool         `json:"truncated,omitempty"` // the client said more than is kept
}

// MarshalJSON writes an empty list where there are no options, never null.
func (f LeaseFacts) MarshalJSON() ([]byte, error) {
	type plain LeaseFacts
	notNilSlice(&f.Options)
	return json.Marshal(plain(f))
}

// SaidOption is one option that a client sent. Value is what option.Def.Decode makes of it, or hexadecimal.
type SaidOption struct {
	Name  string `json:"name"`
	Code  uint16 `json:"code"`
	Value any    `json:"value"`
	Text  string `json:"text,omitempty"` // one line for people
}

// ToldOption is one option that a client was told, and where in the configuration it came from.
type ToldOption struct {
	SaidOption
	Layer  string `json:"layer"`  // subnet, host, … as DESIGN spells the layers
	Object string `json:"object"` // the layer's object: 198.51.100.0/24, printer1
	Line   int    `json:"line"`   // of LeaseDetail.Source; 0: nowhere, a default
	// FileLine is the same line in the source's file, where that says what the version does; 0: it does not.
	FileLine int    `json:"file_line,omitempty"`
	Rule     string `json:"rule,omitempty"`
	// Parts are all layers that had a part in the value, the strongest first, where there were several.
	Parts []policy.Origin `json:"parts,omitempty"`
	// Today is what the client would be told now; nil: nothing any more, or LeaseDetail.Today is not known.
	Today *TodayOption `json:"today"`
	// Differs says that the client would be told something else now, or nothing.
	Differs bool `json:"differs,omitempty"`
}

// TodayOption is what a client would be told in an option by the configuration that is served by now.
type TodayOption struct {
	Value any    `json:"value"`
	Text  string `json:"text,omitempty"`
	policy.Origin
	Parts []policy.Origin `json:"parts,omitempty"`
}

// ToldParameter is why a client got something that is no option.
type ToldParameter struct {
	Name   string `json:"name"`
	Layer  string `json:"layer"`
	Object string `json:"object"`
	Line   int    `json:"line"` // of the source; 0: nowhere, a default
	// FileLine is the same line in the source's file, where that says what the version does; 0: it does not.
	FileLine int    `json:"file_line,omitempty"`
	Rule     string `json:"rule,omitempty"`
}

// LeaseToday is what the configuration that is served by now would tell the client of a lease, as its home, by what the
// client said when it was last told something.
type LeaseToday struct {
	// NotKnown is why nothing can be said; what follows is then empty.
	NotKnown string `json:"not_known,omitempty"`
	// Differs says that anything is not as the client was told: an option, a boot field, or the lifetime.
	Differs       bool           `json:"differs"`
	As            binding.Member `json:"as"`
	ConfigVersion string         `json:"config_version"`
	// Source says of what text the lines of what the client would be told are counted: of ConfigVersion.
	Source         policy.Source   `json:"source"`
	Result         string          `json:"result"` // digest of all that would be told
	Lifetime       uint32          `json:"lifetime"`
	NextServer     string          `json:"next_server"`
	ServerHostname string          `json:"server_hostname"`
	BootFileName   string          `json:"boot_file_name"`
	Parameters     []ToldParameter `json:"parameters"`
	// New are the options that the client was not told.
	New   []ToldOption `json:"new"`
	Notes []string     `json:"notes,omitempty"`
}

// MarshalJSON writes empty lists where there is nothing, never null.
func (t LeaseToday) MarshalJSON() ([]byte, error) {
	type plain LeaseToday
	notNilSlice(&t.Parameters)
	notNilSlice(&t.New)
	return json.Marshal(plain(t))
}

// Happening is one earlier change of a binding.
type Happening struct {
	Time   Instant `json:"time"`
	State  string  `json:"state"`
	Client string  `json:"client"`
	Cause  string  `json:"cause"`
}
