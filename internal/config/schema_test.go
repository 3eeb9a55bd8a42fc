package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSchemaInDocsIsFresh(t *testing.T) {
	expect(t, "../../docs/lessor.schema.json", string(Schema()))
}

func TestSchemaRefersOnlyToWhatItDefines(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	defs := root["$defs"].(map[string]any)
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if _, ok := defs[strings.TrimPrefix(ref, "#/$defs/")]; !ok {
					t.Errorf("%s: %s is not defined", path, ref)
				}
			}
			for k, c := range v {
				walk(path+"/"+k, c)
			}
		case []any:
			for i, c := range v {
				walk(fmt.Sprint(path, "/", i), c)
			}
		}
	}
	walk("", root)
}

func TestSchemaKnowsTheKeysOfTheParser(t *testing.T) {
	var root struct {
		Properties map[string]any
		Defs       map[string]struct {
			Properties map[string]struct{ Description string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"server", "networks", "hosts"} {
		if _, ok := root.Properties[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	if _, ok := root.Defs["host"].Properties["duid"]; ok {
		t.Error("a key of a later issue is offered")
	}
	for _, s := range newTables().sections()[1:] {
		name, _, _ := s.place()
		for _, key := range s.known() {
			if root.Defs[name].Properties[key].Description == "" {
				t.Errorf("%s: %s is missing or says nothing", name, key)
			}
		}
	}
	options := root.Defs["options"].Properties
	if _, ok := options["routers"]; !ok {
		t.Error("routers is missing")
	}
	for _, name := range []string{"dhcp-message-type", "relay-agent-information"} {
		if _, ok := options[name]; ok {
			t.Errorf("%s is offered, and the parser refuses it", name)
		}
	}
}

func TestSuggestionsAreNearAndNotFar(t *testing.T) {
	names := []string{"server", "networks", "hosts", "options"}
	for word, want := range map[string]string{
		"sever": "server", "netwroks": "networks", "host": "hosts", "optoins": "options", "x": "", "frobnicate": "",
		strings.Repeat("server", 100): "",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "ab", 1}, {"abc", "xbc", 1}, {"abc", "xyz", 3}, {"a", "abcdef", 4}} {
		if got := distance(c.a, c.b, 4); min(got, 4) != c.want {
			t.Errorf("%s, %s: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if !slices.Contains(names, nearest("servr", names)) {
		t.Error("servr is near nothing")
	}
}
