package api

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// The media types of a configuration document.
var yamlTypes = []string{"application/yaml", "application/x-yaml", "text/yaml"}

// Head names the version that the server serves by, where a version is asked for.
const Head = "head"

// defaultHistory is how many versions a history shows of which no limit is asked for.
const defaultHistory = 100

// ConfigAnswer is what GET /api/v1/config says: how the configuration stands, and the version that is served by; null where there
// is none yet.
type ConfigAnswer struct {
	Head   *node.VersionShown     `json:"head"`
	Status node.GroupConfigStatus `json:"status"`
}

// ConfigDifference is what differs from one version to another.
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

func (s *Server) config(w http.ResponseWriter, r *http.Request) error {
	if err := (fields{}).read(r.URL.Query()); err != nil {
		return err
	}
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

func (s *Server) configStatus(w http.ResponseWriter, r *http.Request) error {
	if err := (fields{}).read(r.URL.Query()); err != nil {
		return err
	}
	c, err := s.configurer()
	if err != nil {
		return err
	}
	st, err := c.ConfigStatus(r.Context())
	if err != nil {
		return err
	}
	return answer(w, st)
}

func (s *Server) configVersion(w http.ResponseWriter, r *http.Request) error {
	if err := (fields{}).read(r.URL.Query()); err != nil {
		return err
	}
	c, err := s.configurer()
	if err != nil {
		return err
	}
	id, err := ParseVersion(r.PathValue("id"))
	if err != nil {
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

// noVersion says of a question that is refused that what it names is not there.
func noVersion(err error) error {
	if r, ok := errors.AsType[*node.RefusedError](err); ok {
		return &Problem{Status: http.StatusNotFound, Title: "no such version", Detail: r.Why, Remedy: r.Remedy}
	}
	return err
}

func (s *Server) configHistory(w http.ResponseWriter, r *http.Request) error {
	limit := defaultHistory
	err := fields{"limit": func(text string) (err error) { limit, err = parseLimit(text); return err }}.read(r.URL.Query())
	if err != nil {
		return err
	}
	c, err := s.configurer()
	if err != nil {
		return err
	}
	rows, err := c.ConfigHistory(r.Context(), limit)
	if err != nil {
		return err
	}
	t := s.stream(w, ndjson)
	for i := range rows {
		if rows[i].Parents == nil {
			rows[i].Parents = []string{}
		}
		if err := t.add(&rows[i]); err != nil {
			return t.cutShort(err)
		}
	}
	return t.cutShort(t.flush())
}

func parseLimit(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > version.MaxVersions {
		return 0, badRequest("limit is a number from 1 to %d, not %q", version.MaxVersions, text)
	}
	return n, nil
}

func (s *Server) configDiff(w http.ResponseWriter, r *http.Request) error {
	var d ConfigDifference
	err := fields{
		"a": func(text string) (err error) { d.A, err = ParseVersion(text); return err },
		"b": func(text string) (err error) { d.B, err = ParseVersion(text); return err },
	}.read(r.URL.Query())
	if err != nil {
		return err
	}
	c, err := s.configurer()
	if err != nil {
		return err
	}
	d.Changes, err = c.ConfigDiff(r.Context(), d.A, d.B)
	if err != nil {
		return noVersion(err)
	}
	if d.Changes == nil {
		d.Changes = []version.Change{}
	}
	if d.A == "" {
		d.A = Head
	}
	if d.B == "" {
		d.B = Head
	}
	return answer(w, d)
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
