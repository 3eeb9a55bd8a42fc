package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// frame returns the overview in lines of at most width columns, and at most height lines: what matters most stays. 0 is as much as
// there is.
func (v *overview) frame(c *console, width, height int) []string {
	d := &drawing{c: c, width: width, layout: width}
	if width <= 0 {
		d.layout = pageWidth
	}
	v.head(d)
	if v.helping && height > 0 {
		v.keysPart(d)
		return d.ending(height, "any key goes back   q quits")
	}
	v.alarms(d, height)
	v.traffic(d)
	pools, events := len(v.pools), len(v.events)
	if height > 0 {
		pools, events = share(height-len(d.lines)-1, pools, events)
	}
	v.poolsPart(d, pools)
	v.eventsPart(d, events)
	if height > 0 {
		return d.ending(height, "q quits   ? keys   ↑ ↓ go through the pools   lessor status says more of alarms")
	}
	return d.lines
}

// ending returns exactly height lines, of which the last is text.
func (d *drawing) ending(height int, text string) []string {
	for len(d.lines) < height-1 {
		d.add()
	}
	d.lines = d.lines[:max(0, height-1)]
	d.add(cell{text, dim})
	return d.lines
}

// keysPart says which keys there are.
func (v *overview) keysPart(d *drawing) {
	d.title("Keys")
	for _, k := range []struct{ keys, does string }{
		{"q, Ctrl-C", "end it"},
		{"↑ ↓, k j", "one pool up or down"},
		{"page up, page down, b space", "a screen of pools up or down"},
		{"home end, g G", "the fullest pool, the emptiest one"},
		{"Ctrl-Z", "stop it for now: fg has it go on"},
		{"?, h", "this"},
	} {
		d.add(cell{"  " + padded(k.keys, min(29, max(d.layout/2-2, 1)), false), bold}, cell{text: k.does})
	}
}

// share returns how many pools and events there is room for in so many lines, with a heading and a blank line above each.
func share(lines, pools, events int) (int, int) {
	const above = 2
	if lines < above+1 {
		return 0, 0
	}
	forEvents := 0
	if events > 0 {
		forEvents = min(events, max(lines/3-above, 0))
	}
	rest := lines - above
	if forEvents > 0 {
		rest -= forEvents + above
	}
	if pools < rest { // the pools have enough: the events get the rest
		return pools, min(events, max(lines-pools-2*above, 0))
	}
	return max(rest, 0), forEvents
}

// drawing is lines as they are made.
type drawing struct {
	c      *console
	width  int // 0: as long as they are
	layout int // how wide what can be of any width is made
	lines  []string
}

// add adds a line of pieces, cut at the width.
func (d *drawing) add(pieces ...cell) {
	var b strings.Builder
	room := d.width
	for _, p := range pieces {
		if p.text == "" {
			continue
		}
		if d.width > 0 {
			p.text = clipped(p.text, max(room, 0))
			room -= columns(p.text)
			if p.text == "" || room < 0 {
				break
			}
		}
		b.WriteString(d.c.paint(p.style, p.text))
	}
	d.lines = append(d.lines, strings.TrimRight(b.String(), " "))
}

// title begins a part.
func (d *drawing) title(text string) {
	d.add()
	d.add(cell{text, bold})
}

// padded returns s in exactly n columns; right: at their end.
func padded(s string, n int, right bool) string {
	s = clipped(s, n)
	pad := strings.Repeat(" ", max(n-columns(s), 0))
	if right {
		return pad + s
	}
	return s + pad
}

func (v *overview) head(d *drawing) {
	st := &v.status
	ready := cell{"ready", green}
	switch {
	case v.trouble != nil:
		ready = cell{"no answer", red}
	case !st.Ready:
		ready = cell{"not ready", yellow}
	case st.Waiting != "":
		ready.style = yellow
	}
	d.add(cell{printable(string(st.Server)), bold}, cell{text: "  "}, ready, cell{fmt.Sprintf("  %s, up %s  %s UTC", printable(st.Version),
		span(time.Duration(st.Uptime)*time.Second), v.at.UTC().Format(time.TimeOnly)), dim})
	if v.trouble != nil {
		d.add(cell{"  for " + span(v.at.Sub(v.since)) + ": " + printable(v.trouble.Error()), red})
	}
	if st.Waiting != "" {
		d.add(cell{"  " + printable(st.Waiting), yellow})
	}
	for i := range st.Partners {
		v.partner(d, &st.Partners[i])
	}
	line := []cell{{text: "  configuration " + shortName(st.Config.Head) + " for " + lasting(v.at, st.Config.Since)}}
	if g := st.Config.Group; g != nil && g.PartnerHead != "" && g.PartnerHead != g.Head {
		line = append(line, cell{", the partner's is another", yellow})
	}
	if st.Stale != nil && st.Stale.Clients > 0 {
		line = append(line, cell{fmt.Sprintf("   %d stale", st.Stale.Clients), yellow})
	}
	d.add(append(line, cell{text: "   leases " + bindingCounts(st.Bindings)})...)
}

