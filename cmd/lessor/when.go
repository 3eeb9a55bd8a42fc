package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// absolute returns t as RFC 3339 in UTC, "-" for the zero time, "never" for one without end.
func absolute(t node.Instant) string {
	switch {
	case t.IsZero():
		return "-"
	case !t.Before(binding.Forever):
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

// when returns t as absolute does and, where it says anything, how far from now it is: "(in 3h12m)", "(5m1s ago)".
func when(t node.Instant, now time.Time) string {
	s := absolute(t)
	if t.IsZero() || !t.Before(binding.Forever) {
		return s
	}
	if d := t.Sub(now).Round(time.Second); d > 0 {
		return s + " (in " + span(d) + ")"
	} else if d < 0 {
		return s + " (" + span(-d) + " ago)"
	}
	return s + " (now)"
}

// briefTime returns what when says without the time itself, if there is anything left: "in 3h12m", "5m1s ago".
func briefTime(s string) string {
	if _, rest, found := strings.Cut(s, " ("); found {
		return strings.TrimSuffix(rest, ")")
	}
	return s
}

// span returns a duration of whole seconds in its two largest units: 3d4h, 4h12m, 12m5s, 45s.
func span(d time.Duration) string {
	s := int64(d / time.Second)
	type unit struct {
		name string
		secs int64
	}
	units := []unit{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}
	for i, u := range units[:3] {
		if s < u.secs {
			continue
		}
		out := fmt.Sprintf("%d%s", s/u.secs, u.name)
		if rest := s % u.secs / units[i+1].secs; rest > 0 {
			out += fmt.Sprintf("%d%s", rest, units[i+1].name)
		}
		return out
	}
	return fmt.Sprintf("%ds", s)
}

// lifetime returns seconds as on the wire in words.
func lifetime(secs uint32) string {
	if secs == 0xffffffff {
		return "infinite"
	}
	return span(time.Duration(secs) * time.Second)
}
