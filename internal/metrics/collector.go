package metrics

import (
	"cmp"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// collector gives what was measured at one moment.
type collector struct{ m *node.Measures }

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range families {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	o, st := out(ch), &c.m.Status
	o.server(st)
	o.packets(st)
	o.work(c.m)
	o.bindings(st)
	o.pools(st.Pools)
	o.stale(st.Stale)
	o.config(&st.Config)
	o.alarms(st.Alarms)
	o.interfaces(st.Interfaces)
	o.classes(st.ClassesFailed)
	for i := range st.Partners {
		o.partner(&st.Partners[i])
	}
	o.store(&st.Store)
}

var (
	info      = gauge("lessor_info", "The server: its name among the members, and the program's version. Always 1.", "server", "version")
	started   = gauge("lessor_start_time_seconds", "When the server began, in seconds since 1970.")
	ready     = gauge("lessor_ready", "Whether the store is read and the sockets are open.")
	waiting   = gauge("lessor_waiting", "Whether some clients are not answered until something has happened: lessor status says what.")
	alarm     = gauge("lessor_alarm", "How many alarms with this code hold now; those that do not hold are left out.", "code", "severity")
	alarms    = gauge("lessor_alarms", "How many alarms hold now.", "severity")
	interFace = gauge("lessor_interface_up", "Whether an interface on which clients are heard is up; the first 500 of them.", "interface")
	failures  = counter("lessor_class_failures_total", "Messages for which the expression of a class failed; the first 100 classes, and the others together.", "class")
	lost      = counter("lessor_events_lost_total", "Events that those who listened were too slow for.")
)

func (o out) server(st *node.Status) {
	put(o, info, 1, string(st.Server), st.Version)
	o.time(started, st.Started)
	o.flag(ready, st.Ready)
	o.flag(waiting, st.Waiting != "")
}

// other is the label of what is added up beyond a bound.
const other = "other"

// The most of each kind that have a series of their own.
const (
	// MaxPools is how many pools do; the others are one, whose labels are "other".
	MaxPools      = 500
	maxInterfaces = 500
	maxClasses    = 100
)

func (o out) alarms(as []node.Alarm) {
	type key struct {
		code     string
		severity node.Severity
	}
	n, by := map[key]int{}, map[node.Severity]int{node.Warning: 0, node.Critical: 0}
	for _, a := range as {
		n[key{a.Code, a.Severity}]++
		by[a.Severity]++
	}
	for k, v := range n {
		put(o, alarm, v, k.code, string(k.severity))
	}
	for k, v := range by {
		put(o, alarms, v, string(k))
	}
}

func (o out) interfaces(is []node.InterfaceStatus) {
	seen := map[string]bool{}
	for _, i := range is {
		if !seen[i.Name] && len(seen) < maxInterfaces {
			seen[i.Name] = true
			o.flag(interFace, i.Up, i.Name)
		}
	}
}

func (o out) classes(fs []node.ClassFailure) {
	fs = slices.SortedFunc(slices.Values(fs), func(a, b node.ClassFailure) int { return cmp.Compare(a.Class, b.Class) })
	count := map[string]uint64{}
	for i, f := range fs {
		name := f.Class
		if i >= maxClasses {
			name = other
		}
		count[name] += f.Count
	}
	o.counts(failures, count)
}

// counts gives a counter for each name.
func (o out) counts(f *family, n map[string]uint64) {
	for _, name := range slices.Sorted(maps.Keys(n)) {
		put(o, f, n[name], name)
	}
}
