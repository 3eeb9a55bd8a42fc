package option

import "strings"

// splits reports whether a scalar holds several fields of a record: "10.0.0.0 10.0.0.1" or "1, 2".
func splits(in Input) bool { return in.Kind == Scalar && strings.ContainsAny(in.Scalar, ", ") }

// recordFields returns a record's fields as they were written: a list, or one line with commas or spaces.
func recordFields(t Type, in Input) []Input {
	if in.Kind == List {
		return in.List
	}
	f := t.fields()
	if in.Kind != Scalar || len(f) == 1 {
		return []Input{in}
	}
	words := strings.FieldsFunc(in.Scalar, func(r rune) bool { return r == ',' || r == ' ' })
	if last := f[len(f)-1]; last == Text && len(words) > len(f) { // only the first fields are words
		words = splitN(in.Scalar, len(f))
	}
	items := make([]Input, len(words))
	for i, w := range words {
		items[i] = Input{Kind: Scalar, Scalar: w}
	}
	return items
}

func splitN(s string, n int) []string {
	var words []string
	for ; n > 1; n-- {
		s = strings.TrimLeft(s, ", ")
		i := strings.IndexAny(s, ", ")
		if i < 0 {
			break
		}
		words, s = append(words, s[:i]), s[i:]
	}
	return append(words, strings.TrimLeft(s, ", "))
}

func encodeRecord(t Type, dst []byte, in Input) ([]byte, *InputError) {
	f, items := t.fields(), recordFields(t, in)
	if len(items) < len(f) || len(items) > len(f) && !t.Tail {
		one := t
		one.List = false
		return nil, wrong("write "+one.example(), "%d values stand where %d belong", len(items), len(f))
	}
	for i, item := range items {
		k := f[min(i, len(f)-1)]
		var err *InputError
		if dst, err = codecs[k].encode(fieldType(k), dst, item); err != nil {
			return nil, err.at(in, i)
		}
	}
	return dst, nil
}

// cutRecord returns how many octets the first record of b has.
func (t Type) cutRecord(b []byte) (int, error) {
	n := 0
	for _, k := range t.fields() {
		if Type.openEnded(Type{Kind: k}) {
			return len(b), nil
		}
		m, err := Type{Kind: k}.cut(b[n:])
		if err != nil {
			return 0, err
		}
		n += m
	}
	if t.Tail {
		return len(b), nil
	}
	return n, nil
}

func checkRecord(t Type, b []byte) error {
	return t.eachField(b, nil)
}

func decodeRecord(t Type, b []byte) any {
	list := []any{}
	_ = t.eachField(b, &list) // check has passed
	return list
}

// eachField checks the fields of b, and appends their values to list unless it is nil.
func (t Type) eachField(b []byte, list *[]any) error {
	f := t.fields()
	for i := 0; i < len(f) || t.Tail && len(b) > 0; i++ {
		ft := fieldType(f[min(i, len(f)-1)])
		if len(b) == 0 && ft.Least >= 0 {
			return errShort
		}
		n, err := ft.cut(b)
		if err != nil {
			return err
		}
		if n > 0 {
			if err := codecs[ft.Kind].check(ft, b[:n]); err != nil {
				return err
			}
		}
		if list != nil {
			*list = append(*list, codecs[ft.Kind].decode(ft, b[:n]))
		}
		b = b[n:]
	}
	if len(b) > 0 {
		return errLength
	}
	return nil
}

// fieldType returns the type of one field. A text or octets may be empty there (RFC 6926 §6.2.2: a status message;
// RFC 6607 §3.2: a VSS type without data).
func fieldType(k Kind) Type {
	if k == Text || k == Binary {
		return Type{Kind: k, Least: -1}
	}
	return Type{Kind: k}
}
