package load

import (
	"encoding/binary"
	"strconv"
)

// The DHCP message types that are used here (RFC 2132 §9.6).
const (
	discover = 1
	offer    = 2
	request  = 3
	ack      = 5
	nak      = 6
	release  = 7
)

const (
	fixed    = 240 // the fixed part with the magic cookie (RFC 2131 §2)
	smallest = 300 // RFC 1542 §2.1
	largest  = 320
)

// question is a message to the servers.
type question struct {
	kind   byte
	xid    uint32
	secs   uint16
	client uint32
	relay  uint32
	held   uint32 // ciaddr
	wanted uint32 // option 50
	server uint32 // option 54
	// towards is the server that a client on the link asks alone; 0: everybody.
	towards uint32
	// circuit is the number of the client's circuit (RFC 3046 §3.1), from 1 on; 0: none is said.
	circuit uint32
	// portOfRelay says that the relay does not listen on port 67 (RFC 8357).
	portOfRelay bool
}

var zeros [smallest]byte

// append writes q.
func (q *question) append(b []byte) []byte {
	start := len(b)
	hops := byte(0)
	if q.relay != 0 {
		hops = 1
	}
	b = append(b, 1, 1, 6, hops)
	b = binary.BigEndian.AppendUint32(b, q.xid)
	b = binary.BigEndian.AppendUint16(b, q.secs)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, q.held)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, q.relay)
	b = append(b, 0x02, 0x4c)
	b = binary.BigEndian.AppendUint32(b, q.client)
	b = append(b, zeros[:10+64+128]...) // the rest of chaddr, sname, file
	b = append(b, 99, 130, 83, 99, 53, 1, q.kind)
	if q.wanted != 0 {
		b = binary.BigEndian.AppendUint32(append(b, 50, 4), q.wanted)
	}
	if q.server != 0 {
		b = binary.BigEndian.AppendUint32(append(b, 54, 4), q.server)
	}
	if q.kind != release {
		b = append(b, 55, 7, 1, 3, 6, 15, 28, 12, 2)
	}
	b = q.appendRelayInformation(b)
	b = append(b, 255)
	if n := len(b) - start; n < smallest {
		b = append(b, zeros[:smallest-n]...)
	}
	return b
}

// appendRelayInformation writes option 82, if there is anything to say in it.
func (q *question) appendRelayInformation(b []byte) []byte {
	if q.circuit == 0 && !q.portOfRelay {
		return b
	}
	begin := len(b) + 2
	b = append(b, 82, 0)
	if q.circuit != 0 {
		b = append(b, 1, 0)
		name := len(b)
		b = strconv.AppendUint(append(b, "port-"...), uint64(q.circuit), 10)
		b[name-1] = byte(len(b) - name)
	}
	if q.portOfRelay {
		b = append(b, 19, 0)
	}
	b[begin-1] = byte(len(b) - begin)
	return b
}

// answer is what a server said.
type answer struct {
	kind   byte
	client uint32 // the number in chaddr
	xid    uint32
	addr   uint32 // yiaddr
	server uint32 // option 54
	lease  uint32 // seconds, option 51
}

// readAnswer reads b; false if it is no answer of a DHCP server.
func readAnswer(b []byte) (a answer, ok bool) {
	if len(b) < fixed || b[0] != 2 || binary.BigEndian.Uint32(b[236:]) != 0x63825363 {
		return a, false
	}
	a.client = binary.BigEndian.Uint32(b[30:])
	a.xid, a.addr = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[16:])
	for o := b[fixed:]; len(o) > 0 && o[0] != 255; {
		if o[0] == 0 {
			o = o[1:]
			continue
		}
		if len(o) < 2 || len(o) < 2+int(o[1]) {
			return a, false
		}
		v := o[2 : 2+int(o[1])]
		switch {
		case o[0] == 53 && len(v) == 1:
			a.kind = v[0]
		case o[0] == 54 && len(v) == 4:
			a.server = binary.BigEndian.Uint32(v)
		case o[0] == 51 && len(v) == 4:
			a.lease = binary.BigEndian.Uint32(v)
		}
		o = o[2+len(v):]
	}
	return a, a.kind != 0
}
