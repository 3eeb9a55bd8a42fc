package peerwire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// hashes are the buckets of split 128.
var hashes = append(bytes.Repeat([]byte{255}, 16), make([]byte, 16)...)

func connect() Message {
	return Message{
		Type: Connect, Time: noon,
		Has: SetOf(OptRelationship, OptMaxUnacked, OptReceiveTimer, OptVendorClass, OptVersion, OptTLSRequest, OptMCLT, OptBuckets),
		Handshake: Handshake{
			Relationship: []byte("lab-rel"), MaxUnacked: 10, ReceiveTimer: 30 * time.Second, MCLT: time.Minute,
			VendorClass: []byte("isc-4.4.3-P1"), Version: 1, Buckets: hashes,
		},
	}
}

func connectAck() Message {
	m := connect()
	m.Type = ConnectAck
	m.Has = SetOf(OptRelationship, OptMaxUnacked, OptReceiveTimer, OptVendorClass, OptVersion, OptTLSReply)
	m.Handshake.MCLT, m.Handshake.Buckets = 0, nil
	return m
}

// granted is what one says of a lease of ten minutes of which MCLT allows one.
func granted() Update {
	return Update{
		Has:     draftUpdate.Without(OptClientID).Without(OptIPFlags),
		Address: address("10.99.1.13"), Status: Active, Hardware: ethernet,
		Expires: noon.Add(time.Minute), PotentialExpiry: noon.Add(630 * time.Second), Since: noon, CLTT: noon,
	}
}

