package peerwire

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

var update = flag.Bool("update", false, "write the vectors of docs/protocol.md anew")

const manual = "../../docs/protocol.md"

const beforeVectors = "<!-- The vectors are written by `go test ./internal/peerwire -update`. -->\n"

// vectors are the messages that docs/protocol.md shows.
func vectors() []Message {
	hello := connect()
	hello.Has |= places[Connect] &^ SetOf(OptDigest, OptDelayedService, ExtVitalSketch, ExtOtherSketch)
	hello.Handshake.Relationship, hello.Handshake.VendorClass = []byte("campus"), []byte("lessor-1.0")
	hello.Handshake.Extended = Extended{
		Member: []byte("west"), Past: Past{[16]byte(binding.DigestOf([]byte("west"))), Sequence{4, 1000}},
		Seen: Past{[16]byte(binding.DigestOf([]byte("east"))), Sequence{9, 2000}}, Head: digest(7), History: HasHead | Founder,
		Parts: AppendPart(nil, Part{true, []byte("group.failover.mclt"), digest(8), []byte("1m")}), Room: Room{65535, 256},
		Opening: Opening{4, 0xa1b2c3d4e5f60718}, SeenOpening: Opening{9, 0x0123456789abcdef}, Acknowledged: Sequence{4, 998},
		Held:  Held{time.Hour, 24 * time.Hour},
		Vital: Sum{1, failover.PartsOf([]failover.Part{{Digest: digest(8), Vital: true}}).Told().Vital.Digest},
	}
	lease := told()
	again := lease
	again.Has = again.Has &^ SetOf(OptRequest, OptReply, ExtRequestHead, ExtResultHead, ExtReasons)
	again.Request, again.Reply = nil, nil
	again.Detail.RequestHead, again.Detail.ResultHead, again.Detail.Reasons = nil, nil, nil
	again.Detail.Sequence.Number++
	never := Update{
		Has: SetOf(OptAddress, OptStatus, ExtSequence, ExtRangeEnd), Address: address("198.51.100.128"), Status: Backup,
		Detail: Detail{Sequence: Sequence{4, 1003}, RangeEnd: address("198.51.100.240")},
	}
	return []Message{
		hello, bndUpd(lease), bndUpd(again, never),
		bndAck(
			Ack{Has: SetOf(OptAddress, ExtSequence, ExtWants), Address: lease.Address, Sequence: Sequence{4, 1002}, Wants: WantsResult},
			Ack{Has: SetOf(OptAddress, OptReason, OptText, ExtSequence), Address: never.Address, Reason: IllegalAddress,
				Text: []byte("in no pool"), Sequence: Sequence{4, 1003}},
		),
	}
}

// told is a lease with what its client said and was told.
func told() Update {
	request := (&binding.Facts{Link: "floor1", Options: []binding.Fact{{Code: 55, Value: []byte{1, 3}}}}).
		AppendShared(nil, func(uint16) bool { return false })
	result := binding.AppendResultHeader(nil, 10*time.Minute, netip.Addr{}, nil, nil)
	result = binding.AppendTLV(result, 1, []byte{255, 255, 255, 0})
	reasons := binding.AppendReason(nil, binding.Reason{Code: 1, Layer: "subnet", Object: "198.51.100.0/24", Line: 12, Rule: "derived"})
	u := granted()
	u.Address = address("198.51.100.50")
	u.Has |= SetOf(OptRequest, OptReply, ExtSequence, ExtStarts, ExtConfigVersion, ExtHome, ExtCause, ExtRequestHead,
		ExtRequestDigest, ExtResultHead, ExtResultDigest, ExtReasons, ExtReasonsDigest, ExtRequestOwn, ExtIncludes)
	u.Detail = Detail{
		Sequence: Sequence{4, 1001}, Starts: noon, Version: digest(7), Home: []byte("west"), Cause: binding.Granted,
		RequestDigest: binding.DigestOf(request), ResultDigest: binding.DigestOf(result), Reasons: reasons, ReasonsDigest: binding.DigestOf(reasons),
		RequestOwn: []byte{12, 2, 'h', 'i'}, Includes: Sequence{9, 17},
	}
	var tlvs []byte
	u.Detail.RequestHead, tlvs, _ = CutRequest(request)
	u.Request, _ = AppendOptions(nil, tlvs)
	u.Detail.ResultHead, tlvs, _ = CutResult(result)
	u.Reply, _ = AppendOptions(nil, tlvs)
	return u
}

// TestTheManualsVectorsAreTrue compares what docs/protocol.md shows with what is written, and reads it.
func TestTheManualsVectorsAreTrue(t *testing.T) {
	var want strings.Builder
	for _, m := range vectors() {
		b, err := m.Append(nil, Lessor, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed(t, b, Lessor); !same(got, &m) {
			t.Errorf("%+v\n%+v", got, m)
		}
		fmt.Fprintf(&want, "\n```text\n%s\n%s```\n", m.String(), annotated(b))
	}
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	before, got, ok := strings.Cut(string(text), beforeVectors)
	if !ok {
		t.Fatalf("%s has no place for vectors", manual)
	}
	if *update {
		if err := os.WriteFile(manual, []byte(before+beforeVectors+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want.String() {
		t.Errorf("the vectors are other ones:\n%s", want.String())
	}
}

// annotated returns a message in hexadecimal, an option a line.
func annotated(b []byte) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%x %x %x %x %x\n", b[:2], b[2:3], b[3:4], b[4:8], b[8:12])
	for b = b[HeaderSize:]; len(b) > 0; {
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		o := Option(binary.BigEndian.Uint16(b))
		if o != OptVendorOptions {
			fmt.Fprintf(&s, "%x %x %-40x %v\n", b[:2], b[2:4], b[4:n], o)
		} else {
			fmt.Fprintf(&s, "%x %x %-40x %v\n", b[:2], b[2:4], b[4:8], o)
			annotateExtensions(&s, b[8:n])
		}
		b = b[n:]
	}
	return s.String()
}

func annotateExtensions(s *strings.Builder, b []byte) {
	for len(b) > 0 {
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		fmt.Fprintf(s, "  %x %x %-38x %v\n", b[:2], b[2:4], b[4:n], extension(binary.BigEndian.Uint16(b)))
		b = b[n:]
	}
}

// TestTheManualNamesEverything looks for every name and number in docs/protocol.md.
func TestTheManualNamesEverything(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	flowing := strings.Join(strings.Fields(string(text)), " ")
	rows := func(format string, a ...any) {
		if row := fmt.Sprintf(format, a...); !strings.Contains(flowing, row) {
			t.Errorf("%s does not say %q", manual, row)
		}
	}
	for o := OptTransferred; o < endOfExtensions; o++ {
		if s := shapes[o]; s.name != "" {
			code := fmt.Sprint(s.code)
			if s.code&mustKnow != 0 {
				code = fmt.Sprintf("%#x", s.code)
			}
			rows("| %s | %s |", code, s.name)
		}
	}
	for typ := PoolReq; typ <= Disconnect; typ++ {
		rows("| %d | %v |", typ, typ)
	}
	for s := Free; s <= Backup; s++ {
		rows("%d %v", s, s)
	}
	for s := range 256 {
		if ServerState(s).known() {
			rows("%d %v", s, ServerState(s))
		}
		if r := RejectReason(s); r != 0 && r.String() != "unknown" {
			rows("%d %v", s, r)
		}
		if c := binding.Cause(s); c != 0 && c.String() != "unknown" {
			rows("%d %v", s, c)
		}
	}
	for _, r := range Reasons() {
		rows("| `%s` |", r)
	}
}
