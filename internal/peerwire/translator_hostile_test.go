package peerwire

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// hostileBindings are bindings that the codec can read and the translator refuses.
var hostileBindings = []struct {
	name, extensions, options string
	fault                     *Malformed
}{
	{"an epoch beyond 2^24", "0010 0010 0000000001000000 0000000000000001", "", ErrSequence},
	{"a number beyond 2^40", "001e 0010 0000000000000001 0000010000000000", "", ErrSequence},
	{"reasons of another name", "001b 0010 00000000000000000000000000000000 001a 0003 616e79", "", ErrDigest},
	{"a request of another name", "0017 0010 00000000000000000000000000000000 0016 0004 01000000", "0008 0000", ErrDigest},
	{"a request without a head", "0017 0010 00000000000000000000000000000000 0016 0000", "0008 0000", ErrVendorData},
	{"a result whose head has no end", "0018 000b 01000002580000000000ff", "0007 0003 0c0101", ErrVendorData},
	{"a result whose head ends in its options", "0018 000a 01000002580000000000", "0007 0003 0c0101", ErrVendorData},
	{"options out of order", "0018 000b 0100000258000000000000", "0007 0006 0c0000 010000", ErrOptions},
	{"the end among options", "001d 0002 ff00", "", ErrOptions},
	{"own options cut short", "001d 0002 0c05", "", ErrOptions},
	{"own options beyond what is kept", "001d 04bb" + strings.Repeat("0cff"+strings.Repeat("00", 255), 4) + "0cb5" + strings.Repeat("00", 181), "", ErrOptions},
	{"a record beyond what is kept", "001a 4001" + strings.Repeat("00", 0x4001), "", ErrOptions},
	{"a name that is none", "0014 0100" + strings.Repeat("61", 256), "", ErrVendorData},
}

// hostileMessages are messages that the codec can read and the translator refuses.
var hostileMessages = []struct {
	name string
	b    []byte
	want *Malformed
}{
	{"31 octets of buckets", message(Connect, "0016 0001 61 000b 001f"+strings.Repeat("00", 31)), ErrBuckets},
	{"a past that nobody has", message(ConnectAck, "0016 0001 61 001d 0028 6c737231 0002 0020"+strings.Repeat("ff", 32)), ErrSequence},
	{"a code of no message", message(13, ""), ErrUnknownType},
}

func TestABindingThatCannotBeReadIsAnsweredAndTheRestGoesOn(t *testing.T) {
	for _, c := range hostileBindings {
		bad := "0002 0004 0a000002 0003 0001 02" + c.options + vendor(c.extensions)
		msg := message(BndUpd, "0002 0004 0a000001 0003 0001 01"+bad+"0002 0004 0a000003 0003 0001 07")
		p := newPair(Lessor)
		got := arriveAt7(t, p, msg)
		if u := got.Message.(failover.BindingUpdate).Updates; len(u) != 2 || u[0].Binding.Owner != "west" || u[1].Binding.Owner != "east" {
			t.Errorf("%s: %+v arrives", c.name, u)
		}
		f := p.east.Refused()
		if len(f) != 1 || f[0].Text != c.fault.Error() || f[0].Prefix.String() != "10.0.0.2/32" || f[0].Reason != failover.Miscellaneous {
			t.Errorf("%s: refused are %+v", c.name, f)
			continue
		}
		answers := arrive(t, p.west, p.wests, p.east.Pending(nil, noon))
		if len(answers) != 1 || answers[0].ID != 7 {
			t.Fatalf("%s: it is answered by %+v", c.name, answers)
		}
		if a := answers[0].Message.(failover.BindingAck).Acks; len(a) != 1 || a[0] != f[0] {
			t.Errorf("%s: the answer is %+v", c.name, a)
		}
		if b := p.east.Pending(nil, noon); b != nil {
			t.Errorf("%s: it is answered twice", c.name)
		}
	}
}

func arriveAt7(t *testing.T, p *pair, msg []byte) failover.Received {
	t.Helper()
	got := arrive(t, p.east, p.easts, msg)
	if len(got) != 1 || got[0].ID != 7 {
		t.Fatalf("%+v arrives", got)
	}
	return got[0]
}

