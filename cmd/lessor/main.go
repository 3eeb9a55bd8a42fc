// Command lessor is a DHCP server and the tools of whoever runs it.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// commandLine is everything that can be said to lessor.
type commandLine struct {
	Serve      serveCommand      `cmd:"" group:"serve" help:"Serve DHCP clients in the foreground."`
	Check      checkCommand      `cmd:"" group:"serve" help:"Say everything that is wrong with a configuration file."`
	CheckStore checkStoreCommand `cmd:"" group:"serve" help:"Audit a data directory without changing anything."`
	Schema     schemaCommand     `cmd:"" group:"serve" help:"Print the JSON Schema of configuration files, for editors."`

	Explain explainCommand `cmd:"" group:"ask" help:"Say what a client would get, and why: each option with the layer and line that it comes from."`

	Status  statusCommand  `cmd:"" group:"ask" help:"Show what a running server does: alarms, pools, counters."`
	Leases  leasesCommand  `cmd:"" group:"ask" help:"List leases."`
	Lease   leaseCommand   `cmd:"" group:"ask" help:"Show one lease whole: what the client said, what it was told, and why."`
	History historyCommand `cmd:"" group:"ask" help:"Show what became of an address, or of its client."`
	Events  eventsCommand  `cmd:"" group:"ask" help:"Show what happens as it happens; with --client, that client's packets."`
	Top     topCommand     `cmd:"" group:"ask" help:"Show how the group does, live: alarms, rates, pools, the newest events."`

	Pools    poolsCommand    `cmd:"" group:"ask" help:"Show how full the pools are, and with --trend where they are going."`
	Partners partnersCommand `cmd:"" group:"ask" help:"Show how the servers of the group stand with each other."`

	Map      mapCommand      `cmd:"" group:"ask" help:"Draw a subnet: who has which address."`
	Rates    ratesCommand    `cmd:"" group:"ask" help:"Show what came and went in a second, now and before, and how long answers took."`
	Timeline timelineCommand `cmd:"" group:"ask" help:"Show the states of both servers over time."`

	Stale staleCommand `cmd:"" group:"ask" help:"List the clients that hold something else than the configuration would give them, and why."`
	Drift driftCommand `cmd:"" group:"ask" help:"Show where two members would treat clients differently."`

	Config configCommand `cmd:"" group:"config" help:"Show, change and compare the versions of the group's configuration."`

	Hosts hostsCommand `cmd:"" group:"config" help:"List, make, change and remove hosts: what a client is known by, and the address that is kept for it."`

	Group       groupCommand       `cmd:"" group:"pair" help:"Found and join a group of servers: keys and members."`
	PartnerDown partnerDownCommand `cmd:"" group:"pair" help:"Say that the other server of the group does not serve."`
	Maintenance maintenanceCommand `cmd:"" group:"pair" help:"Leave the clients to the other server for a while, or go on."`

	Rehome  rehomeCommand  `cmd:"" group:"lease" help:"Make another member the home of a lease."`
	Release releaseCommand `cmd:"" group:"lease" help:"Give a lease up in its client's place."`

	Token tokenCommand `cmd:"" group:"access" help:"Make, list and revoke the tokens by which a server is asked over TCP."`
	Audit auditCommand `cmd:"" group:"access" help:"Show who changed what, and whether that log holds together."`

	Demo       demoCommand       `cmd:"" group:"other" help:"Tell the story of two servers and the bridge, with real servers, on this machine alone."`
	Bench      benchCommand      `cmd:"" group:"other" help:"Load a DHCP server and measure its answers."`
	Completion completionCommand `cmd:"" group:"other" help:"Print completions for a shell."`
	Man        manCommand        `cmd:"" group:"other" help:"Print a manual page, or write all of them into a directory."`
	Help       helpCommand       `cmd:"" group:"other" help:"Explain a command."`
	Version    versionCommand    `cmd:"" group:"other" help:"Print the version."`
}

const description = `Lessor is a DHCP server whose servers act as one.`

// The exit codes, which scripts rely on.
const (
	exitDone     = 0
	exitNo       = 1
	exitUsage    = 2
	exitNoServer = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	os.Exit(run(ctx, systemConsole(), os.Args[1:]))
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, c *console, args []string) (code int) {
	// kong has no other way to end after --help; exited carries its code out of the parser.
	type exited int
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exited)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	if len(args) > 0 && args[0] == completeWord {
		return c.fail(c.complete(ctx, args[1:]))
	}
	parser, err := newParser(c, func(code int) { panic(exited(code)) })
	if err != nil {
		panic(err) // the command line's own declaration is wrong
	}
	k, err := parser.Parse(args)
	if err != nil {
		return c.fail(usageOf(parser.Model, err))
	}
	k.BindTo(ctx, (*context.Context)(nil))
	return c.fail(k.Run(c))
}

func newParser(c *console, exit func(int)) (*kong.Kong, error) {
	return kong.New(&commandLine{},
		kong.Name("lessor"), kong.Description(description), kong.Writers(c.out, c.err), kong.Exit(exit),
		kong.Vars{"socket": api.SocketIn(config.DefaultData)},
		kong.Help(func(_ kong.HelpOptions, k *kong.Context) error {
			n := k.Selected()
			if n == nil {
				n = k.Model.Node
			}
			return c.help(k.Model, n)
		}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "serve", Title: "Serving:"},
			{Key: "ask", Title: "Asking a running server:"},
			{Key: "lease", Title: "Single leases:"},
			{Key: "config", Title: "What all servers of the group serve by:"},
			{Key: "pair", Title: "Two servers that act as one:"},
			{Key: "access", Title: "Who may ask, and who changed what:"},
			{Key: "other", Title: "Other:"},
		}),
	)
}

// serverParser is a parser of the flags that say which server is asked, into what embeds them.
func serverParser(into any) (*kong.Kong, error) {
	return kong.New(into, kong.Vars{"socket": api.SocketIn(config.DefaultData)}, kong.Exit(func(int) {}))
}

// usageError is a command line that cannot be meant.
type usageError struct {
	err  error
	help string // the command that explains it; empty: lessor --help
}

func (e usageError) Error() string {
	help := e.help
	if help == "" {
		help = "lessor --help"
	}
	return e.err.Error() + " (`" + help + "` explains it)"
}

func (e usageError) Unwrap() error { return e.err }

// errNo ends a command whose answer is no and is already written.
var errNo = errors.New("no")

// fail writes err for a person, unless that is done, and returns the exit code that goes with it.
func (c *console) fail(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errNo) {
		return exitNo
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			line = "lessor: " + line
		}
		c.note("%s", shown(line))
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*api.NoServerError](err); ok {
		return exitNoServer
	}
	return exitNo
}
