package option

import (
	"fmt"
	"regexp"
	"strconv"
)

// fits is as much of JSON Schema as Schema uses.
func fits(schema map[string]any, v Input) error {
	for keyword, want := range schema {
		if err := fitsKeyword(schema, keyword, want, v); err != nil {
			return err
		}
	}
	return nil
}

func fitsKeyword(schema map[string]any, keyword string, want any, v Input) error {
	switch keyword {
	case "anyOf":
		var err error
		for _, s := range want.([]any) {
			if err = fits(s.(map[string]any), v); err == nil {
				return nil
			}
		}
		return fmt.Errorf("none of %d fits; the last because %w", len(want.([]any)), err)
	case "type":
		names, ok := want.([]any)
		if !ok {
			names = []any{want}
		}
		for _, n := range names {
			if hasType(n.(string), v) {
				return nil
			}
		}
		return fmt.Errorf("%s is not %v", v.brief(), want)
	case "const":
		if v.Scalar != fmt.Sprint(want) {
			return fmt.Errorf("%s is not %v", v.brief(), want)
		}
	case "minimum", "maximum":
		n, _ := strconv.ParseInt(v.Scalar, 0, 64)
		if keyword == "minimum" && n < want.(int64) || keyword == "maximum" && n > want.(int64) {
			return fmt.Errorf("%d is beyond %d", n, want)
		}
	case "pattern":
		if v.Kind == Scalar && !pattern(want.(string)).MatchString(v.Scalar) {
			return fmt.Errorf("%s does not match %s", v.brief(), want)
		}
	case "minItems":
		if len(v.List) < want.(int) {
			return fmt.Errorf("%d items", len(v.List))
		}
	case "minProperties", "maxProperties":
		if n := len(v.Map); keyword == "minProperties" && n < want.(int) || keyword == "maxProperties" && n > want.(int) {
			return fmt.Errorf("%d properties", n)
		}
	case "items", "prefixItems":
		return fitsItems(schema, v)
	case "properties", "patternProperties", "additionalProperties", "required":
		return fitsProperties(schema, v)
	case "format":
	default:
		return fmt.Errorf("keyword %s is not known", keyword)
	}
	return nil
}

var patterns = map[string]*regexp.Regexp{}

// pattern compiles a pattern once.
func pattern(p string) *regexp.Regexp {
	if patterns[p] == nil {
		patterns[p] = regexp.MustCompile(p)
	}
	return patterns[p]
}

func hasType(name string, v Input) bool {
	switch name {
	case "string":
		return v.Kind == Scalar
	case "integer", "number":
		_, err := strconv.ParseInt(v.Scalar, 0, 64)
		return v.Kind == Scalar && err == nil
	case "boolean":
		return v.Scalar == "true" || v.Scalar == "false"
	case "array":
		return v.Kind == List
	case "object":
		return v.Kind == Map
	}
	return false
}

func fitsItems(schema map[string]any, v Input) error {
	prefix, _ := schema["prefixItems"].([]any)
	for i, item := range v.List {
		if i < len(prefix) {
			if err := fits(prefix[i].(map[string]any), item); err != nil {
				return err
			}
			continue
		}
		rest, ok := schema["items"].(map[string]any)
		if !ok {
			return fmt.Errorf("item %d is too many", i)
		}
		if err := fits(rest, item); err != nil {
			return err
		}
	}
	return nil
}

func fitsProperties(schema map[string]any, v Input) error {
	named, _ := schema["properties"].(map[string]any)
	patterns, _ := schema["patternProperties"].(map[string]any)
	required, _ := schema["required"].([]any)
	seen := map[string]bool{}
	for _, e := range v.Map {
		seen[e.Key] = true
		s, ok := named[e.Key].(map[string]any)
		for p, inner := range patterns {
			if !ok && pattern(p).MatchString(e.Key) {
				s, ok = inner.(map[string]any), true
			}
		}
		if !ok {
			return fmt.Errorf("%s is not a property", e.Key)
		}
		if err := fits(s, e.Value); err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
	}
	for _, r := range required {
		if v.Kind == Map && !seen[r.(string)] {
			return fmt.Errorf("%v is missing", r)
		}
	}
	return nil
}
