package api

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/node"
)

func TestCommandsReachTheNode(t *testing.T) {
	f := &fake{asked: make(chan any, 1), status: node.Status{Partners: []node.PartnerStatus{{Partner: "east", State: "PARTNER-DOWN", PartnerShareFrom: node.At(noon)}}}}
	c := serve(t, New(f, quiet))
	want := node.PartnerDownRequest{Partner: "east", NeverServed: true, Force: true, Reason: "the rack burnt: <ü>"}
	p, err := c.PartnerDown(t.Context(), want)
	if got := <-f.asked; err != nil || !reflect.DeepEqual(got, want) || p.State != "PARTNER-DOWN" || !p.PartnerShareFrom.Equal(noon) {
		t.Errorf("got %+v, %+v, %v", got, p, err)
	}
	for _, on := range []bool{true, false} {
		p, err := c.Maintenance(t.Context(), on)
		if got := <-f.asked; err != nil || got != on || p.Partner != "east" {
			t.Errorf("got %v, %+v, %v", got, p, err)
		}
	}
	f.status.Partners = nil
	if p, err := c.Maintenance(t.Context(), true); err != nil || p.Partner != "" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestARefusedCommandIsAConflictWithARemedy(t *testing.T) {
	f := &fake{refuses: errors.Join(nil, &node.RefusedError{Why: "east answers", Remedy: "stop it first"})}
	c := serve(t, New(f, quiet))
	_, down := c.PartnerDown(t.Context(), node.PartnerDownRequest{Partner: "east"})
	_, pause := c.Maintenance(t.Context(), true)
	for _, err := range []error{down, pause} {
		p, ok := errors.AsType[*Problem](err)
		if !ok || !reflect.DeepEqual(*p, Problem{Status: http.StatusConflict, Title: "refused", Detail: "east answers", Remedy: "stop it first"}) || err.Error() != "east answers\n  → stop it first" {
			t.Errorf("%+v", err)
		}
	}
	f.refuses = errors.New("the disk is on fire")
	if _, err := c.Maintenance(t.Context(), true); err == nil || err.(*Problem).Status != http.StatusInternalServerError {
		t.Errorf("%v", err)
	}
	f.refuses, f.err = nil, errors.New("no status")
	if _, err := c.Maintenance(t.Context(), true); err == nil || !strings.Contains(err.Error(), "no status") {
		t.Errorf("%v", err)
	}
}

// post returns a request with a body.
func post(path, kind, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: lessor\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, kind, len(body), body)
}

func TestACommandThatIsNoneChangesNothing(t *testing.T) {
	f := &fake{asked: make(chan any, 1)}
	c := serve(t, New(f, quiet))
	const down, pause, kind = "/api/v1/partner-down", "/api/v1/maintenance", "application/json"
	good := `{"partner":"east"}`
	for name, test := range map[string]struct {
		request string
		status  int
	}{
		"GET":                       {"GET " + down + " HTTP/1.1\r\nHost: lessor\r\n\r\n", 405},
		"PUT":                       {strings.Replace(post(pause, kind, `{"on":true}`), "POST", "PUT", 1), 405},
		"a form, as of a page":      {post(down, "application/x-www-form-urlencoded", "partner=east"), 415},
		"text, as of a page":        {post(down, "text/plain", good), 415},
		"no type":                   {strings.Replace(post(down, kind, good), "Content-Type: "+kind+"\r\n", "", 1), 415},
		"nothing":                   {post(down, kind, ""), 400},
		"no JSON":                   {post(down, kind, "east"), 400},
		"a list":                    {post(down, kind, `["east"]`), 400},
		"half an object":            {post(down, kind, `{"partner":"east"`), 400},
		"two objects":               {post(down, kind, good+good), 400},
		"an unknown key":            {post(down, kind, `{"partner":"east","forced":true}`), 400},
		"another type":              {post(down, kind, `{"partner":"east","force":"no"}`), 400},
		"no partner":                {post(down, kind, `{}`), 400},
		"null":                      {post(down, kind, `null`), 400},
		"a parameter":               {post(down+"?force=true", kind, good), 400},
		"a reason that is long":     {post(down, kind, `{"partner":"east","reason":"`+strings.Repeat("x", MaxReason+1)+`"}`), 400},
		"a reason that steers":      {post(down, kind, `{"partner":"east","reason":"a\u001b[2J"}`), 400},
		"a reason of two lines":     {post(down, kind, `{"partner":"east","reason":"a\nb"}`), 400},
		"a long body":               {post(down, kind, good+strings.Repeat(" ", maxBody)), 413},
		"a long body by and by":     {"POST " + down + " HTTP/1.1\r\nHost: lessor\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n" + strings.Repeat(" ", 0x2000) + "\r\n0\r\n\r\n", 413},
		"neither on nor off":        {post(pause, kind, `{}`), 400},
		"on, but not as true":       {post(pause, kind, `{"on":1}`), 400},
		"a body that never comes":   {"POST " + pause + " HTTP/1.1\r\nHost: lessor\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n", 413},
		"a length that is no such":  {"POST " + pause + " HTTP/1.1\r\nHost: lessor\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n", 400},
		"a command that is unknown": {post("/api/v1/partner-up", kind, good), 404},
	} {
		resp, _ := raw(t, c, test.request)
		if resp.StatusCode != test.status {
			t.Errorf("%s: got %d, want %d", name, resp.StatusCode, test.status)
		}
		if kind := resp.Header.Get("Content-Type"); name != "a length that is no such" && kind != "application/problem+json" {
			t.Errorf("%s: answered as %s", name, kind)
		}
	}
	if len(f.asked) > 0 {
		t.Errorf("the node was told %+v", <-f.asked)
	}
}

// A body that comes slowly holds nothing up for longer than bodyTime: its connection ends.
func TestABodyThatIsNotFinishedEndsItsConnection(t *testing.T) {
	f := &fake{asked: make(chan any, 1)}
	s := New(f, quiet)
	s.bodyTime = 1
	c := serve(t, s)
	resp, err := rawRequest(c, "POST /api/v1/maintenance HTTP/1.1\r\nHost: lessor\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"on\"")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout || len(f.asked) > 0 {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestAReasonIsOneLine(t *testing.T) {
	for reason, good := range map[string]bool{"": true, "the rack burnt": true, strings.Repeat("ü", MaxReason/2): true, "\xff": false, "\u202e": false, "a\tb": false} {
		if err := CheckReason(reason); (err == nil) != good {
			t.Errorf("%q: %v", reason, err)
		}
	}
}
