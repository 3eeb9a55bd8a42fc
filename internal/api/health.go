package api

import (
	"bytes"
	"context"
	_ "embed"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/metrics"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// Health says whether a server is alive, or ready. Who asks need not say who it is, so it says no more.
type Health struct {
	// Status is ok, or, of one that is not ready, waiting or failing.
	Status string `json:"status"`
}

func (a *surface) addHealth() {
	s := a.server
	ask(a, operation{method: http.MethodGet, path: "/healthz", id: "healthz", tag: tagServer, room: s.health,
		summary: "Is the server alive?", about: "200 while whoever decides answers."},
		func(ctx context.Context, _ *nothingAsked) (Health, error) {
			if _, err := s.reporter.Status(ctx); err != nil {
				return Health{}, notWell("failing")
			}
			return Health{"ok"}, nil
		})
	ask(a, operation{method: http.MethodGet, path: "/readyz", id: "readyz", tag: tagServer, room: s.health,
		summary: "Does the server answer clients?", about: "200 once it answers all that its state allows, 503 before, and while its store takes nothing."},
		func(ctx context.Context, _ *nothingAsked) (Health, error) {
			st, err := s.reporter.Status(ctx)
			switch {
			case err != nil:
				return Health{}, notWell("failing")
			case !st.Ready || st.Waiting != "":
				return Health{}, notWell("waiting")
			case storeFails(&st):
				return Health{}, notWell("failing")
			}
			return Health{"ok"}, nil
		})
}

// storeFails reports whether nothing can be made durable now.
func storeFails(st *node.Status) bool {
	switch st.Store.State {
	case "failed", "full", "stalled":
		return true
	}
	return false
}

func notWell(how string) *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Title: how, Detail: "the server does not answer all clients now", Remedy: "`lessor status` says why"}
}

// description is the OpenAPI description of all operations, as TestTheDescriptionIsChecked writes it: with what the comments of the
// types say.
//
//go:embed openapi.json
var description []byte

var descriptionYAML = sync.OnceValues(func() ([]byte, error) {
	var b bytes.Buffer
	err := yaml.Convert(&b, bytes.NewReader(description))
	return b.Bytes(), err
})

func (a *surface) addDescription() {
	s := a.server
	op := operation{method: http.MethodGet, path: "/openapi.json", id: "openapi-json", tag: tagServer, role: access.Viewer, room: s.answers, summary: "This description",
		content: map[string]*huma.MediaType{"application/vnd.oai.openapi+json": {}}}
	askRaw(a, op, func(w http.ResponseWriter, r *http.Request, _ *nothingAsked) error {
		return sayDescription(w, r, "application/vnd.oai.openapi+json", description)
	})
	op = operation{method: http.MethodGet, path: "/openapi.yaml", id: "openapi-yaml", tag: tagServer, role: access.Viewer, room: s.answers, summary: "This description, as YAML",
		content: map[string]*huma.MediaType{"application/vnd.oai.openapi": {}}}
	askRaw(a, op, func(w http.ResponseWriter, r *http.Request, _ *nothingAsked) error {
		b, err := descriptionYAML()
		if err != nil {
			return err
		}
		return sayDescription(w, r, "application/vnd.oai.openapi", b)
	})
}

func sayDescription(w http.ResponseWriter, _ *http.Request, as string, b []byte) error {
	h := w.Header()
	h.Set("Content-Type", as)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.Write(b) // an error means that nobody listens any more
	return nil
}

// addMetrics adds what Prometheus asks. Its names and words are those of its text format, so there is no schema.
func (a *surface) addMetrics() {
	s := a.server
	h := metrics.Handler(s.reporter, &s.requests)
	askRaw(a, operation{method: http.MethodGet, path: "/metrics", id: "metrics", tag: tagServer, role: access.Viewer, room: s.health, summary: "Figures for Prometheus",
		content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}},
		func(w http.ResponseWriter, r *http.Request, _ *nothingAsked) error { h.ServeHTTP(w, r); return nil })
}
