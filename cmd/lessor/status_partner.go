package main

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// writePartners writes how this server stands with the other one of its group.
func writePartners(c *console, w *bufio.Writer, partners []node.PartnerStatus) {
	if len(partners) == 0 {
		return
	}
	heading(c, w, "Partners")
	writePartnerTable(c, w, partners, "  ")
}

// writePartnerTable writes them below each other, behind indent, and then what is to be said of each.
func writePartnerTable(c *console, w *bufio.Writer, partners []node.PartnerStatus, indent string) {
	t := table{head: []string{"PARTNER", "OUR ROLE", "OUR STATE", "SINCE", "ITS STATE", "UNACKED", "CONNECTED", "SKEW"}, right: map[int]bool{5: true, 7: true},
		least: []int{1, 7, 3, 5, 6}, brief: map[int]func(string) string{3: briefTime}}
	for i := range partners {
		p := &partners[i]
		connected := cell{"yes", green}
		if !p.Connected {
			connected = cell{"no", yellow}
		}
		t.add(cell{text: printable(string(p.Partner))}, cell{text: printable(p.Role)}, cell{printable(p.State), styleOf(p.State)}, cell{text: when(p.Since, c.now())},
			cell{orDash(printable(p.PartnerState)), styleOf(p.PartnerState)}, cell{text: fmt.Sprint(p.Unacked)}, connected, cell{skewOf(p), skewStyle(p)})
	}
	t.write(c, w, indent)
	for i := range partners {
		writePartner(c, w, &partners[i])
	}
}

// styleOf returns how a state is shown.
func styleOf(state string) style {
	switch state {
	case failover.Normal.String():
		return green
	case failover.Recover.String(), failover.RecoverWait.String(), failover.PotentialConflict.String():
		return red
	case "":
		return plain
	}
	return yellow
}

// skewOf returns by how much our clock is ahead of the partner's; "-" where that is not known.
func skewOf(p *node.PartnerStatus) string {
	if !p.Connected {
		return "-"
	}
	return fmt.Sprintf("%+.1fs", p.Skew)
}

func skewStyle(p *node.PartnerStatus) style {
	if p.Skewed {
		return red
	}
	return plain
}

// writePartner writes what is to be said of one partner: a line for each thing that is so.
func writePartner(c *console, w *bufio.Writer, p *node.PartnerStatus) {
	say := func(label, text string) {
		if text == "" {
			return
		}
		const column = 19
		for part := range strings.Lines(text) {
			for _, line := range wrapped(shown(strings.TrimSpace(part)), c.page(pageWidth)-column) {
				fmt.Fprintf(w, "    %-*s%s\n", column-4, label, line)
				label = ""
			}
		}
	}
	say("relationship", fmt.Sprintf("%s, %s, MCLT %s", orDash(p.Name), orDash(p.Protocol), span(time.Duration(p.MCLT)*time.Second)))
	say("because", p.Cause)
	say("waiting", p.Waiting)
	if !p.Connected {
		say("no connection", p.Trouble)
	}
	until := func(label string, t node.Instant, text string) {
		if t.After(c.now()) {
			say(label, text+" "+when(t, c.now()))
		}
	}
	until("own addresses", p.OwnShareFrom, "free ones are given to new clients from")
	until("its addresses", p.PartnerShareFrom, "free ones are given to new clients, too, from")
	if !p.PartnerShareFrom.IsZero() && !p.PartnerShareFrom.After(c.now()) {
		say("its addresses", "free ones are given to new clients, too")
	}
	if p.LargestMCLT > 0 {
		say("earlier MCLT", span(time.Duration(p.LargestMCLT)*time.Second)+": waits go by it while leases under it may be held")
	}
	if p.PartnerSilent {
		say("silent", string(p.Partner)+" does not answer the clients that are its own; this server does. Look at its interfaces, and at the relays that should reach it")
	}
	if p.Disagree {
		say("disagrees", "the two do not serve together until both files say the same of what safety stands on")
	}
	say("differs", strings.Join(p.Differs, "\n"))
	if p.Rejected > 0 {
		say("rejected", fmt.Sprintf("%s that %s did not take, and that it is offered again", count(p.Rejected, "update"), p.Partner))
	}
	if p.Ignored > 0 {
		say("ignored", fmt.Sprintf("%s of %s that meant nothing where it came", plural(p.Ignored, "message"), p.Partner))
	}
	if p.KeysWarning != "" {
		say("keys", p.KeysWarning)
	}
	writeConflicts(c, w, p)
	writeRefusedUpdates(c, w, p)
	writeRefusedConnections(c, w, p)
}

func plural(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func writeConflicts(c *console, w *bufio.Writer, p *node.PartnerStatus) {
	if len(p.Conflicts) == 0 {
		return
	}
	heading(c, w, "Addresses that two clients may hold")
	t := table{head: []string{"ADDRESS", "STAYS WITH", "MAY BE HELD BY", "WHY"}}
	for _, k := range p.Conflicts {
		t.add(cell{k.Address.String(), red}, cell{text: orDash(fromNetwork(k.Kept))}, cell{text: orDash(fromNetwork(k.Lost))}, cell{text: cut(fromNetwork(k.Cause), maxShownValue)})
	}
	t.fit(c, pageWidth-2, 3)
	t.write(c, w, "  ")
}

func writeRefusedUpdates(c *console, w *bufio.Writer, p *node.PartnerStatus) {
	if len(p.RefusedUpdates) == 0 {
		return
	}
	heading(c, w, "Updates that were not believed")
	t := table{head: []string{"ADDRESS", "TIME", "REASON", "WHY"}, right: map[int]bool{2: true}}
	for _, u := range p.RefusedUpdates {
		t.add(cell{text: u.Address.String()}, cell{text: when(u.Time, c.now())}, cell{text: fmt.Sprint(u.Reason)}, cell{text: cut(fromNetwork(u.Cause), maxShownValue)})
	}
	t.fit(c, pageWidth-2, 3)
	t.write(c, w, "  ")
}

func writeRefusedConnections(c *console, w *bufio.Writer, p *node.PartnerStatus) {
	if len(p.RefusedConnections) == 0 {
		return
	}
	heading(c, w, "Connections of servers that were refused, or failed")
	t := table{head: []string{"REASON", "TIMES", "LAST", "THE LAST ONE", "REMEDY"}, right: map[int]bool{1: true}}
	for _, r := range p.RefusedConnections {
		t.add(cell{text: printable(r.Reason)}, cell{fmt.Sprint(r.Count), yellow}, cell{text: when(r.Last, c.now())},
			cell{text: orDash(cut(fromNetwork(r.Detail), maxShownValue))}, cell{text: shown(r.Remedy)})
	}
	t.fit(c, pageWidth-2, 3, 4)
	t.write(c, w, "  ")
}
