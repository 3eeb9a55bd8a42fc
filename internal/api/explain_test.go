package api

import (
	"errors"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

func hardware(t testing.TB, s string) binding.Hardware {
	t.Helper()
	h, err := node.ParseHardware(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAnExplanationArrivesAsItWasGiven(t *testing.T) {
	a := netip.MustParseAddr("198.51.100.9")
	f := &fake{asked: make(chan any, 1), explanation: policy.Explanation{
		Server: "west", Address: &a, Network: "floor1", Classes: []string{"phones"},
		Lease:   policy.ExplainedLease{Lifetime: "4h", Seconds: 14400, Origin: policy.Origin{Layer: "enterprise", Line: 3}},
		Options: []policy.ExplainedOption{{Name: "routers", Code: 3, Value: []any{"198.51.100.1"}, Text: "198.51.100.1", Losers: []policy.ExplainedValue{{Value: "x\x1b"}}}},
		Notes:   []string{"a note"},
	}}
	want := node.ExplainRequest{
		As: "west", Hardware: hardware(t, "02:00:00:00:00:07"), ClientID: []byte{1, 2}, Options: []string{"93=7", "60=a & b=c"}, Relay: netip.MustParseAddr("10.20.0.1"),
		CircuitID: "ge-0/0/1", RemoteID: `{hex: "00"}`, SubscriberID: "joe", Network: "floor 1", Address: a,
	}
	got, err := serve(t, New(f, quiet)).Explain(t.Context(), want)
	if err != nil || !reflect.DeepEqual(got, f.explanation) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, f.explanation)
	}
	if asked := <-f.asked; !reflect.DeepEqual(asked, want) {
		t.Errorf("the node was asked %+v\nwant %+v", asked, want)
	}
}

func TestABadQuestionIsTheAskersFault(t *testing.T) {
	f := &fake{err: &node.RequestError{Text: "there is no network attic"}}
	_, err := serve(t, New(f, quiet)).Explain(t.Context(), node.ExplainRequest{Hardware: hardware(t, "02:00:00:00:00:07")})
	if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusBadRequest || p.Detail != "there is no network attic" {
		t.Errorf("got %v", err)
	}
}

func TestAnExplanationIsRefusedWithTheReason(t *testing.T) {
	for query, says := range map[string]string{
		"hardware=nobody":     "is not a hardware address",
		"client-id=zz":        "is not a client identifier",
		"relay=here":          "is not an address",
		"address=10.0.0.1%25": "is not an address",
		"hw=02:00":            "there is no parameter",
		"as=a&as=b":           "given 2 times",
		"network=" + strings.Repeat("n", maxValue+1): "longer than",
		strings.Repeat("option=1&", node.MaxSaid+1):  "at most 64",
	} {
		if w := asking(New(&fake{}, quiet).Handler(), base+"explain", query); w.status != http.StatusBadRequest || !strings.Contains(w.body.String(), says) {
			t.Errorf("%s: got %d %s, want %q", query, w.status, w.body.Bytes(), says)
		}
	}
}

// FuzzExplainQuery: any query is refused in words, or means the same when it is asked again.
func FuzzExplainQuery(f *testing.F) {
	for _, q := range []string{"hardware=02:00:00:00:00:07&option=93%3D7", "client-id=01-02&relay=10.0.0.1&circuit-id=x", "option=a&option=b&as=west", "hardware=6%2F0200.0000.0001"} {
		f.Add(q)
	}
	node := &fake{asked: make(chan any, 1)}
	h := New(node, quiet).Handler()
	f.Fuzz(func(t *testing.T, raw string) {
		w := asking(h, base+"explain", raw)
		switch {
		case w.status == http.StatusBadRequest:
			return
		case w.status != http.StatusOK:
			t.Fatalf("%q: %d %s", raw, w.status, w.body.Bytes())
		}
		was := (<-node.asked).(explainRequest)
		if w := asking(h, base+"explain", explainQuery(was).Encode()); w.status != http.StatusOK {
			t.Fatalf("%q: again %d %s", raw, w.status, w.body.Bytes())
		}
		if is := <-node.asked; !reflect.DeepEqual(is, was) {
			t.Fatalf("%q: got %#v\nwant %#v", raw, is, was)
		}
	})
}

type explainRequest = node.ExplainRequest
