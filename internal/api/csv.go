package api

import (
	"bytes"
	"encoding"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// column is one field of a row.
type column struct {
	name  string
	index []int
}

// columnsOf returns the fields of T in order, those of what is embedded in their place.
func columnsOf[T any]() []column { return columnsIn(reflect.TypeFor[T](), nil) }

func columnsIn(t reflect.Type, at []int) (out []column) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), at...), i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			out = append(out, columnsIn(f.Type, index)...)
		case f.IsExported() && name != "-" && name != "":
			out = append(out, column{name, index})
		}
	}
	return out
}

// only has the stream say these keys and no others, in this order.
func (t *stream) only(keys string) error {
	all := make([]string, len(t.table))
	for i, c := range t.table {
		all[i] = c.name
	}
	var some []column
	for key := range strings.SplitSeq(keys, ",") {
		i := slices.Index(all, strings.TrimSpace(key))
		switch {
		case i < 0:
			return badRequest("there is no key %q%s", clipped(key), insteadOf(key, all))
		case slices.ContainsFunc(some, func(c column) bool { return c.name == all[i] }):
			return badRequest("key %s is asked for twice", all[i])
		}
		some = append(some, t.table[i])
	}
	t.table, t.some = some, true
	return nil
}

// appendSome appends v, a struct or a pointer to one, as an object with only some of its keys.
func appendSome(dst []byte, table []column, v any) (_ []byte, err error) {
	row := reflect.Indirect(reflect.ValueOf(v))
	for i, c := range table {
		dst = append(append(append(dst, "{,"[min(i, 1)], '"'), c.name...), `":`...)
		if dst, err = AppendJSON(dst, row.FieldByIndex(c.index).Interface()); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// heading puts the names of the columns at the beginning of a stream of CSV.
func (t *stream) heading() (err error) {
	if t.named {
		return nil
	}
	t.named = true
	names := make([]string, len(t.table))
	for i, c := range t.table {
		names[i] = c.name
	}
	t.buf, err = appendCSV(t.buf, names)
	return err
}

// appendRecord appends v, a struct or a pointer to one, as a line of CSV (RFC 4180).
func appendRecord(dst []byte, table []column, v any) ([]byte, error) {
	row := reflect.Indirect(reflect.ValueOf(v))
	cells := make([]string, len(table))
	for i, c := range table {
		text, err := cellOf(row.FieldByIndex(c.index))
		if err != nil {
			return dst, fmt.Errorf("%s: %w", c.name, err)
		}
		cells[i] = text
	}
	return appendCSV(dst, cells)
}

// cellOf returns a value as the text of a cell. What is itself made of parts is JSON.
func cellOf(v reflect.Value) (string, error) {
	switch v.Kind() {
	case reflect.String:
		return defused(v.String()), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	}
	x := v.Interface()
	if m, ok := x.(encoding.TextMarshaler); ok {
		if _, json := x.(json.Marshaler); !json {
			b, err := m.MarshalText()
			return defused(string(b)), err
		}
	}
	b, err := AppendJSON(nil, x)
	if err != nil || bytes.Equal(b, []byte("null")) {
		return "", err
	}
	var s string
	if json.Unmarshal(b, &s) == nil { // a text
		return defused(s), nil
	}
	return defused(string(b)), nil
}

// defused returns text from the network so that neither a spreadsheet takes it for a formula nor a terminal for a command.
func defused(s string) string {
	if strings.ContainsFunc(s, Steers) || !utf8.ValidString(s) {
		var b []byte
		for _, r := range s {
			if Steers(r) {
				b = appendEscape(b, r)
			} else {
				b = utf8.AppendRune(b, r)
			}
		}
		s = string(b)
	}
	if r, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@＝＋－＠", r) {
		return "'" + s
	}
	return s
}

func appendCSV(dst []byte, cells []string) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	w := csv.NewWriter(b)
	if err := w.Write(cells); err != nil {
		return dst, err
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
