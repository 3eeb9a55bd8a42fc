package metrics

import (
	"maps"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/node"
)

var (
	received = counter("lessor_packets_received_total", "Messages that came, by type.", "type")
	sent     = counter("lessor_packets_sent_total", "Answers that were given, by type.", "type")
	dropped  = counter("lessor_packets_dropped_total", "What came and was not answered, or could not be sent, by the reasons of docs/operating.md.", "reason")
	skipped  = counter("lessor_probes_skipped_total", "Offers that were made without a conflict probe because too many were under way.")
	recalled = counter("lessor_offers_recalled_total", "Offers that were withdrawn before their time because one place had too many.")
	leftOut  = counter("lessor_options_left_out_total", "Answers that had no room for every option.")

	answers = histogram("lessor_answer_duration_seconds", "From when the kernel had a message until it had the answer, which is behind its commit; without those that waited for a conflict probe.", "type")
	commits = histogram("lessor_commit_duration_seconds", "What it took until a commit was durable.")
	changes = histogram("lessor_commit_bindings", "How many changes of bindings a commit had.")
	reads   = histogram("lessor_receive_batch_packets", "How many messages were read at once.")
	sends   = histogram("lessor_send_batch_packets", "How many answers left at once, behind one commit.")
)

func (o out) packets(st *node.Status) {
	o.counts(received, st.Received)
	o.counts(sent, st.Sent)
	o.counts(dropped, st.Drops)
	put(o, skipped, st.ProbesSkipped)
	put(o, recalled, st.OffersRecalled)
	put(o, leftOut, st.OptionsLeftOut)
}

// work gives what was measured; a server that does not measure has none.
func (o out) work(m *node.Measures) {
	put(o, lost, m.EventsLost)
	for _, t := range slices.Sorted(maps.Keys(m.Answers)) {
		h := m.Answers[t]
		o.spread(answers, &h, t)
	}
	for _, w := range []struct {
		f *family
		h *node.Histogram
	}{{commits, &m.Commits}, {changes, &m.Changes}, {reads, &m.Reads}, {sends, &m.Sends}} {
		if len(w.h.Bounds) > 0 {
			o.spread(w.f, w.h)
		}
	}
}
