package api

import (
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// surface is everything that can be asked and told by HTTP: the operations, and their description for programs.
type surface struct {
	server *Server
	mux    *http.ServeMux
	huma   huma.API
	paths  map[string][]string // the methods of each path that is described
}

// base is where the operations are.
const base = "/api/v1/"

func newSurface(s *Server) *surface {
	a := &surface{server: s, mux: http.NewServeMux(), paths: map[string][]string{}}
	a.huma = huma.NewAPI(describing(), adapter{a})
	return a
}

// adapter gives huma's operations to the mux, each behind what finds out who asks.
type adapter struct{ *surface }

// Handle implements huma.Adapter.
func (a adapter) Handle(op *huma.Operation, answer func(huma.Context)) {
	o := op.Metadata[operationKey].(*operation)
	a.paths[op.Path] = append(a.paths[op.Path], op.Method)
	a.mux.Handle(op.Method+" "+op.Path, a.server.guarded(o.role, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(humago.NewContext(op, r, w))
	})))
}

// ServeHTTP implements huma.Adapter. A path, or a method, that there is none of is answered as any other mistake, also where something else is
// answered at all paths that are nobody's.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, pattern := a.mux.Handler(r)
	method, path, _ := strings.Cut(pattern, " ")
	switch {
	case a.paths[path] != nil && (r.Method == method || r.Method == http.MethodHead && method == http.MethodGet || path == "/healthz" || path == "/readyz"):
		a.mux.ServeHTTP(w, r)
	case pattern == "", a.paths[path] != nil, len(a.allowed(r)) > 0, strings.HasPrefix(r.URL.Path, "/api/"):
		a.server.admitted(access.Viewer, http.HandlerFunc(a.nothing)).ServeHTTP(w, r)
	default: // something that is mounted
		a.mux.ServeHTTP(w, r)
	}
}

// nothing answers where there is no such path, or no such method there. Nothing of a body is read.
func (a *surface) nothing(w http.ResponseWriter, r *http.Request) {
	unread(w, r)
	allowed := slices.Clip(a.allowed(r))
	if missing := a.unnamed(r); len(allowed) == 0 && missing != "" {
		(&Problem{Status: http.StatusNotFound, Title: "there is nothing at this path", Detail: "the end of the path is missing, which says what is meant: " + missing}).write(w)
		return
	}
	if len(allowed) == 0 {
		(&Problem{Status: http.StatusNotFound, Title: "there is nothing at this path", Detail: "there are " + strings.Join(a.listed(), ", "),
			Remedy: "the whole description is /openapi.json"}).write(w)
		return
	}
	allow := append(allowed, http.MethodOptions)
	if allowed[0] == http.MethodGet {
		allow = slices.Insert(allow, 1, http.MethodHead)
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	(&Problem{Status: http.StatusMethodNotAllowed, Title: "method not allowed", Detail: "only " + strings.Join(allowed, " and ") + " is answered here"}).write(w)
}

// allowed returns the methods by which something is answered at the path of r.
func (a *surface) allowed(r *http.Request) (out []string) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := http.Request{Method: method, URL: r.URL, Host: r.Host}
		_, pattern := a.mux.Handler(&other)
		if m, path, _ := strings.Cut(pattern, " "); m == method && a.paths[path] != nil {
			out = append(out, method)
		}
	}
	return out
}

// unnamed returns the path that is meant where that of r ends before a name; empty where it does not.
func (a *surface) unnamed(r *http.Request) string {
	if !strings.HasSuffix(r.URL.Path, "/") {
		return ""
	}
	for path := range a.paths {
		if at := strings.IndexByte(path, '{'); at > 0 && path[:at] == r.URL.Path && strings.HasSuffix(path, "}") {
			return path
		}
	}
	return ""
}

// listed returns the paths of all operations.
func (a *surface) listed() (out []string) {
	for path, methods := range a.paths {
		if slices.Contains(methods, http.MethodGet) {
			out = append(out, path)
		} else {
			out = append(out, strings.Join(methods, " and ")+" "+path)
		}
	}
	slices.Sort(out)
	return out
}

// describing returns how the operations are described, and how what is said is written.
func describing() huma.Config {
	schemas := huma.NewMapRegistry("#/components/schemas/", nameOfType)
	for t, as := range spelt {
		schemas.RegisterTypeAlias(t, as)
	}
	format := huma.Format{Marshal: writeJSON, Unmarshal: readObject}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Lessor", Version: "1", Description: aboutTheAPI,
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
			Components: &huma.Components{Schemas: schemas, SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", Description: "A token of `lessor token create`. Over the unix socket nothing is sent: the kernel says who asks."},
			}},
			Tags: tags,
		},
		Formats:       map[string]huma.Format{jsonType: format, "json": format},
		DefaultFormat: jsonType,
	}
}

// writeJSON writes an answer. A reader that is gone is no mistake of anybody.
func writeJSON(w io.Writer, v any) error {
	b, err := AppendJSON(nil, v)
	if err != nil {
		return err
	}
	w.Write(append(b, '\n'))
	return nil
}

// schemaOf returns the description of T.
func schemaOf[T any](a *surface) *huma.Schema {
	t := reflect.TypeFor[T]()
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// alsoJSON describes the body of an operation that takes a document as JSON too, which it reads itself.
func (a *surface) alsoJSON(path string, example string) {
	body := a.huma.OpenAPI().Paths[path].Post.RequestBody
	body.Content[jsonType] = &huma.MediaType{Schema: schemaOf[change](a)}
	body.Content[yamlTypes[0]] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: "The document as it is written. Its line `version: …` names what it was written against."}, Example: example}
}
