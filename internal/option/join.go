package option

// Joins reports whether two values may stand one behind the other as one: those that are lists of whole items.
func (d Def) Joins() bool {
	switch d.Type.Kind {
	case SearchList, Routes, UserClass, VendorClasses, VendorOptions, SubOptions, SIPServers, Resolvers, AddressLists, LongTexts:
		return true
	}
	return d.Type.List
}

// AppendJoined appends the items of first and behind them those of second, as one value of d; where d does not join it
// is second alone. Either may be empty, and counts as a list without items. It allocates nothing but room in dst, which neither may overlap.
//
// Values that Check accepts give one that it accepts. Octets that are no item end their list. dst grows by at most
// twice the length of both, or by 8192 octets where domain names must be written out; items beyond MaxLength are left
// out.
func (d Def) AppendJoined(dst, first, second []byte) []byte {
	if len(first) == 0 || !d.Joins() {
		return append(dst, second...)
	}
	if len(second) == 0 {
		return append(dst, first...)
	}
	j := joint{blocks: blocks{dst: dst}, start: len(dst), most: MaxLength}
	switch d.Type.Kind {
	case SearchList:
		j.names(first, second)
	case SIPServers:
		j.servers(first, second)
	case UserClass:
		j.classes(first)
		j.classes(second)
	case SubOptions:
		j.subs(d.Type, first, second)
	default:
		j.all(items{t: d.Type, rest: first})
		j.all(items{t: d.Type, rest: second})
	}
	return j.dst
}

// joint is a value that grows item by item.
type joint struct {
	blocks
	start   int  // where in dst the value begins
	most    int  // how many octets it may have
	blocked bool // items go into blocks of an enterprise
}

// fits reports whether there is room for n octets more.
func (j *joint) fits(n int) bool { return len(j.dst)-j.start+n <= j.most }

// add appends an item, unless the value would be too long with it.
func (j *joint) add(item []byte) {
	switch {
	case !j.blocked && j.fits(len(item)):
		j.dst = append(j.dst, item...)
	case j.blocked && j.fits(blockHead+len(item)): // a block of its own may be needed
		j.blocks.add(item)
	}
}

func (j *joint) all(from items) {
	for item, ok := from.next(); ok; item, ok = from.next() {
		j.add(item)
	}
}

// names appends the names of lists that may be compressed. They are written out, since a pointer counts from the
// beginning of its own list (RFC 3397 §2), and compression may be left out.
func (j *joint) names(lists ...[]byte) {
	begin := len(j.dst)
	for _, list := range lists {
		for off := 0; off < len(list); {
			was := len(j.dst)
			out, end, err := CutCompressedName(j.dst, list, off)
			if err != nil {
				break
			}
			if j.dst = out; len(out)-begin > maxNames {
				j.dst = out[:was]
				return
			}
			off = end
		}
	}
}

// servers joins SIP servers. One option holds names or addresses, never both (RFC 3361 §3): where the two lists
// disagree it is the addresses, which need no resolver.
func (j *joint) servers(first, second []byte) {
	encoding := max(first[0], second[0])
	j.dst = append(j.dst, encoding)
	for _, b := range [...][]byte{first, second} {
		switch {
		case b[0] != encoding:
		case encoding == sipNames:
			j.names(b[1:])
		default:
			j.all(items{t: addressList, rest: b[1:]})
		}
	}
}

// classes appends user classes. One that is written as it is gets its length, in as many parts as that needs, since
// nothing else could stand beside it (RFC 3004 §4).
func (j *joint) classes(b []byte) {
	if IsCountedUserClass(b) {
		j.all(items{t: Type{Kind: UserClass}, rest: b})
		return
	}
	for len(b) > 0 {
		n := min(len(b), 255)
		if !j.fits(1 + n) {
			return
		}
		j.dst = append(append(j.dst, byte(n)), b[:n]...)
		b = b[n:]
	}
}

// subs joins sub-options; an end (255) of either stands behind all. Where one of them is a vendor's own octets rather
// than sub-options, both are taken for that.
func (j *joint) subs(t Type, first, second []byte) {
	if t.Sub == 0 && (!plainSubs(first) || !plainSubs(second)) {
		j.add(first)
		j.add(second)
		return
	}
	j.most--
	j.all(items{t: t, rest: first})
	j.all(items{t: t, rest: second})
	j.end(t, first, second)
}

// end appends what ends vendor options if one of the values has it.
func (j *joint) end(t Type, values ...[]byte) {
	for _, v := range values {
		if t.Sub == 0 && hasEnd(v) {
			j.dst = append(j.dst, 255)
			return
		}
	}
}

// hasEnd reports whether vendor options that are plain have an end.
func hasEnd(b []byte) bool {
	for {
		_, _, rest, ok := CutSub(b)
		if !ok {
			return len(b) == 1
		}
		b = rest
	}
}

// items walks the items of a value: whole values of a list, routes, blocks, sub-options.
type items struct {
	t    Type
	rest []byte
}

// next returns the next item, false behind the last one or at octets that are none.
func (i *items) next() (item []byte, ok bool) {
	n, err := i.t.cutItem(i.rest)
	if err != nil || n == 0 {
		i.rest = nil
		return nil, false
	}
	item, i.rest = i.rest[:n], i.rest[n:]
	return item, true
}

// cutItem returns how many octets the first item of b has; an error or 0 if there is none.
func (t Type) cutItem(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, errEmpty
	}
	if t.List {
		return t.cut(b)
	}
	switch t.Kind {
	case Routes:
		return cutRoute(b)
	case VendorClasses, VendorOptions:
		return cutBlock(b)
	case SubOptions:
		if t.Sub == 0 && (b[0] == 0 || b[0] == 255) {
			return 0, errBlock
		}
		return cutSub(b)
	case UserClass, AddressLists:
		return cutCounted(b)
	case LongTexts:
		_, rest, ok := cutLong(b)
		if !ok {
			return 0, errBlock
		}
		return len(b) - len(rest), nil
	case Resolvers:
		_, rest, err := cutResolver(b)
		return len(b) - len(rest), err
	}
	return len(b), nil
}
