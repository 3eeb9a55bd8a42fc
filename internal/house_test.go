package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// house is the order of the rooms: a package may import those on lines above its own, and nothing else of the project.
// It is a statement of policy (docs/ARCHITECTURE.md).
const house = `
slab spelling
option binding
dhcpv4 pool failover
class
config
config/version
policy group
peerwire peerwire/groupwire
responder ledger
store/disk ownfile
store/memfs peer/keys access logbook
store socket peer
node
metrics
api load sim
`

// pure are the rooms without clock, I/O, lock, goroutine, log and randomness.
var pure = []string{"slab", "spelling", "option", "binding", "dhcpv4", "pool", "failover", "class", "config", "config/version", "policy", "group", "peerwire", "peerwire/groupwire", "responder", "ledger"}

// forbidden are the packages that no pure room imports.
var forbidden = []string{"os", "net", "log", "log/slog", "sync", "sync/atomic", "context", "math/rand", "math/rand/v2", "crypto/rand", "runtime", "syscall", "io/fs", "golang.org/x/sys/unix"}

// clock are the functions of package time that no pure room calls.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

const module = "github.com/lessor-dhcp/lessor/internal/"

func floors() map[string]int {
	of := map[string]int{}
	for i, line := range strings.Split(strings.TrimSpace(house), "\n") {
		for _, room := range strings.Fields(line) {
			of[room] = i + 1
		}
	}
	return of
}

// source is one file of a room, tests left out.
type source struct {
	room, path string
	file       *ast.File
}

func sources(t *testing.T) (all []source) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Dir(path) == "." {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(filepath.Dir(path)), path, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d files were found: the walk is wrong", len(all))
	}
	return all
}

func TestImportsPointOnlyDownwards(t *testing.T) {
	floor := floors()
	for _, s := range sources(t) {
		if floor[s.room] == 0 {
			t.Errorf("%s: the room %s stands on no floor of the house", s.path, s.room)
			continue
		}
		for _, i := range s.file.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			room, ours := strings.CutPrefix(path, module)
			if ours && floor[room] >= floor[s.room] {
				t.Errorf("%s imports %s, which is not on a floor below", s.path, room)
			}
		}
	}
}

func TestPureRoomsHaveNoOutside(t *testing.T) {
	for _, s := range sources(t) {
		if !slices.Contains(pure, s.room) {
			continue
		}
		for _, i := range s.file.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); slices.Contains(forbidden, path) {
				t.Errorf("%s imports %s", s.path, path)
			}
		}
		noOutside(t, s)
	}
}

// coreFiles are the deciding half of node, which is pure too, but for the levels of its events.
var coreFiles = []string{"relation.go", "hurry.go", "bucket.go", "unsettled.go", "wire.go", "relationship.go", "standstill.go", "notes.go", "core.go", "effects.go", "packet.go", "probing.go", "happenings.go", "quota.go", "failing.go", "today.go", "earlier.go", "ledger.go", "lease_past.go"}

func TestTheCoreHasNoOutside(t *testing.T) {
	seen := 0
	for _, s := range sources(t) {
		if s.room == "node" && slices.Contains(coreFiles, filepath.Base(s.path)) {
			seen++
			noOutside(t, s)
			for _, i := range s.file.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				if path != "log/slog" && slices.Contains(forbidden, path) || strings.HasSuffix(path, "/store") || strings.HasSuffix(path, "/socket") {
					t.Errorf("%s imports %s", s.path, path)
				}
			}
		}
	}
	if seen != len(coreFiles) {
		t.Errorf("%d of %d files of the core were found", seen, len(coreFiles))
	}
}

func noOutside(t *testing.T, s source) {
	t.Helper()
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s starts a goroutine", s.path)
		case *ast.ChanType:
			t.Errorf("%s has a channel", s.path)
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
				t.Errorf("%s reads the clock: time.%s", s.path, n.Sel.Name)
			}
		}
		return true
	})
}

// Rules are taken away by tests alone.
func TestNobodyTakesARuleAway(t *testing.T) {
	for _, s := range sources(t) {
		if s.room == "sim" || s.room == "failover" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if x, ok := n.(*ast.SelectorExpr); ok && x.Sel.Name == "RuleNamed" {
				t.Errorf("%s takes a rule away", s.path)
			}
			if kv, ok := n.(*ast.KeyValueExpr); ok {
				if k, ok := kv.Key.(*ast.Ident); ok && k.Name == "Without" {
					t.Errorf("%s takes a rule away", s.path)
				}
			}
			return true
		})
	}
}