// lasting returns for how long something has been so since t.
func lasting(now time.Time, t node.Instant) string {
	if t.IsZero() {
		return "-"
	}
	return span(max(now.Sub(t.Time), 0))
}

func (v *overview) partner(d *drawing, p *node.PartnerStatus) {
	since := func(t node.Instant) cell {
		if t.IsZero() || d.layout < narrow { // the states matter more
			return cell{}
		}
		return cell{" for " + lasting(v.at, t), dim}
	}
	line := []cell{{text: "  here "}, serverState(p.State), since(p.Since), {text: "   " + printable(string(p.Partner)) + " "}, serverState(p.PartnerState), since(p.PartnerSince)}
	if p.Connected {
		line = append(line, cell{"   connected", green}, cell{text: fmt.Sprintf("   %d unacknowledged   clock %+.1f s", p.Unacked, p.Skew)})
	} else {
		line = append(line, cell{"   not connected", red}, cell{text: "  " + printable(p.Trouble)})
	}
	d.add(line...)
}

// narrow is below how many columns what matters less is left out of a line.
const narrow = 60

func serverState(state string) cell {
	st := yellow
	switch state {
	case "NORMAL":
		st = green
	case "RECOVER", "RECOVER-WAIT", "POTENTIAL-CONFLICT", "STARTUP":
		st = red
	}
	return cell{orDash(printable(state)), st}
}

// alarms writes a line for each alarm, on a terminal for at most a fifth of its lines.
func (v *overview) alarms(d *drawing, height int) {
	as := v.status.Alarms
	most := len(as)
	if height > 0 {
		most = min(most, max(2, height/5))
	}
	if most > 0 {
		d.add()
	}
	for _, a := range as[:most] {
		st := yellow
		if a.Severity == node.Critical {
			st = red
		}
		since := ""
		if !a.Since.IsZero() {
			since = " for " + lasting(v.at, a.Since)
		}
		text := strings.Join(strings.Fields(a.Text), " ")
		d.add(cell{"  " + padded(printable(string(a.Severity)), 9, false), st}, cell{printable(a.Title) + " (" + printable(a.Code) + ")", bold},
			cell{since, dim}, cell{text: ": " + printable(text)})
	}
	if more := len(as) - most; more > 0 {
		d.add(cell{fmt.Sprintf("  and %d more: lessor status", more), yellow})
	}
}

func (v *overview) traffic(d *drawing) {
	d.add()
	r := v.rates
	if r == nil {
		d.add(cell{"  the server does not say how much comes and goes", dim})
		return
	}
	v.rate(d, "received", r.Received, plain)
	v.rate(d, "answered", r.Sent, plain)
	v.rate(d, "dropped", r.Drops, dim)
	took := func(half, most []float64) string {
		if newest(half) < 0 {
			return "-"
		}
		return fmt.Sprintf("half in %s, 99 of 100 in %s", millis(newest(half)), millis(newest(most)))
	}
	d.add(cell{"  " + padded("took", labelWidth, false), dim}, cell{text: "answers " + took(r.AnswerP50, r.AnswerP99) + "   commits " + took(r.CommitP50, r.CommitP99)})
}

// The widths of the lines about what comes and goes.
const (
	labelWidth = 9
	rateWidth  = 8
	sparkWidth = 60
)

// rate writes one line: how much in a second now, how it went, and what most of it is.
func (v *overview) rate(d *drawing, label string, of map[string][]uint32, st style) {
	per := perSecond(v.rates, of)
	spark := max(10, min(sparkWidth, d.layout-labelWidth-rateWidth-30))
	d.add(cell{"  " + padded(label, labelWidth, false), dim}, cell{padded(figure(per)+"/s", rateWidth, true) + " ", st},
		cell{padded(sparkline(sumOf(of), spark), spark, true), green}, cell{"  " + mostOf(of), dim})
}

// mostOf returns the three names of which there was most lately.
func mostOf(of map[string][]uint32) string {
	recent := func(name string) (n int) {
		l := of[name]
		for _, k := range l[max(0, len(l)-recentSteps):] {
			n += int(k)
		}
		return n
	}
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(cmp.Compare(recent(b), recent(a)), strings.Compare(a, b)) })
	var parts []string
	for _, name := range names[:min(3, len(names))] {
		if recent(name) > 0 {
			parts = append(parts, printable(strings.TrimPrefix(name, "DHCP")))
		}
	}
	return strings.Join(parts, ", ")
}

