package api

import (
	"net/netip"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// spelt are the types that JSON spells otherwise than their fields say, with one that describes how.
var spelt = map[reflect.Type]reflect.Type{
	reflect.TypeFor[node.Instant]():   reflect.TypeFor[instant](),
	reflect.TypeFor[netip.Addr]():     reflect.TypeFor[address](),
	reflect.TypeFor[netip.Prefix]():   reflect.TypeFor[prefix](),
	reflect.TypeFor[netip.AddrPort](): reflect.TypeFor[addressAndPort](),
	reflect.TypeFor[node.EventKind](): reflect.TypeFor[eventKind](),
}

type (
	instant        struct{}
	address        struct{}
	prefix         struct{}
	addressAndPort struct{}
	eventKind      struct{}
)

// Schema implements huma.SchemaProvider: RFC 3339 in UTC, or null.
func (instant) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true, Format: "date-time", Examples: []any{"2026-11-22T12:00:00Z"}}
}

// Schema implements huma.SchemaProvider.
func (address) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"198.51.100.50"}}
}

// Schema implements huma.SchemaProvider.
func (prefix) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"198.51.100.0/24"}}
}

// Schema implements huma.SchemaProvider.
func (addressAndPort) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"198.51.100.1:647"}}
}

// Schema implements huma.SchemaProvider.
func (eventKind) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, k := range node.EventKinds() {
		s.Enum = append(s.Enum, k)
	}
	return s
}

// names are those of types of which two packages have one of the same name.
var names = map[reflect.Type]string{
	reflect.TypeFor[config.Problem]():   "DocumentProblem",
	reflect.TypeFor[version.Change]():   "ConfigurationChange",
	reflect.TypeFor[version.Conflict](): "ConfigurationDisagreement",
}

// nameOfType returns what a type is called in the description.
func nameOfType(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name, ok := names[t]; ok {
		return name
	}
	return strings.ReplaceAll(huma.DefaultSchemaNamer(t, hint), "Node", "")
}
