package load

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// onesComplement adds 16-bit words the slow way.
func onesComplement(b []byte) uint16 {
	s := uint32(0)
	for i, x := range b {
		if i%2 == 0 {
			s += uint32(x) << 8
		} else {
			s += uint32(x)
		}
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func TestFramesHaveTheHeadersOfTheRFCs(t *testing.T) {
	for length := 1; length < 40; length++ {
		message := bytes.Repeat([]byte{0xfe, 7, 1}, length)[:length]
		f := append(make([]byte, headers), message...)
		for i := range headers {
			f[i] = 0xee // whatever was there before
		}
		putHeaders(f[:headers], everybody, hardware(0x01020304), 0x0a000101, 0xffffffff, 7, message)
		if got := hex.EncodeToString(f[:14]); got != "ffffffffffff024c010203040800" {
			t.Fatalf("Ethernet %s", got)
		}
		ip, udp := f[14:34], f[34:]
		if onesComplement(ip) != 0xffff || int(binary.BigEndian.Uint16(ip[2:])) != len(f)-14 {
			t.Fatalf("IPv4 %x", ip)
		}
		if got := hex.EncodeToString(udp[:4]); got != "00440043" || int(binary.BigEndian.Uint16(udp[4:])) != len(udp) {
			t.Fatalf("UDP %x", udp[:8])
		}
		pseudo := append(append(bytes.Clone(ip[12:20]), 0, 17, 0, byte(len(udp))), udp...)
		if onesComplement(pseudo) != 0xffff {
			t.Fatalf("checksum of %d octets: %x", length, udp)
		}
	}
}

// fromServer is a frame of a server to the client of the message.
func fromServer(message []byte) []byte {
	f := append(make([]byte, headers), message...)
	putHeaders(f[:headers], hardware(1), [6]byte{2, 0, 0, 0, 0, 9}, 0x0a000002, 0x0a100001, 1, message)
	binary.BigEndian.PutUint16(f[34:], serverPort)
	binary.BigEndian.PutUint16(f[36:], clientPort)
	return f
}

func TestOnlyWhatAServerSaysToAClientIsHeard(t *testing.T) {
	message := writeAnswer(asked{xid: 7}, answer{kind: ack, addr: 1})
	copy(message[28:], []byte{2, 0x4c, 0, 0, 0, 1})
	good := fromServer(message)
	if got, from, ok := messageIn(append(bytes.Clone(good), 0, 0, 0)); !ok || from != 0x0a000002 || !bytes.Equal(got, message) {
		t.Fatalf("%x from %x, %v", got, from, ok)
	}
	for name, change := range map[string]func([]byte) []byte{
		"cut short":        func(f []byte) []byte { return f[:len(f)-1] },
		"IPv6":             func(f []byte) []byte { f[12] = 0x86; return f },
		"TCP":              func(f []byte) []byte { f[23] = 6; return f },
		"a fragment":       func(f []byte) []byte { f[20] = 0x20; return f },
		"another port":     func(f []byte) []byte { f[37]++; return f },
		"no DHCP":          func(f []byte) []byte { return fromServer([]byte("hello")) },
		"somebody else's":  func(f []byte) []byte { f[headers+29]++; return f },
		"a long IP header": func(f []byte) []byte { f[14] = 0x4f; return f },
		"nothing":          func(f []byte) []byte { return nil },
	} {
		if _, _, ok := messageIn(change(bytes.Clone(good))); ok {
			t.Errorf("%s is heard", name)
		}
	}
}

func TestClientsAnswerForTheirAddress(t *testing.T) {
	question, _ := hex.DecodeString("ffffffffffff" + "020000000009" + "0806" + "0001080006040001" + "020000000009" + "0a000002" + "000000000000" + "0a100001")
	addr, ok := askedFor(question)
	if !ok || addr != 0x0a100001 {
		t.Fatalf("asked for %x, %v", addr, ok)
	}
	want := "020000000009" + "024c00000005" + "0806" + "0001080006040002" + "024c00000005" + "0a100001" + "020000000009" + "0a000002"
	if got := hex.EncodeToString(arpReply(nil, question, hardware(5))); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	question[21] = 2
	if _, ok := askedFor(question); ok {
		t.Error("an answer is taken for a question")
	}
	if _, ok := askedFor(question[:30]); ok {
		t.Error("half a question is taken for one")
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(fromServer(writeAnswer(asked{xid: 7}, answer{kind: ack, addr: 1, lease: 2})))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		if m, _, ok := messageIn(b); ok && len(m) < fixed {
			t.Errorf("%d octets", len(m))
		}
		if _, ok := askedFor(b); ok {
			arpReply(nil, b, hardware(1))
		}
		if !bytes.Equal(before, b) {
			t.Error("changed what it read")
		}
	})
}