// written are messages and their octets: those of specification and capture first, then what ISC never said.
var written = []struct {
	name string
	m    Message
	d    Dialect
	want string
}{
	{"CONNECT", connect(), ISC, `006d050c 6b02bdef 00000000 0016 0007 6c61622d72656c 000e 0004 0000000a 0013 0004 0000001e
		001c 000c 6973632d342e342e332d5031 0014 0001 01 001b 0001 00 000f 0004 0000003c
		000b 0020 ffffffffffffffffffffffffffffffff 00000000000000000000000000000000`},
	{"CONNECTACK", connectAck(), ISC, `0041060c 6b02bdef 00000000 0016 0007 6c61622d72656c 000e 0004 0000000a 0013 0004 0000001e
		001c 000c 6973632d342e342e332d5031 0014 0001 01 001a 0001 00`},
	{"CONNECTACK that refuses", Message{
		Type: ConnectAck, Time: noon, Has: SetOf(OptRelationship, OptReason, OptText),
		Handshake: Handshake{Relationship: []byte("lab-rel")}, Reason: InvalidPartner, Text: []byte("who?"),
	}, ISC, `0024060c 6b02bdef 00000000 0016 0007 6c61622d72656c 0015 0001 08 0010 0004 77686f3f`},
	{"STATE", Message{
		Type: State, Time: noon, Has: SetOf(OptServerState, OptServerFlags, OptSince),
		Report: Report{Recover, InStartup, noon},
	}, ISC, `001e0a0c 6b02bdef 00000000 0018 0001 06 0017 0001 01 0019 0004 6b02bdef`},
	{"UPDREQALL", Message{Type: UpdReqAll, Time: noon, XID: 3}, ISC, "000c070c 6b02bdef 00000003"},
	{"UPDREQ", Message{Type: UpdReq, Time: noon, XID: 3}, ISC, "000c090c 6b02bdef 00000003"},
	{"UPDDONE", Message{Type: UpdDone, Time: noon, XID: 3}, ISC, "000c080c 6b02bdef 00000003"},
	{"CONTACT", Message{Type: Contact, Time: noon, XID: 9}, ISC, "000c0b0c 6b02bdef 00000009"},
	{"POOLREQ", Message{Type: PoolReq, Time: noon, XID: 0x34}, ISC, "000c010c 6b02bdef 00000034"},
	{"POOLRESP", Message{Type: PoolResp, Time: noon, XID: 0x34, Has: SetOf(OptTransferred), Transferred: 2}, ISC,
		"0014020c 6b02bdef 00000034 0001 0004 00000002"},
	{"DISCONNECT", Message{Type: Disconnect, Time: noon, XID: 1, Has: SetOf(OptReason, OptText), Reason: TimeMismatch, Text: []byte("late")},
		ISC, "0019 0c0c 6b02bdef 00000001 0015 0001 04 0010 0004 6c617465"},
	{"BNDUPD of an address never used", bndUpd(Update{
		Has: SetOf(OptAddress, OptStatus, OptExpires, OptPotentialExpiry, OptSince), Address: address("10.99.1.10"), Status: Free,
	}), ISC, `0031030c 6b02bdef 00000004 0002 0004 0a63010a 0003 0001 01 000d 0004 00000000 0012 0004 00000000 0019 0004 00000000`},
	{"BNDUPD of a lease", bndUpd(granted()), ISC, `0044030c 6b02bdef 00000004 0002 0004 0a63010d 0003 0001 02
		0005 0007 01020000000001 000d 0004 6b02be2b 0012 0004 6b02c065 0019 0004 6b02bdef 0006 0004 6b02bdef`},
	{"BNDUPD of everything that ISC knows", bndUpd(everyDraftField()), ISC, `0051030c 6b02bdef 00000004 0002 0004 0a63010d 0003 0001 02
		0004 0003 ff0001 0005 0007 01020000000001 000d 0004 6b02be2b 0012 0004 6b02c065 0019 0004 6b02bdef 0006 0004 6b02bdef
		000c 0002 0003`},
	{"BNDACK", bndAck(Ack{Has: SetOf(OptAddress), Address: address("10.99.1.13")}), ISC, "0014040c 6b02bdef 00000004 0002 0004 0a63010d"},
	{"BNDACK that refuses", bndAck(Ack{
		Has: SetOf(OptAddress, OptReason, OptText), Address: address("10.99.1.13"), Reason: LessCriticalInfo, Text: []byte("no"),
	}), ISC, "001f040c 6b02bdef 00000004 0002 0004 0a63010d 0015 0001 10 0010 0002 6e6f"},
	{"BNDUPD of two", bndUpd(
		Update{Has: SetOf(OptAddress, OptStatus), Address: address("10.0.0.1"), Status: Free},
		Update{Has: SetOf(OptAddress, OptStatus), Address: address("10.0.0.2"), Status: Backup},
	), Lessor, "0026030c 6b02bdef 00000004 0002 0004 0a000001 0003 0001 01 0002 0004 0a000002 0003 0001 07"},
	{"BNDACK of two", bndAck(
		Ack{Has: SetOf(OptAddress), Address: address("10.0.0.1")},
		Ack{Has: SetOf(OptAddress, OptReason), Address: address("10.0.0.2"), Reason: FatalConflict},
	), Lessor, "0021040c 6b02bdef 00000004 0002 0004 0a000001 0002 0004 0a000002 0015 0001 02"},
	{"a range", bndUpd(Update{
		Has: SetOf(OptAddress, OptStatus, ExtRangeEnd, ExtSequence), Address: address("10.0.0.1"), Status: Backup,
		Detail: Detail{RangeEnd: address("10.0.255.254"), Sequence: Sequence{3, 258}},
	}), Lessor, `003d030c 6b02bdef 00000004 0002 0004 0a000001 0003 0001 07
		001d 0020 6c737231 0010 0010 00000000000000030000000000000102 8011 0004 0a00fffe`},
}

func bndUpd(u ...Update) Message { return Message{Type: BndUpd, Time: noon, XID: 4, Updates: u} }
func bndAck(a ...Ack) Message    { return Message{Type: BndAck, Time: noon, XID: 4, Acks: a} }

