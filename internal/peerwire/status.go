package peerwire

import "github.com/lessor-dhcp/lessor/internal/binding"

// Status is a binding-status (option 3). The zero value is invalid, and a value beyond Backup ends an ISC server.
type Status uint8

const (
	_ Status = iota
	// Free belongs to the primary, Backup to the secondary.
	Free
	Active
	Expired
	Released
	Abandoned
	// Reset is what an operator of another server has taken back; like Released it is nobody's until acknowledged.
	Reset
	Backup
)

var statusNames = [...]string{
	Free: "FREE", Active: "ACTIVE", Expired: "EXPIRED", Released: "RELEASED", Abandoned: "ABANDONED", Reset: "RESET",
	Backup: "BACKUP",
}

func (s Status) known() bool { return s != 0 && int(s) < len(statusNames) }

// String returns the draft's name.
func (s Status) String() string { return nameOf(statusNames[:], s) }

// StatusOf returns how a binding's state is spelt. primaryOwns says who owns an address that is free; it counts for no
// other state. An invalid state is the invalid status.
func StatusOf(s binding.State, primaryOwns bool) Status {
	switch s {
	case binding.Free:
		if primaryOwns {
			return Free
		}
		return Backup
	case binding.Active:
		return Active
	case binding.Expired:
		return Expired
	case binding.Released:
		return Released
	case binding.Abandoned:
		return Abandoned
	}
	return 0
}

// State returns the binding's state that s spells, and who owns the address if it is free. An invalid status is the
// invalid state.
func (s Status) State() (state binding.State, primaryOwns bool) {
	switch s {
	case Free:
		return binding.Free, true
	case Backup:
		return binding.Free, false
	case Active:
		return binding.Active, false
	case Expired:
		return binding.Expired, false
	case Released, Reset:
		return binding.Released, false
	case Abandoned:
		return binding.Abandoned, false
	}
	return 0, false
}

// IPFlags is option 12. ISC counts its bits from the least significant one, not as the draft's picture has them.
type IPFlags uint16

const (
	// Reserved marks an address that is kept for one client.
	Reserved IPFlags = 1 << iota
	// BOOTP marks an address that a BOOTP client has for ever.
	BOOTP
)
