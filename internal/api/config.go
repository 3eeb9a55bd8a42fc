package api

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// The media types of a configuration document.
var yamlTypes = []string{"application/yaml", "application/x-yaml", "text/yaml"}

// Head names the version that the server serves by, where a version is asked for.
const Head = "head"

// ConfigAnswer is what GET /api/v1/config says: how the configuration stands, and the version that is served by; null where there
// is none yet.
type ConfigAnswer struct {
	Head   *node.VersionShown     `json:"head"`
	Status node.GroupConfigStatus `json:"status"`
}

// ConfigDifference is what differs from one version to another. Lines before are those of A, lines after those of B, as each is shown.
type ConfigDifference struct {
	A       string           `json:"a"`
	B       string           `json:"b"`
	Changes []version.Change `json:"changes"`
}

// configurer returns the reporter as one that keeps versions.
func (s *Server) configurer() (node.Configurer, error) {
	if c, ok := s.reporter.(node.Configurer); ok {
		return c, nil
	}
	return nil, &Problem{Status: http.StatusNotImplemented, Title: "not here", Detail: "this server keeps no versions of its configuration",
		Remedy: "edit its file, and have it read again (SIGHUP)"}
}

// ParseVersion reads what names a version: head, or at least node.MinVersion hexadecimal digits. The head is "".
func ParseVersion(s string) (string, error) {
	if s == "" || s == Head {
		return "", nil
	}
	if !IsVersion(s) {
		return "", badRequest("%q names no version: write %s, or at least %d of its hexadecimal digits", s, Head, node.MinVersion)
	}
	return strings.ToLower(s), nil
}

// IsVersion reports whether s could be a version's name, or its beginning.
func IsVersion(s string) bool {
	return len(s) >= node.MinVersion && len(s) <= 2*len(version.ID{}) && strings.Trim(strings.ToLower(s), hexDigits) == ""
}

// versionAsked is a version, named by its path.
type versionAsked struct {
	ID string `path:"id" doc:"The version: head, or at least 6 of its hexadecimal digits." example:"head"`
}

// historyAsked are the parameters of GET /config/history.
type historyAsked struct {
	Limit int `query:"limit" minimum:"1" default:"100" doc:"How many versions at most, the latest first." example:"20"`
	FormatAsked
}

// diffAsked are the parameters of GET /config/diff.
type diffAsked struct {
	A string `query:"a" doc:"The version before; the head where none is named." example:"0a1b2c3d"`
	B string `query:"b" doc:"The version after; the head where none is named." example:"head"`
}

func (a *surface) addConfig() {
	s := a.server
	tagged := map[string]*huma.Param{"ETag": {Description: "The name of the version, in quotes.", Schema: &huma.Schema{Type: huma.TypeString}}}
	document := func(schema *huma.Schema) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{jsonType: {Schema: schema}, yamlTypes[0]: {Schema: &huma.Schema{Type: huma.TypeString, Description: "The document alone, to be edited and applied."}}}
	}
	op := operation{method: http.MethodGet, path: base + "config", id: "config", tag: tagConfig, role: access.Viewer, room: s.answers, fails: []int{501}, headers: tagged,
		summary: "The head of the configuration, and how it stands", about: "The entity tag is the head's name, for If-Match of `config/apply`. As `lessor config show`.", content: document(schemaOf[ConfigAnswer](a))}
	askRaw(a, op, func(w http.ResponseWriter, r *http.Request, _ *nothingAsked) error { return s.config(w, r) })
	ask(a, operation{method: http.MethodGet, path: base + "config/status", id: "config-status", tag: tagConfig, role: access.Viewer, room: s.answers, fails: []int{501},
		summary: "How the configuration stands", about: "Which version is served by here and at the partner, what is pending, and the conflict if there is one. As `lessor config status --json`."},
		func(ctx context.Context, _ *nothingAsked) (st node.GroupConfigStatus, err error) {
			c, err := s.configurer()
			if err != nil {
				return st, err
			}
			return c.ConfigStatus(ctx)
		})
	op = operation{method: http.MethodGet, path: base + "config/versions/{id}", id: "config-version", tag: tagConfig, role: access.Viewer, room: s.answers, fails: []int{404, 501}, headers: tagged,
		summary: "A version whole", about: "As `lessor config show VERSION`.", content: document(schemaOf[node.VersionShown](a))}
	askRaw(a, op, func(w http.ResponseWriter, r *http.Request, in *versionAsked) error {
		return s.configVersion(w, r, in.ID)
	})
	askStream[node.VersionRow](a, operation{method: http.MethodGet, path: base + "config/history", id: "config-history", tag: tagConfig, role: access.Viewer, room: s.streams, fails: []int{409, 501},
		summary: "The versions", about: "One a line, the latest first. As `lessor config history --json`."}, finite,
		func(ctx context.Context, in *historyAsked, t *stream) error { return s.configHistory(ctx, in.Limit, t) })
	ask(a, operation{method: http.MethodGet, path: base + "config/diff", id: "config-diff", tag: tagConfig, role: access.Viewer, room: s.answers, fails: []int{404, 501},
		summary: "What differs from one version to another", about: "Key by key. As `lessor config diff A B --json`."},
		func(ctx context.Context, in *diffAsked) (ConfigDifference, error) { return s.configDiff(ctx, in) })
}

