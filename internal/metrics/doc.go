// Package metrics says in Prometheus's words how a server does: what it measured, and what its status counts. It knows names, labels
// and units (docs/metrics.md); it measures nothing of a packet itself, and never puts a client's words into a label.
package metrics
