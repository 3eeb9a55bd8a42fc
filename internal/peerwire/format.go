package peerwire

import (
	"fmt"
	"strconv"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// maxFormat is the most octets that Append writes but for its last line.
const maxFormat = 8192

// String returns what AppendText writes.
func (m *Message) String() string { return string(m.AppendText(nil)) }

// AppendText appends the message as lines for a trace, bounded whatever arrived: the message, then a binding a line.
// Nothing in it can change a terminal or a line.
func (m *Message) AppendText(dst []byte) []byte {
	end := len(dst) + maxFormat
	dst = fmt.Appendf(dst, "%v xid=%d time=%s", m.Type, m.XID, stamp(m.Time))
	t := text{dst, m.Has}
	t.handshake(&m.Handshake)
	t.put(OptTransferred, m.Transferred)
	t.put(OptServerState, m.Report.State)
	t.put(OptServerFlags, uint8(m.Report.Flags))
	t.put(OptSince, stamp(m.Report.Since))
	t.put(OptReason, m.Reason)
	t.quote(OptText, m.Text)
	dst = t.dst
	for i := range m.Updates {
		if dst = append(dst, "\n  "...); len(dst) > end {
			return append(dst, "…"...)
		}
		dst = m.Updates[i].AppendText(dst)
	}
	for i := range m.Acks {
		if dst = append(dst, "\n  "...); len(dst) > end {
			return append(dst, "…"...)
		}
		dst = m.Acks[i].AppendText(dst)
	}
	return dst
}

// text appends what was said as name=value.
type text struct {
	dst []byte
	has Set
}

func (t *text) put(o Option, v any) {
	if t.has.Has(o) {
		t.dst = fmt.Appendf(t.dst, " %s=%v", o, v)
	}
}

// longest is how much is shown of octets, and of text.
const longest = 64

func (t *text) octets(o Option, v []byte) {
	if t.has.Has(o) {
		t.dst = fmt.Appendf(t.dst, " %s=%x", o, v[:min(len(v), longest)])
		if len(v) > longest {
			t.dst = append(t.dst, "…"...)
		}
	}
}

func (t *text) quote(o Option, v []byte) {
	if t.has.Has(o) {
		t.dst = fmt.Appendf(t.dst, " %s=", o)
		t.dst = strconv.AppendQuoteToASCII(t.dst, string(v[:min(len(v), longest)]))
		if len(v) > longest {
			t.dst = append(t.dst, "…"...)
		}
	}
}

func stamp(t time.Time) string {
	switch {
	case t.IsZero():
		return "never"
	case !t.Before(binding.Forever):
		return "infinite"
	}
	return t.UTC().Format(time.RFC3339)
}

func (t *text) handshake(h *Handshake) {
	t.quote(OptRelationship, h.Relationship)
	t.put(OptMaxUnacked, h.MaxUnacked)
	t.put(OptReceiveTimer, h.ReceiveTimer)
	t.quote(OptVendorClass, h.VendorClass)
	t.put(OptVersion, h.Version)
	t.put(OptTLSRequest, h.TLSRequest)
	t.put(OptTLSReply, h.TLSReply)
	t.put(OptMCLT, h.MCLT)
	t.octets(OptBuckets, h.Buckets)
	t.put(OptDelayedService, h.DelayedService)
	e := &h.Extended
	t.quote(ExtMember, e.Member)
	t.put(ExtPast, e.Past)
	t.put(ExtSeen, e.Seen)
	t.put(ExtHead, e.Head)
	t.put(ExtHistory, uint8(e.History))
	t.octets(ExtParts, e.Parts)
	t.put(ExtRoom, e.Room)
	t.put(ExtSums, fmt.Sprintf("%v,%v", e.Vital, e.Other))
	t.octets(ExtVitalSketch, e.VitalSketch)
	t.octets(ExtOtherSketch, e.OtherSketch)
	t.put(ExtOpenings, fmt.Sprintf("%v,%v", e.Opening, e.SeenOpening))
	t.put(ExtAcknowledged, e.Acknowledged)
	t.put(ExtHeld, e.Held)
}

// String returns the MCLT and the lifetime.
func (h Held) String() string { return fmt.Sprintf("%v,%v", h.MCLT, h.Lifetime) }

// String returns how many parts there are, and their digest.
func (s Sum) String() string { return fmt.Sprintf("%d@%v", s.Count, s.Digest) }

// String returns the opening as number/nonce.
func (o Opening) String() string { return fmt.Sprintf("%d/%016x", o.Number, o.Nonce) }

// String returns the sequence as epoch.number.
func (s Sequence) String() string { return fmt.Sprintf("%d.%d", s.Epoch, s.Number) }

// String returns the store's identifier and the sequence.
func (p Past) String() string { return fmt.Sprintf("%x@%v", p.Store, p.Sequence) }

// String returns both bounds.
func (r Room) String() string { return fmt.Sprintf("%d octets, %d bindings", r.Octets, r.Bindings) }

// AppendText appends the binding on one line.
func (u *Update) AppendText(dst []byte) []byte {
	dst = append(u.Address.AppendTo(dst), ' ')
	if u.Fault != nil {
		return append(append(dst, "fault: "...), u.Fault.Error()...)
	}
	t := text{append(dst, u.Status.String()...), u.Has}
	t.octets(OptClientID, u.ClientID)
	if u.Has.Has(OptHardware) {
		t.dst = fmt.Appendf(t.dst, " %s=%d/%x", OptHardware, u.Hardware.Type, u.Hardware.Bytes())
	}
	t.put(OptExpires, stamp(u.Expires))
	t.put(OptPotentialExpiry, stamp(u.PotentialExpiry))
	t.put(OptSince, stamp(u.Since))
	t.put(OptCLTT, stamp(u.CLTT))
	t.put(OptIPFlags, uint16(u.Flags))
	t.octets(OptRequest, u.Request)
	t.octets(OptReply, u.Reply)
	if u.Has.Has(OptDDNS) {
		t.put(OptDDNS, u.DDNS.Flags)
		t.octets(OptDDNS, u.DDNS.Name)
	}
	t.detail(&u.Detail)
	return t.dst
}

func (t *text) detail(d *Detail) {
	t.put(ExtSequence, d.Sequence)
	t.put(ExtRangeEnd, d.RangeEnd)
	t.put(ExtStarts, stamp(d.Starts))
	t.put(ExtConfigVersion, d.Version)
	t.quote(ExtHome, d.Home)
	t.put(ExtCause, d.Cause)
	t.octets(ExtRequestHead, d.RequestHead)
	t.put(ExtRequestDigest, d.RequestDigest)
	t.octets(ExtResultHead, d.ResultHead)
	t.put(ExtResultDigest, d.ResultDigest)
	t.octets(ExtReasons, d.Reasons)
	t.put(ExtReasonsDigest, d.ReasonsDigest)
	t.octets(ExtRequestOwn, d.RequestOwn)
	t.put(ExtIncludes, d.Includes)
	t.octets(ExtEarlier, d.Earlier)
}

// AppendText appends the acknowledgement on one line.
func (a *Ack) AppendText(dst []byte) []byte {
	dst = a.Address.AppendTo(dst)
	if a.Fault != nil {
		return append(append(dst, " fault: "...), a.Fault.Error()...)
	}
	t := text{dst, a.Has}
	t.put(OptReason, a.Reason)
	t.quote(OptText, a.Text)
	t.put(ExtSequence, a.Sequence)
	t.put(ExtWants, uint8(a.Wants))
	return t.dst
}
