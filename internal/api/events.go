package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// eventsAsked are the parameters of GET /events.
type eventsAsked struct {
	Client  string `query:"client" doc:"A client: its hardware address, client identifier or host name." example:"02:00:00:00:00:07"`
	Network string `query:"network" doc:"A shared network, by its name." example:"floor1"`
	Address string `query:"address" doc:"An address." example:"198.51.100.50"`
	Kind    string `query:"kind" doc:"Kinds of event, separated by commas." example:"lease-granted,lease-refused"`
	Level   string `query:"level" doc:"The least level: debug, info, warn or error; info where none is said." example:"warn"`
	Packets bool   `query:"packets" doc:"Also single packets, which are not traced unless somebody asks."`
	After   string `query:"after" doc:"The id of an event: begin with what happened after it and is still kept; 0: with all that is kept. Else only what happens from now on is told." example:"1764000000000-17"`
	Last    string `header:"Last-Event-ID" doc:"As after: a browser's EventSource sends it by itself when it connects again."`
	FormatAsked
}

// filter returns what is asked for.
func (in *eventsAsked) filter() (f node.EventFilter, err error) {
	f.Network, f.Packets = in.Network, in.Packets
	if in.Client != "" {
		f.Client = node.ParseClient(in.Client)
	}
	if in.Address != "" {
		if f.Address, err = parseAddr(in.Address); err != nil {
			return f, err
		}
	}
	if in.Kind != "" {
		if f.Kinds, err = ParseKinds(in.Kind); err != nil {
			return f, err
		}
	}
	if in.Level != "" {
		f.Level, err = ParseLevel(in.Level)
	}
	return f, err
}

// eventQuery is the inverse of filter.
func eventQuery(f node.EventFilter) url.Values {
	q := url.Values{}
	set(q, "client", f.Client.String())
	set(q, "network", f.Network)
	if f.Address.IsValid() {
		q.Set("address", f.Address.String())
	}
	var kinds []string
	for _, k := range f.Kinds {
		kinds = append(kinds, k.String())
	}
	set(q, "kind", strings.Join(kinds, ","))
	if f.Level != slog.LevelInfo {
		q.Set("level", f.Level.String())
	}
	if f.Packets {
		q.Set("packets", "true")
	}
	return q
}

func (a *surface) addEvents() {
	s := a.server
	askStream[node.Event](a, operation{method: http.MethodGet, path: base + "events", id: "events", tag: tagServer, role: access.Viewer, room: s.streams,
		summary: "What happens, as it happens", about: "One event a line, or server-sent events for a browser's EventSource, until either side ends it. A silent stream says now and then that it lives: an empty line, " +
			"or a comment. Who reads too slowly is told how many were lost (kind `events-lost`). As `lessor events --json`."}, endless,
		func(ctx context.Context, in *eventsAsked, t *stream) error {
			f, err := in.filter()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			feed, err := s.feed(ctx, in, f)
			if err != nil {
				return err
			}
			if err := t.flush(); err != nil { // the header: the reader knows that nothing is missed from here on
				return err
			}
			return t.follow(feed)
		})
}

// feed returns the events that are asked for: those that are kept, where the last one is named that the reader knows, and what happens.
func (s *Server) feed(ctx context.Context, in *eventsAsked, f node.EventFilter) (<-chan node.Event, error) {
	last := cmp.Or(in.After, in.Last)
	if last == "" {
		return s.reporter.Events(ctx, f)
	}
	c, err := able[node.Replayer](s)
	if err != nil {
		return nil, err
	}
	var after node.EventID
	if last != "0" {
		if after, err = node.ParseEventID(last); err != nil {
			return nil, err
		}
	}
	return c.EventsAfter(ctx, f, after)
}

// toldEvent is an event as a stream has it: one that has a name may be named when the reader comes again.
type toldEvent struct{ node.Event }

// Name returns what the event is called; empty: nothing.
func (e toldEvent) Name() string { return e.ID.String() }

// follow sends events as they come, until feed is closed. What came together is sent together.
func (t *stream) follow(feed <-chan node.Event) error {
	ticker := time.NewTicker(t.s.beat)
	defer ticker.Stop()
	for {
		select {
		case e, open := <-feed:
			if !open {
				return nil
			}
			if err := t.add(toldEvent{e}); err != nil {
				return err
			}
			if len(feed) > 0 || len(t.buf) == 0 {
				continue
			}
			if err := t.flush(); err != nil {
				return err
			}
		case <-ticker.C:
			if err := t.beat(); err != nil {
				return err
			}
		}
	}
}