func (s *Server) config(w http.ResponseWriter, r *http.Request) error {
	c, err := s.configurer()
	if err != nil {
		return err
	}
	var a ConfigAnswer
	if a.Status, err = c.ConfigStatus(r.Context()); err != nil {
		return err
	}
	shown, err := c.ConfigShow(r.Context(), "")
	if _, none := errors.AsType[*node.RefusedError](err); err != nil && !none {
		return err
	}
	if err == nil {
		a.Head = &shown
	}
	if a.Head != nil && wantsYAML(r) {
		answerYAML(w, a.Head)
		return nil
	}
	if a.Head != nil {
		w.Header().Set("ETag", etag(shown.Version))
	}
	return answer(w, a)
}

func (s *Server) configVersion(w http.ResponseWriter, r *http.Request, id string) error {
	c, err := s.configurer()
	if err != nil {
		return err
	}
	if id, err = ParseVersion(id); err != nil {
		return err
	}
	shown, err := c.ConfigShow(r.Context(), id)
	if err != nil {
		return noVersion(err)
	}
	if wantsYAML(r) {
		answerYAML(w, &shown)
		return nil
	}
	w.Header().Set("ETag", etag(shown.Version))
	return answer(w, shown)
}

// answer sends v as the whole answer.
func answer(w http.ResponseWriter, v any) error {
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Cache-Control", "no-store")
	return writeJSON(w, v)
}

// noVersion says of a question that is refused that what it names is not there.
func noVersion(err error) error {
	if r, ok := errors.AsType[*node.RefusedError](err); ok {
		return &Problem{Status: http.StatusNotFound, Title: "no such version", Detail: r.Why, Remedy: r.Remedy}
	}
	return err
}

func (s *Server) configHistory(ctx context.Context, limit int, t *stream) error {
	if limit > version.MaxVersions {
		return badRequest("limit is a number from 1 to %d, not %d", version.MaxVersions, limit)
	}
	c, err := s.configurer()
	if err != nil {
		return err
	}
	rows, err := c.ConfigHistory(ctx, limit)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Parents = notNil(rows[i].Parents)
		if err := t.add(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) configDiff(ctx context.Context, in *diffAsked) (d ConfigDifference, err error) {
	if d.A, err = ParseVersion(in.A); err != nil {
		return d, err
	}
	if d.B, err = ParseVersion(in.B); err != nil {
		return d, err
	}
	c, err := s.configurer()
	if err != nil {
		return d, err
	}
	if d.A == "" || d.B == "" {
		st, err := c.ConfigStatus(ctx)
		if err != nil {
			return d, err
		}
		d.A, d.B = cmp.Or(d.A, st.Head), cmp.Or(d.B, st.Head)
	}
	changes, err := c.ConfigDiff(ctx, d.A, d.B)
	if err != nil {
		return d, noVersion(err)
	}
	d.A, d.B, d.Changes = cmp.Or(d.A, Head), cmp.Or(d.B, Head), notNil(changes)
	return d, nil
}

// etag returns a version's name as an entity tag (RFC 9110 §8.8.3).
func etag(id string) string { return `"` + id + `"` }

// wantsYAML reports whether a document is asked for as it is to be edited, and not as JSON.
func wantsYAML(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		m, _, err := mime.ParseMediaType(part)
		switch {
		case err != nil:
			continue
		case m == "application/json" || m == "*/*":
			return false
		case isYAML(m):
			return true
		}
	}
	return false
}

func isYAML(mediaType string) bool {
	for _, t := range yamlTypes {
		if t == mediaType {
			return true
		}
	}
	return false
}

// answerYAML sends a version as a document to be edited.
func answerYAML(w http.ResponseWriter, v *node.VersionShown) {
	h := w.Header()
	h.Set("Content-Type", yamlTypes[0])
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", etag(v.Version))
	w.Write([]byte(v.Text)) // an error means that nobody listens any more
}
