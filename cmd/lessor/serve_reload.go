package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// reloader is what a reload is about.
type reloader struct {
	node *node.Node
	in   *entrance // nil: there is none
	who  *api.Access
	log  *slog.Logger
}

// followSignals reloads on SIGHUP.
func (x serveCommand) followSignals(ctx context.Context, hup <-chan os.Signal, r *reloader) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			x.reload(ctx, r)
		}
	}
}

// reload makes the file's configuration the one that is served by, or says why not and goes on with the old one. It is a change like those
// that are asked for over the API: it is written down before it is made, and what became of it after.
func (x serveCommand) reload(ctx context.Context, r *reloader) {
	notify(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, monotonicMicroseconds()), r.log)
	defer notify(daemon.SdNotifyReady, r.log)
	line := access.Record{Who: "SIGHUP", From: "signal", What: "reload", Object: x.Config, Outcome: access.Begun}
	begun, err := r.who.Record(line)
	if err != nil {
		r.node.Refuse(ctx, err.Error())
		return
	}
	line.Of, line.Outcome = begun, access.Done
	if err := x.reloadFile(ctx, r); err != nil {
		r.node.Refuse(ctx, err.Error())
		line.Outcome, line.Detail = access.Refused, err.Error()
	} else if st, err := r.node.ConfigStatus(ctx); err == nil {
		line.Version = st.Tip
	}
	if _, err := r.who.Record(line); err != nil {
		r.log.Error("what became of a reload could not be written down", "error", err)
	}
}

func (x serveCommand) reloadFile(ctx context.Context, r *reloader) error {
	src, err := os.ReadFile(x.Config)
	if err != nil {
		return err
	}
	against, src, err := configversion.Against(src)
	if err != nil {
		return err
	}
	doc, problems := config.Parse(x.Config, src)
	if doc == nil {
		return errors.New(problems.String())
	}
	for _, p := range problems {
		r.log.Warn("configuration", "problem", p.String())
	}
	if doc, err = asServing(doc); err != nil {
		return err
	}
	if r.in != nil {
		r.in.reload(doc)
	} else if doc.Server.API.Listen.IsValid() {
		r.log.Warn("server: api was added, which takes effect with the next start", "listen", doc.Server.API.Listen.String())
	}
	return r.node.Reload(ctx, doc, against)
}
