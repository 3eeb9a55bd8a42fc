package option

// codec is how the values of one Kind are encoded, checked and decoded.
type codec struct {
	// encode appends what was written.
	encode func(t Type, dst []byte, in Input) ([]byte, *InputError)
	// check reports whether b is exactly one value. It does not allocate.
	check func(t Type, b []byte) error
	// decode returns the value of b, which check has passed.
	decode func(t Type, b []byte) any
	// cut returns how many octets the first value of b has. Nil for kinds of a fixed size and for those that reach to
	// the end of the option.
	cut func(b []byte) (int, error)
	// example is a value as a person may write it.
	example string
	// schema describes what a person may write, as JSON Schema.
	schema func(t Type) map[string]any
}

var codecs [LongTexts + 1]codec

func init() { // the codecs of records and vendor options use other codecs, which a literal may not
	codecs = [...]codec{
		Binary:        {encodeBinary, checkOctets, decodeBinary, nil, `{hex: "0a0b"}`, schemaBinary},
		Bool:          {encodeBool, checkSize, decodeBool, nil, `true`, schemaBool},
		Uint8:         {encodeInt, checkSize, decodeInt, nil, `64`, schemaInt},
		Uint16:        {encodeInt, checkSize, decodeInt, nil, `1500`, schemaInt},
		Uint32:        {encodeInt, checkSize, decodeInt, nil, `3600`, schemaInt},
		Int32:         {encodeInt, checkSize, decodeInt, nil, `-3600`, schemaInt},
		Address:       {encodeAddress, checkSize, decodeAddress, nil, `10.0.0.53`, schemaAddress},
		Text:          {encodeText, checkOctets, decodeText, nil, `"text"`, schemaText},
		Name:          {encodeName, checkName, decodeName, cutName, `host.example.org`, schemaName},
		Empty:         {encodeEmpty, checkEmpty, decodeEmpty, nil, `true`, schemaEmpty},
		Address6:      {encodeAddress, checkSize, decodeAddress, nil, `2001:db8::1`, schemaAddress6},
		Record:        {encodeRecord, checkRecord, decodeRecord, nil, `[1, 2]`, schemaRecord},
		SearchList:    {encodeSearchList, checkSearchList, decodeSearchList, nil, `[example.org, example.com]`, schemaSearchList},
		Routes:        {encodeRoutes, checkRoutes, decodeRoutes, nil, `[{to: 10.0.0.0/8, via: 10.0.0.1}]`, schemaRoutes},
		UserClass:     {encodeUserClass, checkUserClass, decodeUserClass, nil, `[kiosk]`, schemaUserClass},
		ClientFQDN:    {encodeFQDN, checkFQDN, decodeFQDN, nil, `{flags: SE, name: host.example.org}`, schemaFQDN},
		VendorClasses: {encodeVendorClasses, checkVendorClasses, decodeVendorClasses, nil, `{4491: [docsis3.0]}`, schemaVendorClasses},
		VendorOptions: {encodeVendorOptions, checkVendorOptions, decodeVendorOptions, nil, `{4491: {2: 10.9.0.3}}`, schemaVendorOptions},
		SubOptions:    {encodeSubOptions, checkSubOptions, decodeSubOptions, nil, `{1: 10.9.0.3, 2: {uint8: 7}}`, schemaSubOptions},
		SIPServers:    {encodeSIPServers, checkSIPServers, decodeSIPServers, nil, `[10.0.0.60]`, schemaSIPServers},
		Resolvers:     {encodeResolvers, checkResolvers, decodeResolvers, nil, `[{priority: 1, name: dns.example.org, addresses: [10.0.0.53], parameters: {alpn: [dot]}}]`, schemaResolvers},
		AddressLists:  {encodeAddressLists, checkAddressLists, decodeAddressLists, nil, `[[10.0.0.1, 10.0.0.2], [10.0.1.1]]`, schemaAddressLists},
		LongTexts:     {encodeLongTexts, checkLongTexts, decodeLongTexts, nil, `["https://bootstrap.example.org"]`, schemaLongTexts},
	}
}

// example is a value of t as a person may write it.
func (t Type) example() string {
	e := codecs[t.Kind].example
	if t.Kind == Record {
		e = "["
		for i, k := range t.fields() {
			if i > 0 {
				e += ", "
			}
			e += codecs[k].example
		}
		e += "]"
	}
	if t.List {
		return "[" + e + "]"
	}
	return e
}

func (t Type) encode(dst []byte, in Input) ([]byte, *InputError) {
	if !t.List {
		return codecs[t.Kind].encode(t, dst, in)
	}
	items := t.listItems(in)
	if len(items) == 0 && t.Least >= 0 {
		return nil, wrong("leave the option out, or give it a value: "+t.example(), "the list is empty")
	}
	for i, item := range items {
		var err *InputError
		if dst, err = codecs[t.Kind].encode(t, dst, item); err != nil {
			return nil, err.at(Input{Kind: kindOfItems(in, items)}, i)
		}
	}
	return dst, nil
}

// listItems returns the elements of a list. One record may stand for a list of records.
func (t Type) listItems(in Input) []Input {
	if t.Kind == Record && in.Kind == List && len(in.List) == len(t.fields()) && allScalars(in.List) && !splits(in.List[0]) {
		return []Input{in}
	}
	return in.items()
}

func kindOfItems(in Input, items []Input) InputKind {
	if in.Kind == List && len(items) == 1 && len(in.List) != 1 {
		return Scalar // the list stands for its only element
	}
	return in.Kind
}

func allScalars(l []Input) bool {
	for _, in := range l {
		if in.Kind != Scalar {
			return false
		}
	}
	return true
}

func (t Type) check(b []byte) error {
	if !t.List {
		return codecs[t.Kind].check(t, b)
	}
	if len(b) == 0 && t.Least >= 0 {
		return errEmpty
	}
	for len(b) > 0 {
		n, err := t.cut(b)
		if err != nil {
			return err
		}
		if err := codecs[t.Kind].check(t, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (t Type) decode(b []byte) any {
	if !t.List {
		return codecs[t.Kind].decode(t, b)
	}
	list := []any{}
	for len(b) > 0 {
		n, err := t.cut(b)
		if err != nil {
			break
		}
		list = append(list, codecs[t.Kind].decode(t, b[:n]))
		b = b[n:]
	}
	return list
}

// cut returns how many octets the first value of b has.
func (t Type) cut(b []byte) (int, error) {
	if t.Kind == Record {
		return t.cutRecord(b)
	}
	if n := t.Kind.size(); n > 0 {
		if len(b) < n {
			return 0, errMultiple
		}
		return n, nil
	}
	if c := codecs[t.Kind].cut; c != nil {
		return c(b)
	}
	return len(b), nil
}
