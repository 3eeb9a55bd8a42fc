package dhcpv4

import (
	"bytes"
	"slices"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/option"
)

func FuzzParse(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.b)
	}
	var m Message
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		err := m.Parse(b)
		if err := soundMessage(&m, b, err); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, before) {
			t.Fatal("Parse has changed what it was given")
		}
	})
}

// script reads options to build from octets: code, two octets of length, and the value repeated from one octet.
func script(b []byte) (opts []opt) {
	for len(b) >= 4 && len(opts) < 300 {
		length := int(b[1])<<2 | int(b[2])&3
		v := make([]byte, length)
		for i := range v {
			v[i] = b[3] + byte(i)
		}
		opts = append(opts, opt{b[0], v})
		b = b[4:]
	}
	return opts
}

// FuzzBuildAndParse: what was built and not omitted is parsed again, octet for octet.
func FuzzBuildAndParse(f *testing.F) {
	f.Add(548, false, false, []byte{1, 1, 9}, []byte{53, 0, 1, 2, 1, 1, 0, 255, 121, 80, 0, 7, 119, 63, 3, 9})
	f.Add(300, true, false, []byte{}, []byte{53, 0, 1, 5, 66, 20, 0, 'a', 67, 30, 0, 'b', 43, 90, 3, 'c'})
	f.Add(1472, false, true, bytes.Repeat([]byte{7}, 300), []byte{53, 0, 1, 5, 0, 1, 1, 1, 255, 1, 1, 1, 52, 1, 1, 1, 82, 1, 1, 1})
	f.Add(576, true, true, bytes.Repeat([]byte{7}, 255), []byte{54, 1, 0, 1, 121, 255, 3, 1, 121, 255, 3, 1})
	var b Builder
	f.Fuzz(func(t *testing.T, room int, bootFile, serverName bool, relay, octets []byte) {
		h := replyHeader
		if bootFile {
			h.BootFile = []byte("pxelinux.0")
		}
		if serverName {
			h.ServerName = []byte("boot")
		}
		room = room & 2047
		b.Begin(nil, &h, room)
		want, typed := map[uint8][]byte{}, false
		for _, o := range script(octets) {
			if o.code == 53 { // the parser is right to refuse other values
				o.value, typed = []byte{5}, true
			}
			if o.code == 61 && len(o.value) > 255 {
				o.value = o.value[:255]
			}
			b.Add(o.code, o.value)
			if _, twice := want[o.code]; !twice {
				want[o.code] = o.value
			}
		}
		msg, omitted := b.Finish(relay)
		if len(msg) > max(room, MinSize) || len(msg) < MinSize {
			t.Fatalf("%d octets where there is room for %d", len(msg), room)
		}
		checkBuilt(t, msg, omitted, want, relay)
		if typed && parsed(t, msg).Type() != Ack && !slices.Contains(omitted, 53) {
			t.Fatal("the type is lost")
		}
		if bootFile && string(parsed(t, msg).BootFile()) != "pxelinux.0" || serverName && string(parsed(t, msg).ServerName()) != "boot" {
			t.Fatal("a field is overwritten")
		}
	})
}

func checkBuilt(t *testing.T, msg []byte, omitted []uint8, want map[uint8][]byte, relay []byte) {
	m := parsed(t, msg)
	for _, c := range []uint8{0, 52, 82, 255} {
		delete(want, c)
	}
	if len(relay) > 0 {
		want[82] = relay
	}
	for _, c := range m.Codes() {
		if v, _ := m.Option(uint16(c)); !bytes.Equal(v, want[c]) {
			t.Fatalf("option %d is %x; want %x", c, v, want[c])
		}
	}
	for c := range want {
		_, ok := m.Option(uint16(c))
		if c != 82 && ok == slices.Contains(omitted, c) || c == 82 && !ok && !slices.Contains(omitted, c) {
			t.Fatalf("option %d: there %v, omitted %v", c, ok, omitted)
		}
	}
	if v, ok := m.Option(82); ok && len(v) <= 255 && !bytes.HasSuffix(bytes.TrimRight(msg[atOptions:], "\x00"), append(append([]byte{82, byte(len(v))}, v...), option.CodeEnd)) {
		t.Fatalf("option 82 is not the last: %x", msg[atOptions:])
	}
}

func FuzzNested(f *testing.F) {
	for _, s := range []string{"", "01", "0109", "010161 0200 010162", "0000118b 05 02030a0903", "0000118b 02 0161 0000118b 00", "05616263646504", "0401", "69505845", "0000000100", "05ffff0161016200", "0400000161", "000000612e62"} {
		f.Add(unhex(s), uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, code uint8) {
		if v, ok := SubOption(b, code); ok && !bytes.Contains(b, append([]byte{code, byte(len(v))}, v...)) {
			t.Fatalf("sub-option %d of %x is %x", code, b, v)
		}
		checkUserClasses(t, b)
		checkVendor(t, b)
		checkFQDN(t, b)
	})
}

// checkUserClasses: the classes are all that was sent, with or without their lengths.
func checkUserClasses(t *testing.T, b []byte) {
	var plain, counted []byte
	w := UserClassesOf(b)
	for v, ok := w.Next(); ok; v, ok = w.Next() {
		plain = append(plain, v...)
		counted = append(append(counted, byte(len(v))), v...)
	}
	if !bytes.Equal(plain, b) && !bytes.Equal(counted, b) {
		t.Fatalf("classes of %x: %x, with lengths %x", b, plain, counted)
	}
}

// checkVendor: what the walks of one enterprise find together is what its blocks hold, up to the first octet that fits
// no more.
func checkVendor(t *testing.T, b []byte) {
	e := EnterprisesOf(b)
	for number, data, ok := e.Next(); ok; number, data, ok = e.Next() {
		classes, options, found := VendorClassesOf(b, number), VendorOptionsOf(b, number), 0
		for v, ok := classes.Next(); ok; v, ok = classes.Next() {
			found += 1 + len(v)
		}
		for _, v, ok := options.Next(); ok; _, v, ok = options.Next() {
			found += 2 + len(v)
		}
		if found > 2*len(b) {
			t.Fatalf("%d octets found in %x (%x)", found, b, data)
		}
	}
}

func checkFQDN(t *testing.T, b []byte) {
	name, ok := ParseFQDN(b)
	if !ok {
		return
	}
	text := name.AppendName(nil)
	if bytes.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		t.Fatalf("%x is named %q", b, text)
	}
	for _, u := range []Updates{NoUpdates, UpdatesAsAsked} {
		answer := name.AppendAnswer(nil, u, []byte("corp.example"))
		again, ok := ParseFQDN(answer)
		if !ok || !bytes.HasPrefix(bytes.TrimSuffix(again.AppendName(nil), []byte(".")), bytes.TrimSuffix(text, []byte("."))) {
			t.Fatalf("%x was answered with %x", b, answer)
		}
		s, o, n := again.Flags()&1, again.Flags()>>1&1, again.Flags()>>3&1
		if o != s^b[0]&1 || s&n == 1 || again.Flags()&option.FQDNWire != name.Flags()&option.FQDNWire {
			t.Fatalf("flags %#x were answered with %#x", name.Flags(), again.Flags())
		}
	}
}
