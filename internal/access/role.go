package access

import (
	"fmt"
	"strings"
)

// Role is what somebody may do. A role may do all that a lower one may. The zero value may do nothing.
type Role uint8

const (
	_ Role = iota
	// Viewer may look at everything but who may do what, and what was done.
	Viewer
	// Operator may do what concerns single leases, reservations and partners, too.
	Operator
	// Administrator may change the configuration, make and revoke tokens, and read the log of changes, too.
	Administrator
)

var roleNames = [...]string{Viewer: "viewer", Operator: "operator", Administrator: "administrator"}

// Roles returns the names of all roles, the lowest first.
func Roles() []string { return append([]string(nil), roleNames[Viewer:]...) }

func (r Role) String() string {
	if r < Viewer || int(r) >= len(roleNames) {
		return "nobody"
	}
	return roleNames[r]
}

// ParseRole returns the role of that name. The error names those that there are.
func ParseRole(name string) (Role, error) {
	for r := Viewer; int(r) < len(roleNames); r++ {
		if roleNames[r] == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%q is no role; roles are %s", name, strings.Join(Roles(), ", "))
}

// MarshalText returns the role's name.
func (r Role) MarshalText() ([]byte, error) {
	if r < Viewer || int(r) >= len(roleNames) {
		return nil, fmt.Errorf("role %d has no name", r)
	}
	return []byte(r.String()), nil
}

// UnmarshalText is the inverse of MarshalText.
func (r *Role) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRole(string(b))
	return err
}
