package failover

// State is what a server of the relationship is doing. The zero value is invalid.
type State uint8

const (
	_ State = iota
	// Startup: it has just begun and waits for its partner's word; it says the state that it had before.
	Startup
	// Normal: both serve, each from its share.
	Normal
	// CommunicationsInterrupted: the partner cannot be heard and may be serving.
	CommunicationsInterrupted
	// PartnerDown: the partner is known not to serve.
	PartnerDown
	// PotentialConflict: both may have given the same address away, and tell each other what they did.
	PotentialConflict
	// Recover: its store lacks something, or the partner served alone; it asks for what it lacks.
	Recover
	// Paused: its operator has stopped it for a while.
	Paused
	// Shutdown: it does not serve until its operator says so. A Lessor never says that of itself.
	Shutdown
	// RecoverDone: it has everything again and waits for the partner to go on with it.
	RecoverDone
	// ResolutionInterrupted: the partner was lost while they told each other what they did.
	ResolutionInterrupted
	// ConflictDone: the primary knows all that the secondary did, not yet the other way round.
	ConflictDone
	// RecoverWait: it has everything again, but may have made promises that nobody remembers.
	RecoverWait
	states
)

var stateNames = [states]string{
	Startup: "STARTUP", Normal: "NORMAL", CommunicationsInterrupted: "COMMUNICATIONS-INTERRUPTED", PartnerDown: "PARTNER-DOWN",
	PotentialConflict: "POTENTIAL-CONFLICT", Recover: "RECOVER", Paused: "PAUSED", Shutdown: "SHUTDOWN",
	RecoverDone: "RECOVER-DONE", ResolutionInterrupted: "RESOLUTION-INTERRUPTED", ConflictDone: "CONFLICT-DONE", RecoverWait: "RECOVER-WAIT",
}

// String returns the draft's name; "unknown" where no state is known.
func (s State) String() string {
	if s == 0 || s >= states {
		return "unknown"
	}
	return stateNames[s]
}

// answers is who is answered in a state.
type answers struct {
	known bool // clients with a known binding: INIT-REBOOT, RENEWING, REBINDING, INFORM
	fresh bool // DISCOVER, and clients without a binding, from the own share
	hash  bool // of those, only the ones that the hash gives this server, or an override
}

// served is who is answered in which state; what is not named is answered with silence.
var served = [states]answers{
	RecoverDone:               {known: true},
	Normal:                    {known: true, fresh: true, hash: true},
	CommunicationsInterrupted: {known: true, fresh: true},
	ResolutionInterrupted:     {known: true, fresh: true},
	ConflictDone:              {known: true, fresh: true},
	PartnerDown:               {known: true, fresh: true},
}

// next returns the state that follows when a server in state me hears that its partner is in state p. It is me where
// nothing follows. starting says that this server has just begun, and me is the state that it had before. Where ISC's
// table would stop serving for good, or end the process, this one resolves the conflict (docs/failover.md).
func next(me State, starting bool, p State) State {
	if starting && p == PartnerDown && me != Paused && me != Shutdown {
		return Recover // it served alone while we were down; we do not serve before we know what it did
	}
	switch me {
	case Normal:
		return nextNormal(p)
	case CommunicationsInterrupted:
		return nextInterrupted(p)
	case PartnerDown:
		return nextPartnerDown(p)
	case Recover, RecoverWait:
		// What follows is said by UPDDONE and by time. A partner that sees us here goes to where it can help.
		return me
	case RecoverDone:
		return nextRecoverDone(p)
	case PotentialConflict:
		return nextPotentialConflict(p)
	case ResolutionInterrupted:
		return nextResolutionInterrupted(p)
	case ConflictDone:
		return nextConflictDone(p)
	case Paused, Shutdown, Startup:
		// Paused ends by the operator's word; the others are no state of ours.
	}
	return me
}

func nextNormal(p State) State {
	switch p {
	case PartnerDown, PotentialConflict, ResolutionInterrupted, ConflictDone:
		return PotentialConflict
	case Recover, RecoverWait, Shutdown: // it does not serve, and will not before it has heard from us
		return PartnerDown
	case Paused:
		return CommunicationsInterrupted
	case Normal, CommunicationsInterrupted, RecoverDone, Startup:
	}
	return Normal
}

func nextInterrupted(p State) State {
	switch p {
	case Normal, CommunicationsInterrupted:
		return Normal
	case PartnerDown, PotentialConflict, ResolutionInterrupted, ConflictDone:
		return PotentialConflict
	case Recover, RecoverWait, Shutdown:
		return PartnerDown
	case RecoverDone: // it must first know what we did while it did not serve: leavePartnerDown
		return PartnerDown
	case Paused, Startup:
	}
	return CommunicationsInterrupted
}

func nextPartnerDown(p State) State {
	switch p {
	case Normal, CommunicationsInterrupted, PartnerDown, PotentialConflict, ResolutionInterrupted, ConflictDone:
		return PotentialConflict
	case RecoverDone: // not before it knows all that we did: leavePartnerDown
	case Recover, RecoverWait, Paused, Shutdown, Startup:
	}
	return PartnerDown
}

func nextRecoverDone(p State) State {
	switch p {
	case Normal, RecoverDone:
		return Normal
	case PotentialConflict, ResolutionInterrupted, ConflictDone:
		return PotentialConflict
	case RecoverWait, Shutdown:
		return PartnerDown
	case CommunicationsInterrupted, PartnerDown: // it goes on when it has heard from us
	case Recover: // it asks us for what it lacks, and will be in RECOVER-WAIT or RECOVER-DONE
	case Paused: // it may not have told us all that it did
	case Startup:
	}
	return RecoverDone
}

func nextPotentialConflict(p State) State {
	switch p {
	case Recover, RecoverWait, Shutdown:
		return PartnerDown
	case Normal, CommunicationsInterrupted, PartnerDown, RecoverDone, ResolutionInterrupted: // it follows when it hears from us
	case PotentialConflict, ConflictDone: // UPDREQ and UPDDONE say what follows
	case Paused, Startup:
	}
	return PotentialConflict
}

func nextResolutionInterrupted(p State) State {
	switch p {
	case Recover, RecoverWait, Shutdown:
		return PartnerDown
	case Normal, CommunicationsInterrupted, PartnerDown, PotentialConflict, RecoverDone, ResolutionInterrupted, ConflictDone:
		return PotentialConflict
	case Paused, Startup:
	}
	return ResolutionInterrupted
}

func nextConflictDone(p State) State {
	switch p {
	case Normal:
		return Normal
	case Recover, RecoverWait, Shutdown:
		return PartnerDown
	case CommunicationsInterrupted, PartnerDown, RecoverDone, ConflictDone:
		return PotentialConflict
	case PotentialConflict, ResolutionInterrupted: // the secondary goes on asking
	case Paused, Startup:
	}
	return ConflictDone
}

// nextAlone returns the state that follows when the partner is lost.
func nextAlone(me State) State {
	switch me {
	case Normal:
		return CommunicationsInterrupted
	case PotentialConflict:
		return ResolutionInterrupted
	case CommunicationsInterrupted, PartnerDown, Recover, RecoverWait, RecoverDone, ResolutionInterrupted, ConflictDone, Paused, Shutdown, Startup:
	}
	return me
}
