package metrics

import (
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// family is a metric: one value for each combination of its labels.
type family struct {
	name   string
	kind   string // as the text format says it: counter, gauge, histogram
	labels []string
	desc   *prometheus.Desc
}

// families are all metrics that a Collector may have.
var families []*family

func declare(kind, name, help string, labels []string) *family {
	f := &family{name: name, kind: kind, labels: labels, desc: prometheus.NewDesc(name, help, labels, nil)}
	families = append(families, f)
	return f
}

func gauge(name, help string, labels ...string) *family { return declare("gauge", name, help, labels) }

func counter(name, help string, labels ...string) *family {
	return declare("counter", name, help, labels)
}

func histogram(name, help string, labels ...string) *family {
	return declare("histogram", name, help, labels)
}

// out is where metrics go.
type out chan<- prometheus.Metric

// number is what a value may be.
type number interface {
	~int | ~int64 | ~uint64 | ~float64
}

// put gives one value of a family.
func put[N number](o out, f *family, v N, labels ...string) {
	kind := prometheus.GaugeValue
	if f.kind == "counter" {
		kind = prometheus.CounterValue
	}
	o.keep(prometheus.NewConstMetric(f.desc, kind, float64(v), valid(labels)...))
}

// flag gives 1 for true, and 0.
func (o out) flag(f *family, v bool, labels ...string) { put(o, f, oneIf(v), labels...) }

// time gives a point in time in seconds since 1970; nothing where there is none.
func (o out) time(f *family, t node.Instant, labels ...string) {
	if !t.IsZero() {
		put(o, f, float64(t.UnixMilli())/1e3, labels...)
	}
}

// spread gives a histogram.
func (o out) spread(f *family, h *node.Histogram, labels ...string) {
	buckets, total := make(map[float64]uint64, len(h.Bounds)), uint64(0)
	for i, b := range h.Bounds {
		if i < len(h.Counts) {
			total += h.Counts[i]
		}
		buckets[b] = total
	}
	o.keep(prometheus.NewConstHistogram(f.desc, h.Total(), h.Sum, buckets, valid(labels)...))
}

// keep gives a metric; one that cannot be made is a mistake of this package, which the registry tells of without the others suffering.
func (o out) keep(m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(prometheus.NewDesc("lessor_invalid", "A metric that could not be made.", nil, nil), fmt.Errorf("metrics: %w", err))
	}
	o <- m
}

// valid returns labels as the text format takes them.
func valid(labels []string) []string {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "�")
	}
	return labels
}

func oneIf(v bool) int {
	if v {
		return 1
	}
	return 0
}
