package config

import (
	"encoding/json"
	"fmt"
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
