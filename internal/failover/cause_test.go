package failover

import (
	"strings"
	"testing"
	"time"
)

// What an operator gave as the reason is shown as long as the state lasts, through restarts and pauses.
func TestAReasonIsKeptThroughARestartAndAPause(t *testing.T) {
	x := newTalk(t, Primary, Lessor, func(cfg *Config, r *Record) { r.State, r.Lost, r.Met = CommunicationsInterrupted, false, true })
	x.after(6 * time.Second)
	x.step(DeclareDown{Forced: true, Reason: "the rack burnt"})
	since := x.n.ep.rec.Since
	kept := func(after string) {
		t.Helper()
		x.mustBe(PartnerDown)
		if s := x.n.ep.Status(x.now); !strings.HasSuffix(s.Cause, "the rack burnt") || !s.Since.Equal(since) {
			t.Errorf("after %s it is in %v since %v: %s", after, s.State, s.Since, s.Cause)
		}
	}
	kept("the command")
	x.n.ep = New(x.n.cfg, x.n.ep.rec, x.n, x.now)
	x.after(6 * time.Second)
	kept("a restart")
	x.step(Maintain{On: true})
	x.step(Maintain{})
	x.after(6 * time.Second)
	kept("a pause")
}