func everyDraftField() Update {
	u := granted()
	u.Has = draftUpdate
	u.ClientID, u.Flags = []byte{255, 0, 1}, Reserved|BOOTP
	return u
}

// everyDetail is a binding with all that a Lessor says.
func everyDetail() Update {
	u := everyDraftField()
	u.Has = places[BndUpd].Without(ExtRangeEnd)
	u.Request, u.Reply = unhex("0c 02 6869"), unhex("01 04 ffffff00")
	u.DDNS = DDNS{5, unhex("02 6869 00")}
	u.Detail = Detail{
		Sequence: Sequence{2, 77}, Starts: noon.Add(-time.Hour), Version: digest(1), Home: []byte("west"), Cause: binding.Renewed,
		RequestHead: unhex("01 00 06 666c6f6f7231 00"), RequestDigest: digest(2),
		ResultHead: unhex("01 00000258 00000000 00 00"), ResultDigest: digest(3), Reasons: []byte("any"), ReasonsDigest: digest(4),
		RequestOwn: unhex("0c 02 6869"), Includes: Sequence{3, 78}, Earlier: unhex("01 020000000002 00 80e5ab96 06 3c"),
	}
	return u
}

// everyExtension is a CONNECT with all that a Lessor says but for the sketches, which are large.
func everyExtension() Message {
	m := connect()
	m.Has = places[Connect].Without(OptDigest).Without(ExtVitalSketch).Without(ExtOtherSketch)
	m.Handshake.VendorClass, m.Handshake.DelayedService = []byte("lessor-1.0"), 3
	m.Handshake.Extended = Extended{
		Member: []byte("west"), Past: Past{digest(5), Sequence{4, 1000}}, Seen: Past{digest(6), Sequence{9, 2000}}, Head: digest(7),
		History: HasHead | Founder, Parts: AppendPart(AppendPart(nil, Part{true, []byte("members"), digest(8), nil}), Part{false, []byte("ranges"), digest(9), []byte("10.0.0.9")}),
		Vital: Sum{1, digest(10)}, Other: Sum{1 << 31, digest(11)},
		Room: Room{65535, 256}, Opening: Opening{4, 12}, SeenOpening: Opening{9, 13}, Acknowledged: Sequence{4, 999},
		Held: Held{time.Hour, binding.Infinite},
	}
	return m
}

func TestMessagesHaveTheseOctets(t *testing.T) {
	for _, c := range written {
		got, err := c.m.Append([]byte("before"), c.d, 0)
		if want := append([]byte("before"), unhex(c.want)...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n%x\n%x", c.name, err, got, want)
		}
		if back := parsed(t, unhex(c.want), c.d); !same(back, &c.m) {
			t.Errorf("%s: %+v\n%+v", c.name, back, c.m)
		}
	}
}

// same reports whether two messages say the same. Only no bindings and no room for bindings look different to reflect.
func same(a, b *Message) bool {
	x, y := *a, *b
	for _, m := range []*Message{&x, &y} {
		if len(m.Updates) == 0 {
			m.Updates = nil
		}
		if len(m.Acks) == 0 {
			m.Acks = nil
		}
	}
	return reflect.DeepEqual(x, y)
}

