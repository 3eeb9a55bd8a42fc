package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// stateEvery is how often systemd is told how the server is, where that has changed.
const stateEvery = 10 * time.Second

// tellState keeps what `systemctl status` says of the server true, until ctx is done, where there is a systemd.
func tellState(ctx context.Context, status func(context.Context) (node.Status, error), log *slog.Logger) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	tick := time.NewTicker(stateEvery)
	defer tick.Stop()
	said := ""
	for {
		if st, err := status(ctx); err == nil {
			if now := stateLine(&st); now != said {
				said = now
				notify("STATUS="+now, log)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// stateLine returns how a server is, in one line: what it serves, how it stands to its partners, and its gravest alarm.
func stateLine(st *node.Status) string {
	networks := map[string]bool{}
	for i := range st.Pools {
		networks[st.Pools[i].Network] = true
	}
	parts := []string{"serving " + count(len(networks), "network")}
	switch {
	case !st.Ready:
		parts[0] = "not ready"
	case st.Waiting != "":
		parts[0] = st.Waiting
	}
	for _, p := range st.Partners {
		parts = append(parts, fmt.Sprintf("%s with %s", p.State, p.Partner))
	}
	if len(st.Alarms) > 0 {
		a := st.Alarms[0]
		for _, b := range st.Alarms {
			if b.Severity == node.Critical && a.Severity != node.Critical {
				a = b
			}
		}
		alarm := fmt.Sprintf("%s: %s (%s)", a.Severity, a.Title, a.Code)
		if more := len(st.Alarms) - 1; more > 0 {
			alarm += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, alarm)
	}
	return printable(strings.Join(strings.Fields(strings.Join(parts, "; ")), " "))
}
