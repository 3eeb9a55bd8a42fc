package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// arbitrary fills v with what could be there. Lists and maps may be empty, or nil where their owner says them as empty.
func arbitrary(r *rand.Rand, v reflect.Value, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *node.Instant:
		if *x = (node.Instant{}); r.IntN(3) > 0 {
			*x = node.At(time.Unix(r.Int64N(4e9), 0))
		}
		return
	case *netip.Addr:
		*x = netip.AddrFrom4([4]byte{10, byte(r.Uint32()), 0, 1})
		return
	case *netip.Prefix:
		*x = netip.MustParsePrefix("10.0.0.0/8")
		return
	case *netip.AddrPort:
		*x = netip.MustParseAddrPort("10.0.0.1:647")
		return
	case *node.EventKind:
		*x = node.EventKind(1 + r.IntN(len(node.EventKinds())))
		return
	case *json.RawMessage:
		*x = json.RawMessage(`{"k": [1]}`)
		return
	case *any:
		*x = []any{"text", 7.5, []any{"a"}, nil, map[string]any{"k": true}}[r.IntN(5)]
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			arbitrary(r, v.Field(i), depth+1)
			if enum, ok := f.Tag.Lookup("enum"); ok {
				words := strings.Split(enum, ",")
				v.Field(i).SetString(words[r.IntN(len(words))])
			}
			if _, ok := f.Tag.Lookup("minimum"); ok {
				v.Field(i).SetInt(60 + r.Int64N(100))
			}
		}
	case reflect.Pointer:
		if depth < 12 && r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			arbitrary(r, v.Elem(), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 2))
		for range min(r.IntN(3), 12-min(depth, 12)) {
			e := reflect.New(v.Type().Elem())
			arbitrary(r, e.Elem(), depth+1)
			v.Set(reflect.Append(v, e.Elem()))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(3) {
			k, e := reflect.New(v.Type().Key()), reflect.New(v.Type().Elem())
			arbitrary(r, k.Elem(), depth+1)
			arbitrary(r, e.Elem(), depth+1)
			v.SetMapIndex(k.Elem(), e.Elem())
		}
	case reflect.String:
		v.SetString(hostile[r.IntN(len(hostile))])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.Int64N(100))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1 + r.Uint64N(2)) // also of what has few names
	case reflect.Float64:
		v.SetFloat(r.Float64())
	}
}

// Whatever an answer says, it is as the description has it.
func TestAnswersAreAsDescribed(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	api := described(t)
	schemas := api.Components.Schemas
	asked := map[string]bool{} // what is asked is not said
	for _, item := range api.Paths {
		for _, op := range operationsOf(item) {
			if op.RequestBody != nil && op.RequestBody.Content[jsonType] != nil {
				asked[op.RequestBody.Content[jsonType].Schema.Ref] = true
			}
		}
	}
	for name, schema := range schemas.Map() {
		if asked["#/components/schemas/"+name] {
			continue
		}
		schema.PrecomputeMessages()
		for range 12 {
			v := reflect.New(schemas.TypeFromRef("#/components/schemas/" + name))
			arbitrary(r, v.Elem(), 0)
			b, err := AppendJSON(nil, v.Elem().Interface())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var said any
			if err := json.Unmarshal(b, &said); err != nil {
				t.Fatal(err)
			}
			var res huma.ValidateResult
			huma.Validate(schemas, schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeReadFromServer, said, &res)
			for _, e := range res.Errors {
				t.Errorf("%s: %v", name, shortly(e))
			}
			if len(res.Errors) > 0 {
				break
			}
		}
	}
}

func shortly(err error) string {
	if d, ok := err.(*huma.ErrorDetail); ok {
		return fmt.Sprintf("%s: %s (%.200v)", d.Location, d.Message, d.Value)
	}
	return err.Error()
}
