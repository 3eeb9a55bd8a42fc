package sim

import (
	"fmt"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// Mark is something rare that must happen sometimes, or the histories are not hard enough. The zero value is invalid.
type Mark uint8

// The marks. Those of the changes of state follow behind, one for each of transitions.
const (
	_ Mark = iota
	MarkHeld
	MarkSameAgain
	MarkOtherServer
	MarkRenewed
	MarkRebound
	MarkRebooted
	MarkWentOn
	MarkRapid
	MarkInformed
	MarkLateAck
	MarkLeaseRanOut
	MarkDawdled
	MarkDeclined
	MarkMoved
	MarkNak
	MarkNakIgnored
	MarkUnanswered
	MarkDuplicate
	MarkSplit
	MarkOneWay
	MarkReplaced
	MarkReplayed
	MarkCrash
	MarkTorn
	MarkDurableUntold
	MarkWiped
	MarkRolledBack
	MarkRot
	MarkRotFound
	MarkWithheld
	MarkRecordsLost
	MarkFrozen
	MarkStopped
	MarkOpenFailed
	MarkDiskError
	MarkDiskFull
	MarkSlowSync
	MarkReopened
	MarkSnapshot
	MarkClockStep
	MarkMaintenance
	MarkReload
	MarkDeclaredDown
	MarkDeclareRefused
	MarkGrantedAlone
	MarkStoreWentBack
	MarkUpdateRefused
	MarkRangeGiven
	MarkSeveral
	MarkUpdateRequest
	MarkUpdateAll
	MarkUpdateDone
	MarkPoolRequest
	MarkPoolResponse
	MarkDisconnect
	MarkConflict
	MarkFalseDown
	MarkConfigurationDiffers
	MarkSkew
	MarkAmbushed
	MarkPartnerShare
	MarkFreedAlone
	MarkExpired
	MarkReleased
	MarkApplied
	MarkFileRead
	MarkVersionBack
	MarkResolved
	MarkStaleRefused
	MarkChangeRefused
	MarkMerged
	MarkBranched
	MarkRival
	MarkDoomed
	MarkVersionsLost
	MarkVersionsNotKept
	MarkReservationWaits
	MarkToldAgain
	MarkToldHomes
	MarkToldOlder
	MarkAskedMore
	MarkUnsettled
	MarkVersionGone
	marksOfEvents
)

var markNames = [marksOfEvents]string{
	MarkHeld: "a client holds an address", MarkSameAgain: "a client gets the address that it had", MarkOtherServer: "the other server renews",
	MarkRenewed: "renewed", MarkRebound: "rebound", MarkRebooted: "confirmed after a reboot", MarkWentOn: "nobody confirms, and it goes on",
	MarkRapid: "rapid commit", MarkInformed: "DHCPINFORM answered", MarkLateAck: "an ACK too late to be of use", MarkLeaseRanOut: "a lease ran out in use",
	MarkDawdled: "an offer taken late", MarkDeclined: "declined", MarkMoved: "moved to the other link", MarkNak: "refused", MarkNakIgnored: "a NAK ignored",
	MarkUnanswered: "asked in vain", MarkDuplicate: "a packet came twice", MarkSplit: "each client reaches one server", MarkOneWay: "the servers hear one another one way",
	MarkReplaced: "a connection takes the place of a dead one", MarkReplayed: "an update came twice", MarkCrash: "crash", MarkTorn: "crash in the middle of a write",
	MarkDurableUntold: "crash between commit and answer", MarkWiped: "disk lost", MarkRolledBack: "disk rolled back", MarkRot: "disk rotten", MarkRotFound: "rot found", MarkWithheld: "addresses withheld", MarkRecordsLost: "records lost of which not even the address is known",
	MarkFrozen: "process stopped for a while", MarkStopped: "stopped in good order", MarkOpenFailed: "store not opened at first", MarkDiskError: "disk error",
	MarkDiskFull: "disk full", MarkSlowSync: "slow sync", MarkReopened: "store opened anew", MarkSnapshot: "snapshot", MarkClockStep: "clock stepped",
	MarkMaintenance: "maintenance", MarkReload: "reload", MarkDeclaredDown: "declared down", MarkDeclareRefused: "partner-down refused",
	MarkGrantedAlone: "granted in PARTNER-DOWN", MarkStoreWentBack: "a store that went back was noticed", MarkUpdateRefused: "update refused",
	MarkRangeGiven: "a range of unused addresses given", MarkSeveral: "several bindings in a message", MarkUpdateRequest: "UPDREQ", MarkUpdateAll: "UPDREQALL",
	MarkUpdateDone: "UPDDONE", MarkPoolRequest: "POOLREQ", MarkPoolResponse: "POOLRESP", MarkDisconnect: "DISCONNECT", MarkConflict: "conflict named",
	MarkFalseDown: "declared down wrongly", MarkConfigurationDiffers: "configurations differ", MarkSkew: "clocks too far apart", MarkAmbushed: "struck at its moment",
	MarkPartnerShare: "an address of the other's share granted", MarkFreedAlone: "freed in PARTNER-DOWN", MarkExpired: "a lease expired", MarkReleased: "released",
	MarkApplied: "a change of the configuration", MarkFileRead: "a file read again", MarkVersionBack: "back to an earlier version", MarkResolved: "a conflict resolved",
	MarkStaleRefused: "a change refused for what was changed since", MarkChangeRefused: "a change refused", MarkMerged: "two heads merged",
	MarkBranched: "a branch adopted", MarkRival: "two heads that do not merge", MarkDoomed: "ended in the middle of a step of its versions",
	MarkVersionsLost: "versions lost", MarkVersionsNotKept: "versions not kept", MarkReservationWaits: "a reservation that waits",
	MarkToldAgain: "told again what was told", MarkToldHomes: "told what its home would say", MarkToldOlder: "told older, by a server that could not know",
	MarkVersionGone: "clients were told by a version that is lost", MarkUnsettled: "withheld until both know who got it", MarkAskedMore: "told again, and what it had not asked for",
}

// transitions are the changes of state that must be seen. From NORMAL to PARTNER-DOWN no Lessor brings another: it recovers on a connection
// of its own.
var transitions = [...][2]failover.State{
	{failover.Startup, failover.Recover}, {failover.Startup, failover.Normal}, {failover.Startup, failover.CommunicationsInterrupted},
	{failover.Startup, failover.PartnerDown}, {failover.Startup, failover.RecoverWait}, {failover.Recover, failover.RecoverWait}, {failover.Recover, failover.RecoverDone},
	{failover.RecoverWait, failover.RecoverDone}, {failover.RecoverDone, failover.Normal}, {failover.Normal, failover.CommunicationsInterrupted},
	{failover.Normal, failover.Paused}, {failover.CommunicationsInterrupted, failover.Normal},
	{failover.CommunicationsInterrupted, failover.PartnerDown}, {failover.PartnerDown, failover.Normal}, {failover.Paused, failover.Startup},
	{failover.PartnerDown, failover.CommunicationsInterrupted}, {failover.CommunicationsInterrupted, failover.Paused},
}

// Marks count what happened.
type Marks [int(marksOfEvents) + len(transitions)]int

func (m *Marks) init() { *m = Marks{} }

func (m *Marks) hit(k Mark) { m[k]++ }

// Add adds those of another history.
func (m *Marks) Add(o *Marks) {
	for i := range m {
		m[i] += o[i]
	}
}

func (m *Marks) transition(from, to failover.State) {
	for i, t := range transitions {
		if t == [2]failover.State{from, to} {
			m[int(marksOfEvents)+i]++
		}
	}
}

func (m *Marks) note(k failover.NoteKind) {
	switch k {
	case failover.ConfigurationDiffers:
		m.hit(MarkConfigurationDiffers)
	case failover.SkewFound:
		m.hit(MarkSkew)
	}
}

func (m *Marks) update(n int) {
	if n > 1 {
		m.hit(MarkSeveral)
	}
}

func (m *Marks) message(msg failover.Message) {
	switch x := msg.(type) {
	case failover.UpdateRequest:
		if x.All {
			m.hit(MarkUpdateAll)
		} else {
			m.hit(MarkUpdateRequest)
		}
	case failover.UpdateDone:
		m.hit(MarkUpdateDone)
	case failover.PoolRequest:
		m.hit(MarkPoolRequest)
	case failover.PoolResponse:
		m.hit(MarkPoolResponse)
	case failover.Disconnect:
		m.hit(MarkDisconnect)
	}
}

func (m *Marks) reply(dhcpv4.MessageType) {}

// name returns what mark i is about.
func markName(i int) string {
	if i < int(marksOfEvents) {
		return markNames[i]
	}
	t := transitions[i-int(marksOfEvents)]
	return t[0].String() + " -> " + t[1].String()
}

// outsideOnly are the marks that only histories outside of the assumptions have.
var outsideOnly = map[Mark]bool{MarkConflict: true, MarkFalseDown: true}

// Missing returns what never happened though it must, inside of the assumptions or outside of them.
func (m *Marks) Missing(outside bool) (names []string) {
	for i := 1; i < len(m); i++ {
		if m[i] == 0 && (i < int(MarkApplied) || i >= int(marksOfEvents)) && (outside || !outsideOnly[Mark(i)]) {
			names = append(names, markName(i))
		}
	}
	return names
}

// String returns all of them with how often each was.
func (m *Marks) String() string {
	var b strings.Builder
	for i := 1; i < len(m); i++ {
		fmt.Fprintf(&b, "%9d %s\n", m[i], markName(i))
	}
	return b.String()
}
