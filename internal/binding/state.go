package binding

// State says what a binding's address is doing. The zero value is invalid. An address that nobody ever used has no
// binding at all.
type State uint8

const (
	_ State = iota
	// Free means that the address may be given to a new client by its owner. The last client is remembered.
	Free
	// Active means that the client was told that it has the address until Expires.
	Active
	// Expired means that the time that the client was told is over, but not yet the guard behind it.
	Expired
	// Released means that the client gave the address back.
	Released
	// Abandoned means that somebody else was found to use the address, or that its record was damaged;
	// it is withheld until Expires.
	Abandoned
)

var stateNames = [...]string{Free: "free", Active: "active", Expired: "expired", Released: "released", Abandoned: "abandoned"}

// String returns the state's name as JSON, the command line and the log spell it.
func (s State) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return "invalid"
}

// ParseState returns the state that name spells, false if none.
func ParseState(name string) (State, bool) {
	for i, n := range stateNames {
		if n != "" && n == name {
			return State(i), true
		}
	}
	return 0, false
}

// legal[from] is the set of states that may follow it. The zero state stands for an address without a record.
var legal = [...][]State{
	0:         {Active, Abandoned, Free},
	Free:      {Active, Abandoned, Free},
	Active:    {Active, Expired, Released, Abandoned, Free},
	Expired:   {Active, Free, Abandoned, Released},
	Released:  {Free, Active, Abandoned},
	Abandoned: {Free, Abandoned, Active},
}

// MayFollow reports whether a binding in state from may become to; from 0 means that there was no record.
func MayFollow(from, to State) bool {
	if int(from) >= len(legal) {
		return false
	}
	for _, s := range legal[from] {
		if s == to {
			return true
		}
	}
	return false
}