// figure returns a number in at most five characters.
func figure(v float64) string {
	switch {
	case v <= 0:
		return "0"
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	case v < 1e5:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.0fk", v/1e3)
}

// millis returns milliseconds for a person.
func millis(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2g ms", v)
	case v < 1e4:
		return fmt.Sprintf("%.0f ms", v)
	}
	return fmt.Sprintf("%.0f s", v/1e3)
}

// levels are the blocks of a sparkline.
var levels = []rune("▁▂▃▄▅▆▇█")

// sparkline returns the last n values as blocks, the largest of them as the highest.
func sparkline(values []float64, n int) string {
	values = values[max(0, len(values)-n):]
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	out := make([]rune, len(values))
	for i, v := range values {
		out[i] = levels[0]
		if v > 0 {
			out[i] = levels[min(len(levels)-1, int(math.Ceil(v/most*float64(len(levels)-1))))]
		}
	}
	return string(out)
}

// bar returns how much of n columns is full.
func bar(part float64, n int) string {
	eighths := int(math.Round(min(max(part, 0), 1) * float64(n) * 8))
	if part > 0 && eighths == 0 {
		eighths = 1
	}
	s := strings.Repeat("█", eighths/8)
	if eighths%8 > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[eighths%8-1])
	}
	return s + strings.Repeat("·", n-columns(s))
}

// poolsPart writes so many pools, from the first that is to be shown on.
func (v *overview) poolsPart(d *drawing, room int) {
	v.room = room
	v.from = max(0, min(v.from, len(v.pools)-room))
	if room == 0 && len(v.pools) > 0 {
		return
	}
	title := "Pools"
	if room < len(v.pools) {
		title += fmt.Sprintf(", %d to %d of %d", v.from+1, v.from+room, len(v.pools))
	}
	d.title(title)
	if len(v.pools) == 0 {
		d.add(cell{"  none: only hosts with an address of their own are served", dim})
		return
	}
	name, ranges := 0, 0
	for _, p := range v.pools[v.from : v.from+room] {
		name, ranges = max(name, columns(printable(p.Network))), max(ranges, columns(printable(p.Range)))
	}
	name, ranges = min(name, 16), min(ranges, 33)
	if d.layout < 90 {
		ranges = 0 // the network says enough
	}
	for _, p := range v.pools[v.from : v.from+room] {
		v.pool(d, p, name, ranges)
	}
}

// pool writes one pool, its network and range in so many columns.
func (v *overview) pool(d *drawing, p fullness, name, ranges int) {
	st := green
	switch {
	case freeOf(p.PoolStatus) == 0 || p.used >= 0.95:
		st = red
	case p.used >= 0.8:
		st = yellow
	}
	place := "  " + padded(printable(p.Network), name, false) + "  "
	if ranges > 0 {
		place += padded(printable(p.Range), ranges, false) + "  "
	}
	width := max(8, min(30, d.layout-columns(place)-40))
	d.add(cell{text: place}, cell{bar(p.used, width), st}, cell{fmt.Sprintf(" %3.0f%%", math.Floor(100*p.used)), st},
		cell{text: fmt.Sprintf("  %d free", freeOf(p.PoolStatus))}, v.going(p))
}

// going says where a pool is going.
func (v *overview) going(p fullness) cell {
	t := p.trend
	switch {
	case freeOf(p.PoolStatus) == 0:
		return cell{"  empty", red}
	case t == nil:
		return cell{}
	case !t.EmptyAt.IsZero():
		left := t.EmptyAt.Sub(v.at)
		st := dim
		if left < 24*time.Hour {
			st = yellow
		}
		return cell{"  empty in " + span(max(left, time.Second)), st}
	}
	return cell{}
}

// eventsPart writes so many of the newest events, the newest at the end.
func (v *overview) eventsPart(d *drawing, room int) {
	if room == 0 {
		return
	}
	d.title("Events")
	for _, e := range v.events[len(v.events)-room:] {
		st := plain
		switch {
		case e.Level >= 8: // slog.LevelError
			st = red
		case e.Level >= 4: // slog.LevelWarn
			st = yellow
		}
		line := []cell{{"  " + e.Time.UTC().Format(time.TimeOnly) + " ", dim}, {padded(e.Kind.String(), 16, false) + " ", st}, {text: printable(e.Message)}}
		for _, a := range attributes(e) {
			if a.value != "" {
				line = append(line, cell{" " + a.name + "=", dim}, cell{text: quoted(fromNetwork(a.value))})
			}
		}
		d.add(line...)
	}
}
