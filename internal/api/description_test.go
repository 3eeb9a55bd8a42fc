package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"
)

var update = flag.Bool("update", false, "write the description of the operations anew")

// The files that have the description: the one that is served, and the one that is read.
const (
	servedFile = "openapi.json"
	readFile   = "../../docs/openapi.yaml"
)

// described returns the description of all operations, with what the comments of the types say.
func described(t testing.TB) *huma.OpenAPI {
	t.Helper()
	api := New(&fake{}, quiet).surface().huma.OpenAPI()
	for _, item := range api.Paths {
		for _, op := range operationsOf(item) {
			for _, p := range op.Parameters { // which say it themselves
				p.Schema.Description, p.Schema.Examples = "", nil
			}
		}
	}
	c := readBefore
	for name, schema := range api.Components.Schemas.Map() {
		typ := api.Components.Schemas.TypeFromRef("#/components/schemas/" + name)
		c.describe(t, schema, typ)
		if says := c.of(t, typ)[""]; schema.Description == "" {
			schema.Description = says
		}
	}
	return api
}

func operationsOf(item *huma.PathItem) (out []*huma.Operation) {
	for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
		if op != nil {
			out = append(out, op)
		}
	}
	return out
}

// readBefore are the comments that a test of this run has read.
var readBefore = comments{}

// comments are those of the fields of types, by type and field; "" is the type's own.
type comments map[string]map[string]map[string]string

// describe gives the keys of an object what the comments of its fields say.
func (c comments) describe(t testing.TB, schema *huma.Schema, typ reflect.Type) {
	t.Helper()
	if typ.Kind() != reflect.Struct {
		return
	}
	says := c.of(t, typ)
	for i := range typ.NumField() {
		f := typ.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && key == "" && f.Type.Kind() == reflect.Struct {
			c.describe(t, schema, f.Type)
			continue
		}
		p := schema.Properties[key]
		if p == nil {
			continue
		}
		if p.Description == "" {
			p.Description = cmp.Or(says[f.Name], wellKnown[key])
		}
		if example, ok := examples[key]; ok && p.Examples == nil && p.Type == huma.TypeString && len(p.Enum) == 0 {
			p.Examples = []any{example}
		}
		if f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct && !strings.Contains(f.Tag.Get("json"), "omit") {
			schema.Properties[key] = &huma.Schema{Description: p.Description, AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}}
		}
	}
}

// of returns the comments of a type of this project.
func (c comments) of(t testing.TB, typ reflect.Type) map[string]string {
	t.Helper()
	dir, ours := strings.CutPrefix(typ.PkgPath(), "github.com/lessor-dhcp/lessor/internal/")
	if !ours {
		return nil
	}
	if c[dir] == nil {
		c[dir] = read(t, filepath.Join("..", dir))
	}
	name, _, _ := strings.Cut(typ.Name(), "[")
	return c[dir][name]
}

// read returns the comments in the files of a room.
func read(t testing.TB, dir string) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	packages, err := parser.ParseDir(token.NewFileSet(), dir, func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		for _, f := range p.Files {
			ast.Inspect(f, func(n ast.Node) bool {
				d, ok := n.(*ast.GenDecl)
				if !ok || d.Tok != token.TYPE {
					return true
				}
				for _, s := range d.Specs {
					spec := s.(*ast.TypeSpec)
					says := map[string]string{"": words(spec.Doc, d.Doc)}
					if s, ok := spec.Type.(*ast.StructType); ok {
						for _, f := range s.Fields.List {
							for _, name := range f.Names {
								says[name.Name] = words(f.Doc, f.Comment)
							}
						}
					}
					out[spec.Name.Name] = says
				}
				return true
			})
		}
	}
	return out
}

// words returns the first comment that says something.
func words(of ...*ast.CommentGroup) string {
	for _, g := range of {
		if text := strings.TrimSpace(g.Text()); text != "" {
			return strings.Join(strings.Fields(text), " ")
		}
	}
	return ""
}

// examples are values of keys that many answers have.
var examples = map[string]any{
	"hardware": "02:00:00:00:00:07", "client_id": "01:02:00:00:00:00:07", "hostname": "phone-7", "network": "floor1", "subnet": "198.51.100.0/24",
	"home": "west", "partner": "east", "server": "west", "member": "west", "config_version": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "version": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
	"head": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "range": "198.51.100.50-198.51.100.240", "state": "active", "remedy": "ask another member of the group",
}

func TestTheDescriptionIsChecked(t *testing.T) {
	b, err := json.Marshal(described(t))
	if err != nil {
		t.Fatal(err)
	}
	var served, readable bytes.Buffer
	if err := json.Indent(&served, b, "", " "); err != nil {
		t.Fatal(err)
	}
	served.WriteByte('\n')
	if err := yaml.Convert(&readable, bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]byte{servedFile: served.Bytes(), readFile: readable.Bytes()} {
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the operations are now (%v): run `go test ./internal/api -run TestTheDescriptionIsChecked -update`, and look at what differs", file, err)
		}
	}
}

func TestEverythingIsDescribed(t *testing.T) {
	api := described(t)
	seen := map[string]bool{}
	for path, item := range api.Paths {
		for _, op := range operationsOf(item) {
			if op.OperationID == "" || seen[op.OperationID] || op.Summary == "" || len(op.Tags) != 1 || op.Security == nil {
				t.Errorf("%s %s: %q %q %v", op.Method, path, op.OperationID, op.Summary, op.Tags)
			}
			seen[op.OperationID] = true
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s %s: parameter %s has no words", op.Method, path, p.Name)
				}
			}
			for status, r := range op.Responses {
				if r.Description == "" || len(r.Content) == 0 {
					t.Errorf("%s %s: answer %s is not described", op.Method, path, status)
				}
			}
		}
	}
	for name, s := range api.Components.Schemas.Map() {
		for key, p := range s.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s has no words", name, key)
			}
		}
	}
}
