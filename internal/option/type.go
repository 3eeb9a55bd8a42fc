package option

import (
	"fmt"
	"strings"
)

// Kind is how one value is written and encoded. The zero value is invalid.
type Kind uint8

const (
	_ Kind = iota

	// What a document may define its own options with.

	Binary  // octets whose meaning is not known here
	Bool    // one octet, 0 or 1
	Uint8   // one octet
	Uint16  // two octets, network order
	Uint32  // four octets, network order
	Int32   // four octets, network order, two's complement
	Address // an IPv4 address
	Text    // characters; never empty, no terminating zero
	Name    // a domain name as labels, uncompressed (RFC 1035 §3.1)

	// What only the standard options are made of.

	Empty         // no octets: the option's presence is its value
	Address6      // an IPv6 address
	Record        // several fields, one after another
	SearchList    // domain names with compression (RFC 3397)
	Routes        // classless static routes (RFC 3442)
	UserClass     // user classes, each with its length (RFC 3004)
	ClientFQDN    // flags and a name (RFC 4702)
	VendorClasses // by enterprise number, opaque data (RFC 3925 §3)
	VendorOptions // by enterprise number, options (RFC 3925 §4)
	SubOptions    // code, length, value (RFC 2132 §8.4, RFC 3046)
	SIPServers    // addresses or names (RFC 3361)
	Resolvers     // encrypted DNS resolvers (RFC 9463)
	AddressLists  // lists of addresses, each with its length (RFC 7291)
	LongTexts     // texts, each with a length of two octets (RFC 8572 §8.3)
)

var kindNames = [...]string{
	Binary: "binary", Bool: "bool", Uint8: "uint8", Uint16: "uint16", Uint32: "uint32", Int32: "int32",
	Address: "ipv4-address", Text: "string", Name: "fqdn", Empty: "empty", Address6: "ipv6-address",
	Record: "record", SearchList: "domain-list", Routes: "classless-routes", UserClass: "user-class",
	ClientFQDN: "client-fqdn", VendorClasses: "vendor-classes", VendorOptions: "vendor-options",
	SubOptions: "sub-options", SIPServers: "sip-servers", Resolvers: "encrypted-resolvers",
	AddressLists: "address-lists", LongTexts: "string-list",
}

// String returns the kind as a document spells it.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "invalid"
}

// size returns how many octets every value of k has, 0 if that depends on the value.
func (k Kind) size() int {
	switch k {
	case Bool, Uint8:
		return 1
	case Uint16:
		return 2
	case Uint32, Int32, Address:
		return 4
	case Address6:
		return 16
	}
	return 0
}

// MaxFields is the most fields that a record may have.
const MaxFields = 8

// Type is what values an option takes. It is a comparable value; the zero Type is invalid.
type Type struct {
	Kind Kind
	// List says that there are one or more values of Kind, one after another.
	List bool
	// Fields are the kinds of a Record's fields, up to the first that is 0.
	Fields [MaxFields]Kind
	// Tail says that the last field of a Record may stand once or more often.
	Tail bool
	// Least and Most bound what may be written: a number, or the octets of Binary and Text. Both 0: no bound but the
	// kind's own. What arrives from the network is not held to the bounds of a number.
	Least, Most int64
	// Sub is whose names the sub-options have; 0 if they have only numbers.
	Sub Space
}

func (t Type) fields() []Kind {
	for i, k := range t.Fields {
		if k == 0 {
			return t.Fields[:i]
		}
	}
	return t.Fields[:]
}

// String returns the type as a document spells it: uint8, [ipv4-address], {record: [uint8, string]}.
func (t Type) String() string {
	s := t.Kind.String()
	if t.Kind == Record {
		var f []string
		for _, k := range t.fields() {
			f = append(f, k.String())
		}
		s = "{record: [" + strings.Join(f, ", ") + "]}"
	}
	if t.List {
		s = "[" + s + "]"
	}
	return s
}

// ParseType returns the type that a document's option definition spells: the name of a kind, a list of one type, or
// {record: [KIND, ...]}. The error is an *InputError.
func ParseType(in Input) (Type, error) {
	t, err := parseType(in)
	if err != nil {
		return Type{}, err
	}
	return t, nil
}

const typeRemedy = "write one of uint8, uint16, uint32, int32, bool, string, binary, ipv4-address, fqdn; [TYPE] for a list; {record: [TYPE, TYPE]} for several fields"

func parseType(in Input) (Type, *InputError) {
	switch in.Kind {
	case Scalar:
		k, err := parseKind(in)
		return Type{Kind: k}, err
	case List:
		if len(in.List) != 1 {
			return Type{}, &InputError{Reason: "the type of a list names one type in brackets", Remedy: "write [ipv4-address]"}
		}
		t, err := parseType(in.List[0])
		if err != nil {
			return t, err.under(0)
		}
		if t.List || t.openEnded() {
			return t, &InputError{Path: []int{0}, Reason: fmt.Sprintf("a list of %v has no ends between its values", t), Remedy: "leave the brackets out"}
		}
		t.List = true
		return t, nil
	case Map:
		if len(in.Map) == 1 && in.Map[0].Key == "record" {
			t, err := parseRecord(in.Map[0].Value)
			if err != nil {
				err = err.under(0)
			}
			return t, err
		}
	}
	return Type{}, &InputError{Reason: "this is not the type of an option", Remedy: typeRemedy}
}

func parseKind(in Input) (Kind, *InputError) {
	for k := Binary; k <= Name; k++ {
		if in.Kind == Scalar && in.Scalar == kindNames[k] {
			return k, nil
		}
	}
	return 0, &InputError{Reason: fmt.Sprintf("%s is not the type of an option", in.brief()), Remedy: typeRemedy}
}

func parseRecord(in Input) (Type, *InputError) {
	if in.Kind != List || len(in.List) == 0 || len(in.List) > MaxFields {
		return Type{}, &InputError{Reason: fmt.Sprintf("a record has a list of 1 to %d fields", MaxFields), Remedy: "write {record: [uint8, ipv4-address]}"}
	}
	t := Type{Kind: Record}
	for i, f := range in.List {
		k, err := parseKind(f)
		if err != nil {
			return t, err.under(i)
		}
		if i < len(in.List)-1 && (k == Binary || k == Text) {
			return t, &InputError{Path: []int{i}, Reason: fmt.Sprintf("a field of type %v has no end", k), Remedy: "let it be the last field"}
		}
		t.Fields[i] = k
	}
	return t, nil
}

// openEnded reports whether a value of t reaches to the end of the option, so that nothing can follow it.
func (t Type) openEnded() bool {
	switch t.Kind {
	case Binary, Text, Empty, SearchList, Routes, UserClass, ClientFQDN, VendorClasses, VendorOptions, SubOptions,
		SIPServers, Resolvers, AddressLists, LongTexts:
		return true
	case Record:
		f := t.fields()
		return t.Tail || Type{Kind: f[len(f)-1]}.openEnded()
	}
	return false
}