func TestEverythingThatALessorSaysArrives(t *testing.T) {
	ack := Ack{
		Has: places[BndAck], Address: address("10.0.0.1"), Reason: Miscellaneous, Text: []byte("x"),
		Sequence: Sequence{1, 2}, Wants: WantsResult | WantsReasons,
	}
	for _, m := range []Message{everyExtension(), bndUpd(everyDetail(), granted(), everyDetail()), bndAck(ack, ack)} {
		b, err := m.Append(nil, Lessor, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed(t, b, Lessor); !same(got, &m) {
			t.Errorf("%+v\n%+v", got, m)
		}
	}
}

// Another vendor sees what the draft has, and passes over the rest.
func TestAnotherVendorDoesNotHearWhatIsOurs(t *testing.T) {
	m := bndUpd(everyDetail())
	b, err := m.Append(nil, Lessor, 0)
	if err != nil {
		t.Fatal(err)
	}
	u := parsed(t, b, ISC).Updates[0]
	if u.Fault != nil || u.Has&detail != 0 || !reflect.DeepEqual(u.Detail, Detail{}) || u.Address != m.Updates[0].Address {
		t.Errorf("%+v", u)
	}
	hello := everyExtension()
	if b, err = hello.Append(nil, Lessor, 0); err != nil {
		t.Fatal(err)
	}
	got := parsed(t, b, ISC)
	if !reflect.DeepEqual(got.Handshake.Extended, Extended{}) || !bytes.Equal(got.Handshake.Relationship, []byte("lab-rel")) {
		t.Errorf("%+v", got)
	}
}

func TestToISCNothingIsSaidThatItCannotBear(t *testing.T) {
	m := bndUpd(everyDetail())
	want := bndUpd(everyDraftField())
	got, err := m.Append(nil, ISC, 0)
	if b, _ := want.Append(nil, ISC, 0); err != nil || !bytes.Equal(got, b) {
		t.Errorf("%v: %x; want %x", err, got, b)
	}
	lost := granted()
	lost.Status, lost.Has = Abandoned, lost.Has.With(OptClientID)
	lost.ClientID = []byte{1, 2}
	m = bndUpd(lost)
	b, err := m.Append(nil, ISC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if u := parsed(t, b, ISC).Updates[0]; u.Has.Has(OptHardware) || u.Has.Has(OptClientID) {
		t.Errorf("an abandoned address has a client: %+v", u)
	}
	a := bndAck(Ack{Has: places[BndAck].Without(OptReason).Without(OptText), Address: lost.Address, Wants: WantsResult})
	if b, err = a.Append(nil, ISC, 0); err != nil || len(b) != 20 {
		t.Errorf("an acknowledgement of %d octets, %v", len(b), err)
	}
}

// refused are messages that are not written, and a word of why.
var refused = []struct {
	name string
	d    Dialect
	m    func() Message
	says string
}{
	{"no dialect", 0, func() Message { return Message{Type: Contact} }, "dialect"},
	{"no type", ISC, func() Message { return Message{} }, "type"},
	{"an unknown type", ISC, func() Message { return Message{Type: 13} }, "type"},
	{"status 0", Lessor, func() Message { return bndUpd(Update{Has: SetOf(OptStatus), Address: address("10.0.0.1")}) }, "binding-status"},
	{"status 9", ISC, func() Message { return bndUpd(Update{Has: SetOf(OptStatus), Address: address("10.0.0.1"), Status: 9}) }, "binding-status"},
	{"no status", ISC, func() Message { return bndUpd(Update{Address: address("10.0.0.1"), Status: Free}) }, "binding-status"},
	{"no address", ISC, func() Message { return bndUpd(Update{Has: SetOf(OptStatus), Status: Free}) }, "address"},
	{"an IPv6 address", Lessor, func() Message { return bndUpd(Update{Has: SetOf(OptStatus), Status: Free, Address: address("::1")}) }, "address"},
	{"an active binding of nobody", ISC, func() Message {
		u := granted()
		u.Has = u.Has.Without(OptHardware)
		return bndUpd(u)
	}, "client-hardware-address"},
	{"an active binding without an end", ISC, func() Message {
		u := granted()
		u.Has = u.Has.Without(OptPotentialExpiry)
		return bndUpd(u)
	}, "potential-expiration-time"},
	{"a range to ISC", ISC, func() Message {
		return bndUpd(Update{Has: SetOf(OptStatus, ExtRangeEnd), Status: Free, Address: address("10.0.0.1"), Detail: Detail{RangeEnd: address("10.0.0.2")}})
	}, "range"},
	{"a range backwards", Lessor, func() Message {
		return bndUpd(Update{Has: SetOf(OptStatus, ExtRangeEnd), Status: Free, Address: address("10.0.0.2"), Detail: Detail{RangeEnd: address("10.0.0.1")}})
	}, "range"},
	{"a range without an end", Lessor, func() Message {
		return bndUpd(Update{Has: SetOf(OptStatus, ExtRangeEnd), Status: Free, Address: address("10.0.0.2")})
	}, "range"},
	{"what could not be read", Lessor, func() Message {
		u := granted()
		u.Fault = ErrBadStatus
		return bndUpd(u)
	}, "read"},
	{"an empty client identifier", Lessor, func() Message {
		u := granted()
		u.Has = u.Has.With(OptClientID)
		return bndUpd(u)
	}, "identifier"},
	{"number 0", ISC, func() Message {
		m := bndUpd(granted())
		m.XID = 0
		return m
	}, "number"},
	{"BNDUPD of nothing", ISC, func() Message { return bndUpd() }, "no binding"},
	{"BNDACK of nothing", Lessor, func() Message { return bndAck() }, "no binding"},
	{"updates in a BNDACK", Lessor, func() Message { return Message{Type: BndAck, Updates: []Update{granted()}} }, "updates"},
	{"acknowledgements in a STATE", Lessor, func() Message {
		m := written[3].m
		m.Acks = []Ack{{Address: address("10.0.0.1")}}
		return m
	}, "acknowledges"},
	{"a refusal without a reason", ISC, func() Message { return bndAck(Ack{Has: SetOf(OptReason), Address: address("10.0.0.1")}) }, "reason"},
	{"DISCONNECT without a reason", ISC, func() Message { return Message{Type: Disconnect} }, "reject-reason"},
	{"DISCONNECT with reason 0", ISC, func() Message { return Message{Type: Disconnect, Has: SetOf(OptReason)} }, "reason"},
	{"POOLRESP without a count", ISC, func() Message { return Message{Type: PoolResp} }, "addresses-transferred"},
	{"STATE without a state", ISC, func() Message { return Message{Type: State, Has: SetOf(OptServerFlags, OptSince)} }, "server-state"},
	{"STATE startup", ISC, func() Message { return stateOf(Startup) }, "STARTUP"},
	{"STATE 0", ISC, func() Message { return stateOf(0) }, "unknown"},
	{"STATE 77", Lessor, func() Message { return stateOf(77) }, "unknown"},
	{"CONNECT without a name", ISC, func() Message { return without(connect(), OptRelationship) }, "relationship-name"},
	{"CONNECT without max-unacked", ISC, func() Message { return without(connect(), OptMaxUnacked) }, "max-unacked"},
	{"CONNECT without receive-timer", Lessor, func() Message { return without(connect(), OptReceiveTimer) }, "receive-timer"},
	{"CONNECT without buckets", ISC, func() Message { return without(connect(), OptBuckets) }, "hash-bucket"},
	{"CONNECT without MCLT", ISC, func() Message { return without(connect(), OptMCLT) }, "MCLT"},
	{"CONNECT without TLS-request", ISC, func() Message { return without(connect(), OptTLSRequest) }, "TLS-request"},
	{"CONNECT with an empty name", ISC, func() Message { return handshaking(func(h *Handshake) { h.Relationship = nil }) }, "no name"},
	{"CONNECT with 16 octets of buckets", ISC, func() Message { return handshaking(func(h *Handshake) { h.Buckets = h.Buckets[:16] }) }, "32 octets"},
	{"CONNECT with max-unacked 0", ISC, func() Message { return handshaking(func(h *Handshake) { h.MaxUnacked = 0 }) }, "max-unacked"},
	{"CONNECT with a receive-timer that floods", ISC, func() Message { return handshaking(func(h *Handshake) { h.ReceiveTimer = 2999 * time.Millisecond }) }, "receive-timer"},
	{"CONNECT with a negative MCLT", Lessor, func() Message { return handshaking(func(h *Handshake) { h.MCLT = -1 }) }, "negative"},
	{"CONNECT with an infinite MCLT", Lessor, func() Message { return handshaking(func(h *Handshake) { h.MCLT = binding.Infinite }) }, "beyond"},
	{"CONNECTACK without max-unacked", ISC, func() Message { return without(connectAck(), OptMaxUnacked) }, "max-unacked"},
	{"CONNECTACK that refuses namelessly", ISC, func() Message {
		return Message{Type: ConnectAck, Has: SetOf(OptReason), Reason: InvalidPartner}
	}, "relationship-name"},
}

func stateOf(s ServerState) Message {
	return Message{Type: State, Has: SetOf(OptServerState, OptServerFlags, OptSince), Report: Report{State: s, Since: noon}}
}

func without(m Message, o Option) Message {
	m.Has = m.Has.Without(o)
	return m
}

func handshaking(f func(*Handshake)) Message {
	m := connect()
	f(&m.Handshake)
	return m
}

func TestWhatWouldDoHarmIsNotWritten(t *testing.T) {
	for _, c := range refused {
		m := c.m()
		before := []byte("before")
		got, err := m.Append(before, c.d, 0)
		if err == nil || !strings.Contains(err.Error(), c.says) || string(got) != "before" {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.says)
		}
		if _, ok := err.(*Unsendable); !ok {
			t.Errorf("%s: %T", c.name, err)
		}
	}
}

func TestEveryStateAndStatusIsWrittenAndRead(t *testing.T) {
	for s := range 256 {
		m := stateOf(ServerState(s))
		b, err := m.Append(nil, ISC, 0)
		if want := s >= 2 && s <= 11 || s == 254; (err == nil) != want {
			t.Errorf("state %d: %v", s, err)
		} else if want && parsed(t, b, ISC).Report.State != ServerState(s) {
			t.Errorf("state %d became another", s)
		}
		u := granted()
		u.Status = Status(s)
		m = bndUpd(u)
		b, err = m.Append(nil, ISC, 0)
		if want := s >= 1 && s <= 7; (err == nil) != want {
			t.Errorf("status %d: %v", s, err)
		} else if want && parsed(t, b, ISC).Updates[0].Status != Status(s) {
			t.Errorf("status %d became another", s)
		}
	}
}

func TestStatusAndOwnerAreAState(t *testing.T) {
	for _, c := range []struct {
		wire    Status
		state   binding.State
		primary bool
	}{
		{Free, binding.Free, true}, {Backup, binding.Free, false}, {Active, binding.Active, false}, {Expired, binding.Expired, false},
		{Released, binding.Released, false}, {Abandoned, binding.Abandoned, false}, {Reset, binding.Released, false}, {0, 0, false}, {9, 0, false},
	} {
		if s, p := c.wire.State(); s != c.state || p != c.primary {
			t.Errorf("%v is %v, %v", c.wire, s, p)
		}
		if c.wire == Reset || c.state == 0 {
			continue
		}
		if got := StatusOf(c.state, c.primary); got != c.wire {
			t.Errorf("%v is spelt %v, not %v", c.state, got, c.wire)
		}
		if c.state != binding.Free && StatusOf(c.state, !c.primary) != c.wire {
			t.Errorf("the owner of %v counts", c.state)
		}
	}
	if StatusOf(0, true) != 0 || StatusOf(99, true) != 0 {
		t.Error("what is no state has a status")
	}
}

func TestAnswersEchoTheNumber(t *testing.T) {
	for typ := range Type(14) {
		want := map[Type]bool{PoolResp: true, BndAck: true, ConnectAck: true, UpdDone: true}[typ]
		if typ.IsAnswer() != want {
			t.Errorf("%v", typ)
		}
	}
}
