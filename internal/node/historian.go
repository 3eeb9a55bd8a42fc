package node

import (
	"context"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Historian is what a Reporter also is that knows what was before. It is safe for concurrent use, and a slow caller never delays
// the packets. Each answer says since when it is whole: changes and states are kept over restarts, rates and trends begin with the start.
type Historian interface {
	// AddressHistory returns what became of an address, the latest first, at most limit changes (0: MaxHistory).
	AddressHistory(ctx context.Context, addr netip.Addr, limit int) (LeaseHistory, error)
	// ClientHistory returns what became of the leases of the client that has or last had an address, on all of its
	// addresses; false if there is no record of the address.
	ClientHistory(ctx context.Context, addr netip.Addr, limit int) (h LeaseHistory, found bool, err error)
	Chronicler
}

// Chronicler is what a Reporter also is that keeps how it and its pools did. It is safe for concurrent use, and a slow caller never
// delays the packets.
type Chronicler interface {
	// Timeline returns the states of both servers, the earliest first.
	Timeline(ctx context.Context) (Timeline, error)
	// Rates returns what the server did in each second of the last 5 minutes, or in each minute of the last day.
	Rates(ctx context.Context, span RateSpan) (Rates, error)
	// PoolTrends returns how the pools filled in the last hour, and when each will be empty at this rate, in the order of Status.Pools.
	PoolTrends(ctx context.Context) ([]PoolTrend, error)
}

// MaxHistory is how many changes of leases one answer has at most.
const MaxHistory = 1000

// LeaseHistory is what became of an address, or of a client's leases.
type LeaseHistory struct {
	// Since is from when on all changes but renewals are kept, RenewalsSince from when on renewals are. What was before is not
	// known, but for Before.
	Since         Instant `json:"since"`
	RenewalsSince Instant `json:"renewals_since"`
	// Gaps are stretches since then of which something may be missing all the same, the earliest first.
	Gaps []Gap `json:"gaps,omitempty"`
	// Changes are the latest first; More says that there are earlier ones, which were not asked for.
	Changes []LeaseChange `json:"changes"`
	More    bool          `json:"more,omitempty"`
	// Before is what the binding itself knows of what was before Changes, or fell into a gap behind them, the latest first: since when its
	// client has had the address, when it was last heard of, since when it is in its state and why.
	Before []LeaseChange `json:"before"`
}

// LeaseChange is one change of the binding of an address.
type LeaseChange struct {
	Time    Instant    `json:"time"`
	Address netip.Addr `json:"address"`
	State   string     `json:"state"` // that began, or went on
	// Happened is what: granted, renewed, moved (granted, by a client that had another address), released, expired, declined,
	// conflict, freed, balanced, damaged, told-by-partner, rehomed.
	Happened string `json:"happened"`
	Cause    string `json:"cause"` // in words
	// By is the server that decided it; Operator says that a person had it done.
	By       binding.Member `json:"by"`
	Operator bool           `json:"operator,omitempty"`
	// Hardware is the client's, at most 8 octets of it; Client is a short name for the client that is the same wherever it is the
	// same client, and empty where there was none.
	Hardware string `json:"hardware"`
	Client   string `json:"client"`
	// From is the address that the client had before (moved).
	From          netip.Addr `json:"from,omitzero"`
	Expires       Instant    `json:"expires,omitzero"`
	ConfigVersion string     `json:"config_version,omitempty"`
}

// Timeline is the states that both servers of a pair were in.
type Timeline struct {
	Since       Instant           `json:"since"` // from when on it is whole
	Transitions []StateTransition `json:"transitions"`
}

// StateTransition is a server that began to be in a state.
type StateTransition struct {
	Time   Instant        `json:"time"`
	Member binding.Member `json:"member"`
	State  string         `json:"state"`          // in the draft's spelling
	From   string         `json:"from,omitempty"` // empty: as it was when the time line began
	Cause  string         `json:"cause,omitempty"`
}

// RateSpan is a stretch of time, and how finely it is shown.
type RateSpan uint8

const (
	_       RateSpan = iota
	Seconds          // each second of the last 5 minutes
	Minutes          // each minute of the last 24 hours
)

// Rates is what a server did, in even steps, the earliest first. All lists are as long as Times, but where a server has not run
// that long they are shorter.
type Rates struct {
	Step  int64     `json:"step"`  // seconds
	Times []Instant `json:"times"` // the ends of the steps
	// Received and Sent are packets in the step by type in RFC spelling, Drops what was not answered, by reason. What did not
	// happen in the whole span is left out.
	Received map[string][]uint32 `json:"received"`
	Sent     map[string][]uint32 `json:"sent"`
	Drops    map[string][]uint32 `json:"drops"`
	// What an answer took in milliseconds, from the kernel to the kernel, and a commit: the value below which a half and 99 of a
	// hundred were, -1 where there were none.
	AnswerP50 []float64 `json:"answer_p50"`
	AnswerP99 []float64 `json:"answer_p99"`
	CommitP50 []float64 `json:"commit_p50"`
	CommitP99 []float64 `json:"commit_p99"`
	// Active is how many leases there were at the end of the step, Stale how many clients held something else than they would get.
	Active []uint32 `json:"active"`
	Stale  []uint32 `json:"stale"`
}

// PoolTrend is how one pool filled.
type PoolTrend struct {
	PoolStatus
	Times []Instant `json:"times"`
	Used  []uint64  `json:"used"` // at each of Times: Size without what is free, on either server
	// Verdict is empty, filling, steady, draining, or too-early: fewer than 10 minutes are known.
	Verdict string `json:"verdict"`
	// EmptyAt is when nothing will be free at this rate, where it is filling; null: it is not.
	EmptyAt Instant `json:"empty_at"`
	// PerHour is by how many addresses the use grows an hour.
	PerHour float64 `json:"per_hour"`
	// Words says it for people: empty in about 3 h at this rate.
	Words string `json:"words"`
}
