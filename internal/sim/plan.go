package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Plan is a history before it is played. It has everything that is decided in it; what else happens follows from that, and
// from Settings.Seed, of which each client, each link and each disk makes its own chances, so that a decision that is left out
// changes nothing of those of others.
type Plan struct {
	Settings Settings
	Actions  []Action // ascending by At
}

// Settings are what holds for a whole history. Its fields are written to a transcript under their names.
type Settings struct {
	Seed    uint64
	Outside bool // of what safety stands on (RELIABILITY §4.6)
	// Days is how long faults happen; the calm behind that is not counted.
	Days time.Duration

	Clients       int
	Pool, FarPool int // addresses on the two links
	Lease, MCLT   time.Duration
	Longest       time.Duration
	ReceiveTimer  time.Duration
	Startup       time.Duration
	MaxUnacked    int
	Split         int
	BalanceSecs   int
	Rapid         bool
	Founder       bool // the group was founded on the first server
	// Offset is how far each server's clock is off at the beginning; Drift how fast it may go wrong, in parts per million.
	Offset [2]time.Duration
	Drift  int
	// Loss, Duplicates and Late are how many of a thousand packets of clients are lost, doubled, delayed by up to LateBy.
	Loss, Duplicates, Late int
	LateBy                 time.Duration
	// Delay is how long a message between the servers takes at most, Stalls how many of a thousand take up to half a minute.
	Delay  time.Duration
	Stalls int
	// SlowDisk is how many of a thousand commits take up to half a minute.
	SlowDisk int
	// Replays is how many of a thousand updates arrive twice.
	Replays int
	// SecsZero is how many of a hundred clients say for ever that they have just begun to ask.
	SecsZero int
	// Hasty is a short history in which much goes wrong at a time, and leases are short.
	Hasty bool
	// Versions says that the configuration is the group's, in versions (DrawVersions).
	Versions bool `json:",omitempty"`
	// Rollbacks says that images of the disks are kept.
	Rollbacks bool
}

// Action is one decision.
type Action struct {
	At   time.Duration // since the beginning
	Kind Kind
	Who  int           // the server or the client; of links, which
	For  time.Duration // how long it lasts
	N    int           // more of the same, as Kind says
}

// Kind is what a decision is about.
type Kind uint8

// The decisions. Those that begin with Client are a client's own.
const (
	_ Kind = iota
	// LinkReset ends the connection between the servers; both hear of it.
	LinkReset
	// LinkCut lets nothing through between the servers; N: 1 from the first, 2 from the second, 3 both ways.
	LinkCut
	// LinkSlow makes messages between the servers take up to N seconds.
	LinkSlow
	// LanCut keeps clients of link N&1 from server Who; N&2: its answers only, N&4: the questions only.
	LanCut
	// LanSplit has each client reach one server only, and cuts the servers from one another, too.
	LanSplit
	// LanNoise has N of a hundred packets lost, doubled and late.
	LanNoise
	// Crash cuts the power of server Who; N is how many of a hundred sectors that were not synced survive.
	Crash
	// Kill ends the process of server Who; what it wrote survives.
	Kill
	// Stop ends the process of server Who in good order, and begins it again.
	Stop
	// Wipe cuts the power of server Who and takes its disk away.
	Wipe
	// Rollback puts the disk of server Who back to what it was N hours ago at the time of a crash.
	Rollback
	// Rot turns a bit of the disk of server Who over, after a crash.
	Rot
	// Freeze stops the process of server Who; its clock goes on.
	Freeze
	// Hang stops the whole machine of server Who, its clocks, too.
	Hang
	// DiskSlow makes syncs of server Who take up to N seconds.
	DiskSlow
	// DiskFails makes N calls to the disk of server Who fail from now on.
	DiskFails
	// DiskFull leaves no room on the disk of server Who.
	DiskFull
	// ClockStep moves the wall clock of server Who by N milliseconds.
	ClockStep
	// PartnerDown has the operator of server Who declare the other one down, where that is stopped; N: 1 right or wrong.
	PartnerDown
	// Maintenance pauses server Who by its operator's word.
	Maintenance
	// Reload gives the configuration N to server Who, and to the other one after For.
	Reload
	// Ambush waits for a moment of Who, and has a fault happen then, as N says (strike).
	Ambush

	// ClientOn switches a client on; N: 1 it has forgotten what it had.
	ClientOn
	// ClientOff switches a client off without a word.
	ClientOff
	// ClientRelease has it give its address back, and switches it off.
	ClientRelease
	// ClientReboot has it begin again with what it remembers.
	ClientReboot
	// ClientMove plugs it into link N.
	ClientMove
	// ClientDecline has it find its next address in use by somebody else.
	ClientDecline
	// ClientInform has it ask for options alone.
	ClientInform
	kinds
)

var kindNames = [kinds]string{
	LinkReset: "link-reset", LinkCut: "link-cut", LinkSlow: "link-slow", LanCut: "lan-cut", LanSplit: "lan-split", LanNoise: "lan-noise",
	Crash: "crash", Kill: "kill", Stop: "stop", Wipe: "wipe", Rollback: "rollback", Rot: "rot", Freeze: "freeze", Hang: "hang",
	DiskSlow: "disk-slow", DiskFails: "disk-fails", DiskFull: "disk-full", ClockStep: "clock-step", PartnerDown: "partner-down",
	Maintenance: "maintenance", Reload: "reload", Ambush: "ambush", ClientOn: "client-on", ClientOff: "client-off",
	ClientRelease: "client-release", ClientReboot: "client-reboot", ClientMove: "client-move", ClientDecline: "client-decline",
	ClientInform: "client-inform",
}

// String returns the kind as a transcript spells it.
func (k Kind) String() string {
	switch {
	case k < kinds && kindNames[k] != "":
		return kindNames[k]
	case k.OfConfig():
		return configKindNames[k]
	}
	return "invalid"
}

// OfClient reports whether k is a client's own decision.
func (k Kind) OfClient() bool { return k >= ClientOn && k < kinds }

// String returns the decision on one line.
func (a Action) String() string {
	s := fmt.Sprintf("%v %v %d", a.At, a.Kind, a.Who)
	if a.For != 0 {
		s += " for " + a.For.String()
	}
	if a.N != 0 {
		s += " n " + strconv.Itoa(a.N)
	}
	return s
}

// parseAction reads what String writes.
func parseAction(line string) (a Action, err error) {
	words := strings.Fields(line)
	if len(words) < 3 || len(words)%2 == 0 {
		return a, fmt.Errorf("%q is no decision", line)
	}
	if a.At, err = time.ParseDuration(words[0]); err != nil {
		return a, err
	}
	for k := Kind(1); k < allKinds; k++ {
		if k.String() == words[1] {
			a.Kind = k
		}
	}
	if a.Kind == 0 {
		return a, fmt.Errorf("%q is no kind of decision", words[1])
	}
	if a.Who, err = strconv.Atoi(words[2]); err != nil {
		return a, err
	}
	for rest := words[3:]; len(rest) > 0 && err == nil; rest = rest[2:] {
		switch rest[0] {
		case "for":
			a.For, err = time.ParseDuration(rest[1])
		case "n":
			a.N, err = strconv.Atoi(rest[1])
		default:
			err = fmt.Errorf("%q: what is %q?", line, rest[0])
		}
	}
	return a, err
}
