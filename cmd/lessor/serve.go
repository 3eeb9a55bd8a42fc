package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/socket"
	"github.com/lessor-dhcp/lessor/internal/store"
)

type serveCommand struct {
	Config            string `required:"" placeholder:"FILE" help:"The configuration file."`
	LogLevel          string `name:"log-level" default:"info" enum:"debug,info,warn,error" help:"What to log: debug, info, warn or error."`
	AcceptLostRecords bool   `name:"accept-lost-records" help:"Start though the store lost records whose address is not known."`
}

func (serveCommand) Help() string {
	return `Serves in the foreground. SIGHUP reloads the configuration, SIGTERM ends in order. The log says "ready" once clients are answered.

Example:

  lessor serve --config /etc/lessor/lessor.yaml`
}

// Run serves until it is told to end.
func (x serveCommand) Run(ctx context.Context, c *console) error {
	log := newLog(c.err, x.LogLevel, isTerminal(os.Stderr))
	doc, against, warnings, err := x.load(c)
	if err != nil {
		return err
	}
	if err := x.shedPrivileges(log); err != nil { // it may begin the program anew
		return err
	}
	for _, p := range warnings {
		c.note("%s", p)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go trimHeap(ctx)
	for {
		n, err := node.New(node.Config{
			Document: doc, Against: against, Version: buildVersion(), Log: log, Store: store.Config{}, AcceptLostRecords: x.AcceptLostRecords,
		})
		if err != nil {
			return err
		}
		if err := x.run(ctx, n, doc, log, c); !errors.Is(err, node.ErrBeginAnew) {
			return err
		}
		doc, against = n.File(), configversion.ID{} // which has not changed since it was read
	}
}

// load reads the configuration and the version that it says it was written against, and writes what is wrong with one that
// cannot be served by.
func (x serveCommand) load(c *console) (*config.Document, configversion.ID, config.Problems, error) {
	src, err := readDocument(x.Config, c.in)
	if err != nil {
		return nil, configversion.ID{}, nil, err
	}
	against, src, err := configversion.Against(src)
	if err != nil {
		return nil, configversion.ID{}, nil, fmt.Errorf("%s: %w", x.Config, err)
	}
	doc, problems := config.Parse(x.Config, src)
	if doc == nil {
		for _, p := range problems {
			c.note("%s", p)
		}
		return nil, configversion.ID{}, nil, errNo
	}
	doc, err = asServing(doc)
	return doc, against, problems, err
}

// asServing returns doc as this server serves by it. The error says why it cannot.
func asServing(doc *config.Document) (*config.Document, error) {
	doc, err := asThisServer(doc)
	if err != nil {
		return nil, err
	}
	return doc, doc.Serves()
}

// asThisServer returns doc as the server reads it that it names, or, where it names none, the one that is called as this
// machine up to the first dot.
func asThisServer(doc *config.Document) (*config.Document, error) {
	name := doc.Server.Name
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("server: no name in the configuration, and the machine has none: %w", err)
		}
		short, _, _ := strings.Cut(host, ".")
		name = binding.Member(short)
	}
	return doc.As(name), nil
}

// shedPrivileges gives up what a DHCP server does not need.
func (x serveCommand) shedPrivileges(log *slog.Logger) error {
	keep := []socket.Capability{socket.NetBindService, socket.NetRaw}
	if os.Geteuid() == 0 {
		keep = append(keep, socket.DACOverride, socket.FOwner)
	}
	if err := socket.DropCapabilities(keep...); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		log.Warn("running as root: every capability but those needed was dropped; a user of its own is better",
			"remedy", "run as user lessor: "+socket.Remedy())
	}
	if missing, err := socket.MissingCapabilities(socket.NetBindService, socket.NetRaw); err == nil && len(missing) > 0 {
		log.Warn("capabilities are missing", "missing", fmt.Sprint(missing), "remedy", socket.Remedy())
	}
	return nil
}

// run has the node, its operators' socket and the signals go on until ctx is done or one of them fails.
func (x serveCommand) run(ctx context.Context, n *node.Node, doc *config.Document, log *slog.Logger, c *console) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l, err := api.Listen(doc.Server.Data)
	if err != nil {
		return errors.Join(err, n.Abandon())
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // before anybody is told that it serves: a reload may follow at once
	defer signal.Stop(hup)
	who := api.OpenAccess(doc.Server.Data, log)
	defer who.Close() // a record that was answered for is durable
	server := api.New(n, log)
	server.Admit(who)
	in := newEntrance(doc, server, who, log)
	ended, parts := make(chan struct{}), 0
	part := func(f func() error) {
		parts++
		go func() {
			if err := f(); err != nil {
				cancel(err)
			}
			ended <- struct{}{}
		}()
	}
	part(func() error { return server.Run(ctx, l) })
	if dir := runtimeDirectory(); dir != "" {
		part(func() error { return server.RunForGroup(ctx, dir) })
	}
	part(func() error { x.followSignals(ctx, hup, &reloader{n, in, who, log}); return nil })
	if in != nil {
		part(func() error { return in.run(ctx) })
	}
	part(func() error { watchdog(ctx, n.Alive, log); return nil })
	part(func() error { tellState(ctx, n.Status, log); return nil })
	err = n.Run(ctx, func(waiting string) {
		facts := []any{"server", doc.Server.Name, "config", doc.Digest.String(), "data", doc.Server.Data}
		if waiting != "" {
			facts = append(facts, "waiting", waiting)
		}
		log.Info("ready", facts...)
		notify(daemon.SdNotifyReady, log)
	})
	if !errors.Is(err, node.ErrBeginAnew) {
		notify(daemon.SdNotifyStopping, log)
	}
	cancel(nil)
	for range parts {
		<-ended
	}
	if err == nil && context.Cause(ctx) != nil && !errors.Is(context.Cause(ctx), context.Canceled) {
		err = context.Cause(ctx)
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}

// notify tells systemd how the service is; where there is none, nobody.
func notify(state string, log *slog.Logger) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd cannot be told how the service is", "error", err)
	}
}

// monotonicMicroseconds is what systemd wants to know of a reload: when it began (sd_notify(3)).
func monotonicMicroseconds() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0
	}
	return t.Nano() / 1000
}

// newLog returns a log on w: text for a terminal, JSON for programs.
func newLog(w io.Writer, level string, terminal bool) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: l}
	if terminal {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}
