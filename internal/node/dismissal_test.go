package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// bereaved is a pair of which east is gone for good, and declared down.
func bereaved(t *testing.T) *runningPair { return bereavedWith(t, "mclt: 2s, guard: 1s") }

func bereavedWith(t *testing.T, mclt string) *runningPair {
	p := newRunningPair(t)
	p.doc = strings.Replace(p.doc, "mclt: 10m", mclt, 1)
	p.start("west")
	p.start("east")
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	for end := time.Now().Add(10 * time.Second); p.free("west").partner == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("east has no share")
		}
	}
	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // it has said PAUSED, and closes a little later
		err := p.nodes["west"].node.PartnerDown(t.Context(), PartnerDownRequest{Partner: "east"})
		if err == nil {
			return p
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// shareOf is how many free addresses are whose.
type shareOf struct{ own, partner float64 }

func (p *runningPair) free(name string) (s shareOf) {
	p.t.Helper()
	st, err := p.nodes["west"].node.Status(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, q := range st.Pools {
		s.own += float64(q.Free)
		s.partner += float64(q.PartnerFree)
	}
	return s
}

// removes applies west's configuration with other members.
func (p *runningPair) removes(members string, yes bool) error {
	doc := p.doc
	i := strings.Index(doc, "members: {")
	j := strings.Index(doc, "}}\n") + 2
	_, err := p.nodes["west"].node.ConfigApply(p.t.Context(), ApplyRequest{Document: []byte(doc[:i] + "members: " + members + doc[j:]), Author: "ann", Yes: yes})
	return err
}

// beginsAnew waits until west's node ends to begin anew, and starts it again with the same file.
func (p *runningPair) beginsAnew() {
	p.t.Helper()
	r := p.nodes["west"]
	select {
	case <-r.node.ended:
	case <-time.After(20 * time.Second):
		p.t.Fatal("it does not begin anew")
	}
	delete(p.nodes, "west")
	if err := r.stop(); !errors.Is(err, ErrBeginAnew) {
		p.t.Fatalf("it ended by %v", err)
	}
	p.start("west")
}

const alone = "{west: {peer: 127.0.0.1}}"

// A member is taken out when it is declared down, and with a yes; what was its own is the other's after the wait, whatever the other one
// goes through meanwhile.
func TestAMemberIsTakenOutThroughARestart(t *testing.T) {
	p := bereaved(t)
	begun := time.Now()
	var ask *ConfirmError
	if err := p.removes(alone, false); !errors.As(err, &ask) || !strings.Contains(err.Error(), "must never be started again") {
		t.Errorf("without a yes: %v", err)
	}
	if err := p.removes(alone, true); err != nil {
		t.Fatal(err)
	}
	s, _ := p.nodes["west"].node.ConfigStatus(t.Context())
	if s.Leaves == nil || s.Leaves.Member != "east" || s.Leaves.From.Before(begun.Add(2*time.Second)) {
		t.Errorf("it leaves: %+v", s.Leaves)
	}
	p.stop("west")
	p.start("west")
	p.beginsAnew()
	if d := time.Since(begun); d < 3*time.Second {
		t.Errorf("east's addresses are west's after %v", d)
	}
	st, err := p.nodes["west"].node.Status(t.Context())
	if f := p.free("west"); err != nil || len(st.Partners) != 0 || f.partner != 0 || f.own != 2048 {
		t.Errorf("%v: partners %+v, free %+v", err, st.Partners, f)
	}
	if s, _ := p.nodes["west"].node.ConfigStatus(t.Context()); s.Agreed != s.Head || len(s.Pending) != 0 || s.Leaves != nil {
		t.Errorf("%+v", s)
	}
	if _, err := newRelay(t, p.nodes["west"].port).lease(7); err != nil {
		t.Error(err)
	}
}

// A member that gets another name is another member: no free address is left to the one that is gone.
func TestARenamedMemberLeavesNoAddressToNobody(t *testing.T) {
	p := bereaved(t)
	renamed := fmt.Sprintf(`{west: {peer: "127.0.0.1:%d"}, north: {peer: "127.0.0.3:%d"}}`, freeTCPPort(t, "127.0.0.1"), freeTCPPort(t, "127.0.0.3"))
	if err := p.removes(renamed, true); err != nil {
		t.Fatal(err)
	}
	p.beginsAnew()
	ps, st := p.status("west")
	if f := p.free("west"); ps.Partner != "north" || f.partner != 0 || f.own != 2048 {
		t.Errorf("partner %s, free %+v", ps.Partner, f)
	}
	if ps.State != "PARTNER-DOWN" {
		p.until("west", "PARTNER-DOWN")
	}
	if _, err := newRelay(t, p.nodes["west"].port).lease(7); err != nil {
		t.Errorf("%v; %s", err, st.Waiting)
	}
}

// One that may be serving stays.
func TestAMemberThatMayServeIsNotTakenOut(t *testing.T) {
	p := newRunningPair(t)
	p.start("west")
	p.start("east")
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	refused := func() {
		t.Helper()
		if err := p.removes(alone, true); err == nil || !strings.Contains(err.Error(), "not declared down") {
			t.Errorf("it is taken out: %v", err)
		}
	}
	refused()
	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	refused()
	// Nor by a file that is read at a start.
	p.stop("west")
	doc := p.doc
	i, j := strings.Index(doc, "members: {"), strings.Index(doc, "}}\n")+2
	p.doc = doc[:i] + "members: " + alone + doc[j:]
	p.start("west")
	_, st := p.status("west")
	if !strings.Contains(st.Config.Refused, "not declared down") {
		t.Errorf("a file without it: %q", st.Config.Refused)
	}
	p.doc = doc
	p.start("east")
	p.until("west", "NORMAL")
}

// A server that was alone becomes one of two: it has promised all that was promised, so it goes on at once.
func TestAServerThatWasAloneGoesOnAsOneOfTwo(t *testing.T) {
	p := newRunningPair(t)
	two := p.doc
	i, j := strings.Index(two, "group:"), strings.Index(two, "networks:")
	p.doc = two[:i] + two[j:]
	p.start("west")
	a, err := newRelay(t, p.nodes["west"].port).lease(1)
	if err != nil {
		t.Fatal(err)
	}
	p.stop("west")
	p.doc = two
	p.start("west")
	p.until("west", "PARTNER-DOWN")
	if _, err := newRelay(t, p.nodes["west"].port).lease(2); err != nil {
		t.Error(err)
	}
	p.start("east")
	p.until("east", "NORMAL")
	p.until("west", "NORMAL")
	p.knows("east", a)
}

// One that comes back before what it promised is over stays: the two serve together, and it is a member until it is declared down again.
func TestAMemberThatComesBackInTimeStays(t *testing.T) {
	p := bereavedWith(t, "mclt: 10m")
	if err := p.removes(alone, true); err != nil {
		t.Fatal(err)
	}
	p.start("east")
	p.until("east", "NORMAL")
	p.until("west", "NORMAL")
	p.stop("east") // it begins as a member, though the version that it serves by does not have it
	p.start("east")
	p.until("east", "NORMAL")
	p.until("west", "NORMAL")
	s, _ := p.nodes["west"].node.ConfigStatus(t.Context())
	if s.Leaves == nil || !s.Leaves.From.IsZero() || len(s.Pending) == 0 {
		t.Errorf("it leaves: %+v, pending %v", s.Leaves, s.Pending)
	}
	if _, err := p.nodes["west"].node.ConfigRollback(t.Context(), s.Agreed, ApplyRequest{Author: "ann", Yes: true}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		w, _ := p.nodes["west"].node.ConfigStatus(t.Context())
		e, _ := p.nodes["east"].node.ConfigStatus(t.Context())
		if w.Leaves == nil && len(w.Pending)+len(e.Pending) == 0 && w.Head == e.Head && w.Agreed == w.Head {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("west %+v\neast %+v", w, e)
		}
	}
}