func TestAMessageThatCannotBeReadClosesTheConnection(t *testing.T) {
	for _, c := range hostileMessages {
		p := newPair(Lessor)
		var r failover.Received
		if err := p.east.Parse(c.b, p.easts, &r); err != error(c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestTextOfThePartnerChangesNoTerminal(t *testing.T) {
	for _, c := range [][2]string{
		{"\x1b[2mquiet\r\n", "?[2mquiet??"}, {"caf\u00e9 \xff", "caf\u00e9 ?"}, {"", ""}, {strings.Repeat("x", 300), strings.Repeat("x", 255)},
		{strings.Repeat("x", 254) + "\u00e9", strings.Repeat("x", 254) + "?"}, {"\u202eback", "?back"},
	} {
		if got := words([]byte(c[0])); got != c[1] {
			t.Errorf("%q is shown as %q", c[0], got)
		}
	}
}

// checkTranslator wants whatever arrives to be bounded and answerable.
func checkTranslator(t *testing.T, p *pair, b []byte) {
	t.Helper()
	for _, x := range []*Translator{p.east, p.west} {
		var r failover.Received
		err := x.Parse(b, p.easts, &r)
		var no *Malformed
		if err != nil && !errors.As(err, &no) {
			t.Fatalf("%v is in no closed set", err)
		}
		if err == nil && r.Message == nil {
			t.Fatalf("nothing is said by %x", b)
		}
		if u, ok := r.Message.(failover.BindingUpdate); ok {
			for i := range u.Updates {
				checkHeard(t, &u.Updates[i])
			}
			if e := r.Envelope; err == nil && e.ID != 0 {
				checkSaidAgain(t, x, &e, r)
			}
		}
		out := x.Pending(nil, noon)
		for _, m := range split(t, out) {
			var back Message
			if err := back.Parse(m, x.setup.Dialect); err != nil {
				t.Fatalf("%v: what is answered cannot be read: %x", err, m)
			}
			if x.setup.Dialect == ISC && iscReads(m) != nil {
				t.Fatalf("%v: what is answered is not borne: %x", iscReads(m), m)
			}
		}
		for x.Unsaid(&r) {
		}
		if len(x.said.slots) > MaxRecords+1 || len(x.heard.slots) > MaxRecords+1 || len(x.flights.slots) > maxFlights || len(x.names) > maxNames {
			t.Fatal("more is remembered than there is room for")
		}
	}
}

func checkHeard(t *testing.T, u *failover.Update) {
	t.Helper()
	b := &u.Binding
	if !b.Prefix.IsValid() || b.State < binding.Free || b.State > binding.Abandoned || (b.State == binding.Free) != (b.Owner != "") ||
		len(b.Facts.Own) > binding.MaxFacts || len(b.Home) > maxName || b.Cause > binding.ToldOlder {
		t.Fatalf("%+v was heard", u)
	}
	for _, r := range []*binding.Blob{b.Facts.Shared, b.Result, b.Reasons} {
		if r != nil && len(r.Bytes) > maxRecord {
			t.Fatalf("a record of %d octets was heard", len(r.Bytes))
		}
	}
}

// checkSaidAgain says what was heard to somebody who never heard anything.
func checkSaidAgain(t *testing.T, x *Translator, e *failover.Envelope, r failover.Received) {
	t.Helper()
	if x.setup.Dialect != Lessor {
		return
	}
	want := together([]failover.Received{kept(r)})
	there, here := newPair(Lessor), newPair(Lessor)
	b, err := there.west.Append(nil, noon, e, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Message.(failover.BindingUpdate).Updates) == 0 || there.west.Unsaid(&r) {
		return
	}
	if got := together(arrive(t, here.east, here.easts, b)); !reflect.DeepEqual(got, want) {
		t.Fatalf("said again it is another: %s", difference(got, want))
	}
}

// FuzzTranslate: whatever arrives, in either dialect, is refused for a reason or means something.
func FuzzTranslate(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.b)
	}
	for _, c := range capture(f)[:60] {
		f.Add(c.b)
	}
	for _, b := range spoken(rand.New(rand.NewPCG(1, 1))) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, d := range []Dialect{Lessor, ISC} {
			p := newPair(d)
			checkTranslator(t, p, b)
			checkTranslator(t, p, b) // much of it was heard before
		}
	})
}

// spoken are messages as go between two Lessors.
func spoken(r *rand.Rand) (all [][]byte) {
	p, pool := newPair(Lessor), anyRecords(r, 30)
	for id := range uint32(60) {
		e := failover.Envelope{ID: id + 1, Message: anySaid(r, pool)}
		b, _ := p.west.Append(nil, noon, &e, 0)
		all = append(all, b)
	}
	return all
}

func TestMutatedMessagesAreBorne(t *testing.T) {
	r := seeded(t)
	lessor, isc := newPair(Lessor), newPair(ISC)
	all := spoken(r)
	for _, c := range capture(t) {
		all = append(all, c.b)
	}
	for range 20_000 {
		b := append([]byte{}, all[r.IntN(len(all))]...)
		for range 1 + r.IntN(4) {
			if i := r.IntN(len(b)); i >= 2 { // the length is what Cut went by
				b[i] = byte(r.Uint32())
			}
		}
		checkTranslator(t, lessor, b)
		checkTranslator(t, isc, b)
	}
}
