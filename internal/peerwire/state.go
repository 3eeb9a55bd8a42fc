package peerwire

// ServerState is option 24: what a server says of itself. The zero value is invalid, and a value that is none of these
// makes an ISC server shut down.
type ServerState uint8

// The states. Startup is in the draft's table but never said: a server in it says the state that it had before, and
// InStartup.
const (
	Startup                   ServerState = 1
	Normal                    ServerState = 2
	CommunicationsInterrupted ServerState = 3
	PartnerDown               ServerState = 4
	PotentialConflict         ServerState = 5
	Recover                   ServerState = 6
	Paused                    ServerState = 7
	Shutdown                  ServerState = 8
	RecoverDone               ServerState = 9
	ResolutionInterrupted     ServerState = 10
	ConflictDone              ServerState = 11
	// RecoverWait has no number in the draft's table; ISC gave it this one.
	RecoverWait ServerState = 254
)

var stateNames = [...]string{
	Startup: "STARTUP", Normal: "NORMAL", CommunicationsInterrupted: "COMMUNICATIONS-INTERRUPTED",
	PartnerDown: "PARTNER-DOWN", PotentialConflict: "POTENTIAL-CONFLICT", Recover: "RECOVER", Paused: "PAUSED",
	Shutdown: "SHUTDOWN", RecoverDone: "RECOVER-DONE", ResolutionInterrupted: "RESOLUTION-INTERRUPTED",
	ConflictDone: "CONFLICT-DONE", RecoverWait: "RECOVER-WAIT",
}

func (s ServerState) known() bool { return int(s) < len(stateNames) && stateNames[s] != "" }

// String returns the draft's name.
func (s ServerState) String() string { return nameOf(stateNames[:], s) }

// ServerFlags is option 23.
type ServerFlags uint8

// InStartup says that the server has just started and does not answer clients yet.
const InStartup ServerFlags = 1
