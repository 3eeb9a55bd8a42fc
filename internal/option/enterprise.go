package option

import (
	"encoding/binary"
	"strconv"
)

// maxBlock is the most octets that one enterprise's block can have (RFC 3925 §3, §4: a length of one octet).
const maxBlock = 255

// blockHead is how many octets stand before a block's data: the enterprise's number and the length.
const blockHead = 5

func checkVendorClasses(_ Type, b []byte) error {
	return eachBlock(b, func(data []byte) error {
		for len(data) > 0 {
			_, rest, ok := CutCounted(data)
			if !ok {
				return errBlock
			}
			data = rest
		}
		return nil
	})
}

func checkVendorOptions(_ Type, b []byte) error {
	return eachBlock(b, func(data []byte) error { return checkSubs(data, false) })
}

func eachBlock(b []byte, check func([]byte) error) error {
	if len(b) == 0 {
		return errEmpty
	}
	for len(b) > 0 {
		_, data, rest, ok := CutEnterprise(b)
		if !ok {
			return errBlock
		}
		if err := check(data); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// decodeVendorClasses joins the blocks of one enterprise.
func decodeVendorClasses(_ Type, b []byte) any {
	m := map[string]any{}
	for {
		number, data, rest, ok := CutEnterprise(b)
		if !ok {
			return m
		}
		name := strconv.FormatUint(uint64(number), 10)
		list, _ := m[name].([]any)
		if list == nil {
			list = []any{}
		}
		for v, more, ok := CutCounted(data); ok; v, more, ok = CutCounted(more) {
			list = append(list, innerValue(v))
		}
		m[name], b = list, rest
	}
}

// decodeVendorOptions shows the octets where a vendor numbered an option 0 or 255, since RFC 3925 §4 wants the syntax of
// RFC 2132, where these are pad and end, and so nobody may write them; also where the parts of one are too long together.
func decodeVendorOptions(_ Type, b []byte) any {
	whole := b
	joined := map[uint32]map[uint8][]byte{}
	for {
		number, data, rest, ok := CutEnterprise(b)
		if !ok {
			break
		}
		if joined[number] == nil {
			joined[number] = map[uint8][]byte{}
		}
		joinSubs(joined[number], data)
		b = rest
	}
	m := make(map[string]any, len(joined))
	for number, subs := range joined {
		_, pad := subs[0]
		if _, end := subs[255]; pad || end || !fit(subs, maxBlock-2) {
			return hexValue(whole)
		}
		m[strconv.FormatUint(uint64(number), 10)] = subsValue(0, subs)
	}
	return m
}

// blocks appends the parts of one enterprise's data, in as many blocks as they need.
type blocks struct {
	dst    []byte
	number uint32
	length int // where in dst the length of the open block stands; 0: none is open
}

func (b *blocks) begin() {
	b.dst = binary.BigEndian.AppendUint32(b.dst, b.number)
	b.length = len(b.dst)
	b.dst = append(b.dst, 0)
}

func (b *blocks) add(part []byte) {
	if b.length == 0 || len(b.dst)-b.length-1+len(part) > maxBlock {
		b.begin()
	}
	b.dst = append(b.dst, part...)
	b.dst[b.length] = byte(len(b.dst) - b.length - 1)
}

// encodeBlocks appends what each enterprise's entry holds, which parts cuts into runs of at most maxBlock octets.
func encodeBlocks(t Type, dst []byte, in Input, parts func(Input, func([]byte)) *InputError) ([]byte, *InputError) {
	if in.Kind != Map || len(in.Map) == 0 {
		return nil, wrong("write "+t.example(), "%s stands where values by enterprise number belong", in.brief())
	}
	for i, e := range in.Map {
		n, err := strconv.ParseUint(e.Key, 10, 32)
		if err != nil {
			return nil, &InputError{Path: []int{i}, OnKey: true, Reason: Input{Kind: Scalar, Scalar: e.Key}.brief() + " is not an enterprise number", Remedy: "write the number that IANA gave the vendor, as in " + t.example()}
		}
		b := blocks{dst: dst, number: uint32(n)}
		if bad := parts(e.Value, b.add); bad != nil {
			return nil, bad.under(i)
		}
		if b.length == 0 {
			b.begin()
		}
		dst = b.dst
	}
	return dst, nil
}

func encodeVendorClasses(t Type, dst []byte, in Input) ([]byte, *InputError) {
	return encodeBlocks(t, dst, in, func(v Input, add func([]byte)) *InputError {
		for i, item := range v.items() {
			b, err := encodeItem(item)
			if err == nil && len(b) >= maxBlock {
				err = wrong("shorten it", "the value has %d octets, and there is room for %d", len(b), maxBlock-1)
			}
			if err != nil {
				return err.at(v, i)
			}
			add(append([]byte{byte(len(b))}, b...))
		}
		return nil
	})
}

func encodeVendorOptions(t Type, dst []byte, in Input) ([]byte, *InputError) {
	return encodeBlocks(t, dst, in, func(v Input, add func([]byte)) *InputError {
		if v.Kind == Map && len(v.Map) == 0 {
			return nil
		}
		b, err := encodeSubs(0, nil, v, maxBlock-2, 1)
		if err != nil {
			return err
		}
		for len(b) > 0 {
			n := 2 + int(b[1])
			add(b[:n])
			b = b[n:]
		}
		return nil
	})
}
