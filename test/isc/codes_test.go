package isc

// The numbers of the failover protocol as ISC dhcpd 3.1 to 4.4 has them.
const (
	kindPoolReq    = 1
	kindPoolResp   = 2
	kindUpdate     = 3
	kindAck        = 4
	kindConnect    = 5
	kindConnectAck = 6
	kindRequestAll = 7
	kindDone       = 8
	kindRequest    = 9
	kindState      = 10
	kindContact    = 11
	kindDisconnect = 12
)

const (
	optTransferred = 1
	optAddress     = 2
	optStatus      = 3
	optClientID    = 4
	optHardware    = 5
	optCLTT        = 6
	optBuckets     = 11
	optIPFlags     = 12
	optExpiry      = 13
	optMaxUnacked  = 14
	optMCLT        = 15
	optText        = 16
	optPotential   = 18
	optTimer       = 19
	optVersion     = 20
	optReason      = 21
	optName        = 22
	optFlags       = 23
	optState       = 24
	optSince       = 25
	optTLSReply    = 26
	optTLSRequest  = 27
	optVendor      = 28
)

const (
	statusFree      = 1
	statusActive    = 2
	statusExpired   = 3
	statusReleased  = 4
	statusAbandoned = 5
	statusReset     = 6
	statusBackup    = 7
)

const (
	stateNormal       = 2
	stateInterrupted  = 3
	statePartnerDown  = 4
	stateConflict     = 5
	stateRecover      = 6
	statePaused       = 7
	stateShutdown     = 8
	stateRecoverDone  = 9
	stateResolution   = 10
	stateConflictDone = 11
	stateRecoverWait  = 254
)

var kinds = map[byte]string{
	kindPoolReq: "POOLREQ", kindPoolResp: "POOLRESP", kindUpdate: "BNDUPD", kindAck: "BNDACK", kindConnect: "CONNECT",
	kindConnectAck: "CONNECTACK", kindRequestAll: "UPDREQALL", kindDone: "UPDDONE", kindRequest: "UPDREQ", kindState: "STATE",
	kindContact: "CONTACT", kindDisconnect: "DISCONNECT",
}

var statuses = map[byte]string{
	statusFree: "FREE", statusActive: "ACTIVE", statusExpired: "EXPIRED", statusReleased: "RELEASED",
	statusAbandoned: "ABANDONED", statusReset: "RESET", statusBackup: "BACKUP",
}

var states = map[byte]string{
	stateNormal: "NORMAL", stateInterrupted: "COMMUNICATIONS-INTERRUPTED", statePartnerDown: "PARTNER-DOWN",
	stateConflict: "POTENTIAL-CONFLICT", stateRecover: "RECOVER", statePaused: "PAUSED", stateShutdown: "SHUTDOWN",
	stateRecoverDone: "RECOVER-DONE", stateResolution: "RESOLUTION-INTERRUPTED", stateConflictDone: "CONFLICT-DONE",
	stateRecoverWait: "RECOVER-WAIT",
}

// fixed are the options whose length is always the same; an ISC server closes the connection at another one.
var fixed = map[uint16]int{
	optTransferred: 4, optAddress: 4, optStatus: 1, optCLTT: 4, optBuckets: 32, optIPFlags: 2, optExpiry: 4, optMaxUnacked: 4,
	optMCLT: 4, optPotential: 4, optTimer: 4, optVersion: 1, optReason: 1, optFlags: 1, optState: 1, optSince: 4, optTLSReply: 1,
	optTLSRequest: 1,
}

// allowed are the options that may stand in a message to an ISC server, in their order; the ones in may can be missing.
var allowed = map[byte]struct{ order, may []uint16 }{
	kindPoolReq:    {},
	kindPoolResp:   {order: []uint16{optTransferred}},
	kindUpdate:     {order: []uint16{optAddress, optStatus, optClientID, optHardware, optExpiry, optPotential, optSince, optCLTT, optIPFlags}, may: []uint16{optClientID, optHardware, optCLTT, optIPFlags}},
	kindAck:        {order: []uint16{optAddress, optReason, optText}, may: []uint16{optReason, optText}},
	kindConnect:    {order: []uint16{optName, optMaxUnacked, optTimer, optVendor, optVersion, optTLSRequest, optMCLT, optBuckets}},
	kindConnectAck: {order: []uint16{optName, optMaxUnacked, optTimer, optVendor, optVersion, optTLSReply, optReason, optText}, may: []uint16{optReason, optText, optTLSReply}},
	kindRequestAll: {},
	kindDone:       {},
	kindRequest:    {},
	kindState:      {order: []uint16{optState, optFlags, optSince}},
	kindContact:    {},
	kindDisconnect: {order: []uint16{optReason, optText}, may: []uint16{optText}},
}
