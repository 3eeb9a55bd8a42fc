package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/node"
)

func TestComparisonsSayHowFarTheyAre(t *testing.T) {
	v := aVersioned()
	v.steps, v.report, v.drifted = 1000, &node.WhatIfReport{Total: 7, Notes: []string{strings.Repeat("long", 1<<19)}}, &node.DriftReport{With: "east", Clients: 3}
	c := serve(t, New(v, quiet))
	said := 0
	progress := func(done, total int) {
		if said++; total != v.steps || done >= total {
			t.Errorf("%d of %d", done, total)
		}
	}
	w, err := c.WhatIf(t.Context(), node.ApplyRequest{Document: []byte("version: " + headID + "\nenterprise: {}\n"), File: "f.yaml"}, progress)
	if err != nil || w.Total != 7 || len(w.Notes[0]) != 4<<19 || said == 0 || said > 100 {
		t.Errorf("%+v, %v, said %d times", w, err, said)
	}
	v.report.Notes = nil
	for parent, notes := range map[string]int{headID: 0, strings.Repeat("f", 32): 1} {
		if w, err := c.WhatIf(t.Context(), node.ApplyRequest{Document: []byte("version: " + parent + "\nenterprise: {}\n"), File: "f.yaml"}, nil); err != nil || len(w.Notes) != notes {
			t.Errorf("%s: %+v, %v", parent, w, err)
		}
		v.report.Notes = nil
	}
	v.told = v.told[:1]
	d, err := c.Drift(t.Context(), "east", nil)
	if err != nil || d.Clients != 3 || !reflect.DeepEqual(v.told, []any{"f.yaml", binding.Member("east")}) {
		t.Errorf("%+v, %v, told %v", d, err, v.told)
	}
	v.fails = &node.RefusedError{Why: "no", Remedy: "wait"}
	for _, steps := range []int{0, 10} { // before anything is said, and after
		v.steps = steps
		_, err := c.WhatIf(t.Context(), node.ApplyRequest{Document: []byte("{}")}, nil)
		if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusConflict || p.Remedy != "wait" {
			t.Errorf("%d: %+v", steps, err)
		}
		if _, err := c.Drift(t.Context(), "", nil); err == nil || err.(*Problem).Detail != "no" {
			t.Errorf("%d: %+v", steps, err)
		}
	}
}

// slowly is a node whose trials take longer than a document may.
type slowly struct {
	*versions
	takes time.Duration
}

func (v slowly) WhatIf(ctx context.Context, _ *config.Document, _ func(done, total int)) (*node.WhatIfReport, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(v.takes):
		return &node.WhatIfReport{Total: 7}, nil
	}
}

func TestACommandMayTakeLongerThanItsBody(t *testing.T) {
	s := New(slowly{aVersioned(), 300 * time.Millisecond}, quiet)
	s.documentTime = 100 * time.Millisecond
	w, err := serve(t, s).WhatIf(t.Context(), node.ApplyRequest{Document: []byte("enterprise: {}\n")}, nil)
	if err != nil || w.Total != 7 {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestAReportThatIsCutShortIsNone(t *testing.T) {
	c := NewClient("s")
	for _, body := range []string{"", "{\"done\":1,\"total\":2}\n", "{\"repo"} {
		resp := &http.Response{Body: io.NopCloser(strings.NewReader(body))}
		if r, err := reported[node.DriftReport](c, resp, nil); r != nil || err == nil {
			t.Errorf("%q: %+v, %v", body, r, err)
		}
	}
}

func TestStaleClientsStream(t *testing.T) {
	v := aVersioned()
	v.staleAll = []node.StaleRow{
		{Address: netip.MustParseAddr("10.0.0.1"), Hostname: "\x1b", Cause: "asked for more", Since: node.At(noon), Differs: []node.Difference{{Name: "routers", Has: "a", HasText: "a"}}},
		{Address: netip.MustParseAddr("10.0.0.2"), Differs: []node.Difference{}},
	}
	c := serve(t, New(v, quiet))
	f := node.StaleFilter{Client: node.ParseClient("02:00:00:00:00:07"), Address: netip.MustParsePrefix("10.0.0.0/8"), Cause: "asked for more", Limit: 2}
	var got []node.StaleRow
	if err := c.Stale(t.Context(), f, func(r node.StaleRow) error { got = append(got, r); return nil }); err != nil || !reflect.DeepEqual(got, v.staleAll) || !reflect.DeepEqual(v.told, []any{f}) {
		t.Errorf("%+v, %v; told %+v", got, err, v.told)
	}
	v.fails = &node.RefusedError{Why: "no"}
	if err := c.Stale(t.Context(), f, nil); err == nil || err.Error() != "no" {
		t.Errorf("%v", err)
	}
}

func TestACauseMayBeShort(t *testing.T) {
	for s, want := range map[string]string{"told": "told older while apart", "asked for more": "asked for more", "conf": "configuration changed"} {
		if got, err := ParseCause(s); err != nil || got != want {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "a", "nothing"} {
		if got, err := ParseCause(s); err == nil {
			t.Errorf("%q: %q", s, got)
		}
	}
}

func TestRehomeAnswersWithTheLease(t *testing.T) {
	v := aVersioned()
	a := netip.MustParseAddr("10.0.0.1")
	v.detail = map[netip.Addr]node.LeaseDetail{a: {LeaseRow: node.LeaseRow{Address: a, Home: "east"}}}
	c := serve(t, New(v, quiet))
	if d, err := c.Rehome(t.Context(), netip.MustParseAddr("::ffff:10.0.0.1"), "east"); err != nil || d.Home != "east" || !reflect.DeepEqual(v.told, []any{"10.0.0.1 east"}) {
		t.Errorf("%+v, %v, told %v", d, err, v.told)
	}
	if _, err := c.Rehome(t.Context(), netip.MustParseAddr("10.0.0.2"), "east"); err == nil || err.(*Problem).Status != http.StatusNotFound {
		t.Errorf("%v", err)
	}
}
