package node

import (
	"context"
	"encoding"
	"fmt"
	"strconv"
	"strings"
)

// Replayer is what a Reporter also is that keeps events for who asks later.
type Replayer interface {
	// EventsAfter is Events, but begins with what happened after the event of that name and is still kept: up to KeptTroubles
	// events of states, troubles and configuration, and up to KeptLeases of single leases, of which no more than
	// KeptLeasesASecond. Traces of packets are not kept. The zero EventID means all that is kept. What is missing in between is said by an EventsLost
	// where it is missing, with how many they were at most. Events of earlier runs of the server are kept as those of this one are, but for
	// what a run that ended without notice did in its last moment, which is said where it ended.
	EventsAfter(ctx context.Context, f EventFilter, after EventID) (<-chan Event, error)
}

// How many events are kept for who asks later.
const (
	KeptTroubles      = 2000
	KeptLeases        = 8000
	KeptLeasesASecond = 100
)

// EventID names an event. Those of one run of the server rise. The zero value names none.
type EventID struct {
	Epoch  int64  // when the server was started, in milliseconds since 1970
	Number uint64 // of the event since then, from 1 on
}

// IsZero reports whether id names no event.
func (id EventID) IsZero() bool { return id == EventID{} }

// String returns the name as ParseEventID reads it: EPOCH-NUMBER.
func (id EventID) String() string {
	if id.IsZero() {
		return ""
	}
	return strconv.FormatInt(id.Epoch, 10) + "-" + strconv.FormatUint(id.Number, 10)
}

// ParseEventID reads the name of an event; "" is the zero EventID. The error is a *RequestError.
func ParseEventID(s string) (id EventID, err error) {
	if s == "" {
		return id, nil
	}
	epoch, number, ok := strings.Cut(s, "-")
	id.Epoch, err = strconv.ParseInt(epoch, 10, 64)
	if err == nil && ok {
		id.Number, err = strconv.ParseUint(number, 10, 64)
	}
	if err != nil || !ok || id.Epoch < 0 {
		return EventID{}, refused("%q is not the name of an event: it is the id of one that was received, as in 1764000000000-17", clip(s))
	}
	return id, nil
}

// MarshalText writes the name.
func (id EventID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the name.
func (id *EventID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseEventID(string(b))
	return err
}

var (
	_ encoding.TextMarshaler   = EventID{}
	_ encoding.TextUnmarshaler = (*EventID)(nil)
	_ fmt.Stringer             = EventID{}
)
