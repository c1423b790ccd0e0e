// SPDX-License-Identifier: GPL-2.0-only

package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"scxdiag/dump"
)

// Config is what is told of a recorder whenever somebody asks. Its functions must be
// safe to be called by any goroutine.
type Config struct {
	Version, Revision, GoVersion string // of this program, "" if unknown
	// Recording tells how it is with the recording.
	Recording func() Recording
	// OldestWaiter is how long the task has waited that has waited for the longest; false
	// if none waits, or nobody knows. Nil leaves out the metric.
	OldestWaiter func() (time.Duration, bool)
	// AlertKinds and AlertResults are what Alert is called with.
	AlertKinds, AlertResults []string
}

// Recording is how it is with a recording.
type Recording struct {
	Bytes                  int64  // its size
	Waiting                int    // snapshots that are not recorded yet
	Recorded, Lost, Pruned uint64 // snapshots so far
}

// Metrics are the metrics of a recorder. All methods may be called at the same time,
// and do nothing if it is nil.
type Metrics struct {
	registry            *prometheus.Registry
	snapshots           *prometheus.CounterVec
	crashes             *prometheus.CounterVec
	alerts              *prometheus.CounterVec
	info                *prometheus.GaugeVec
	names               schedulers
	lostLines, lostEnds atomic.Uint64
	loaded              atomic.Pointer[string]
}

const (
	// maxSchedulers is how many names a label has before the rest is "other".
	maxSchedulers = 100
	maxLabel      = 128 // bytes
	other         = "other"
)

// New makes the metrics of a recorder, with those of Go and of the process.
func New(c Config) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.snapshots = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scxdiag_snapshots_total", Help: "Snapshots by what there was one for.",
	}, []string{"trigger"})
	m.crashes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scxdiag_crashes_total", Help: "Schedulers that the kernel threw out, by the kernel's kind of exit.",
	}, []string{"scheduler", "kind"})
	m.alerts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scxdiag_alerts_total", Help: "Alerts of crashes by what became of them.",
	}, []string{"kind", "result"})
	m.info = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "scxdiag_scheduler_info", Help: "1 for the scheduler that is enabled; the version is its whole name.",
	}, []string{"scheduler", "version"})
	lost := func(kind string, v *atomic.Uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "scxdiag_lost_records_total", Help: "Records that the kernel had no room for: lines of dumps, and ends of dumps and schedulers.",
			ConstLabels: prometheus.Labels{"kind": kind},
		}, func() float64 { return float64(v.Load()) })
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "scxdiag_build_info", Help: "1, with what was built.",
		ConstLabels: prometheus.Labels{"version": label(c.Version), "revision": label(c.Revision), "goversion": label(c.GoVersion)},
	})
	build.Set(1)
	m.registry.MustRegister(
		m.snapshots, m.crashes, m.alerts, m.info, lost("line", &m.lostLines), lost("end", &m.lostEnds), build,
		gauge("scxdiag_recording_bytes", "Size of the recording, without its write-ahead log.", func() float64 { return float64(c.Recording().Bytes) }),
		gauge("scxdiag_waiting_snapshots", "Snapshots that are not recorded yet.", func() float64 { return float64(c.Recording().Waiting) }),
		counter("scxdiag_recorded_total", "Snapshots that were recorded.", func() uint64 { return c.Recording().Recorded }),
		counter("scxdiag_unrecorded_total", "Snapshots that are lost because too many waited to be recorded.", func() uint64 { return c.Recording().Lost }),
		counter("scxdiag_pruned_total", "Snapshots that were deleted because of the bounds of the recording.", func() uint64 { return c.Recording().Pruned }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if c.OldestWaiter != nil {
		m.registry.MustRegister(&waiter{ask: c.OldestWaiter, desc: prometheus.NewDesc(
			"scxdiag_oldest_waiter_seconds", "How long the task has waited that has waited for the longest.", nil, nil)})
	}
	// What was not counted yet is 0: a rate needs the value before the first one.
	for _, t := range dump.Triggers() {
		m.snapshots.WithLabelValues(string(t))
	}
	for _, k := range c.AlertKinds {
		for _, r := range c.AlertResults {
			m.alerts.WithLabelValues(k, r)
		}
	}
	return m
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

func counter(name, help string, value func() uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
}

// Snapshot counts a snapshot.
func (m *Metrics) Snapshot(s *dump.Snapshot) {
	if m == nil {
		return
	}
	trigger := string(s.Trigger)
	if s.Trigger == dump.TriggerUnknown {
		trigger = "unknown"
	}
	m.snapshots.WithLabelValues(trigger).Inc()
	if s.Trigger != dump.TriggerCrash {
		return
	}
	kind := "unknown"
	if s.Exit != nil && s.Exit.Kind.Known {
		kind = other
		if k := s.Exit.Kind.V; k.Reason() != "" { // one of those that this program knows
			kind = k.String()
		}
	}
	m.crashes.WithLabelValues(m.names.of(s.BaseName()), kind).Inc()
}

// Alert counts an alert.
func (m *Metrics) Alert(kind, result string) {
	if m != nil {
		m.alerts.WithLabelValues(kind, result).Inc()
	}
}

// Lost sets how many records were lost so far: lines of dumps, and ends of dumps and
// schedulers.
func (m *Metrics) Lost(lines, ends uint64) {
	if m != nil {
		m.lostLines.Store(lines)
		m.lostEnds.Store(ends)
	}
}

// Scheduler sets which scheduler is enabled, by its whole name, "" for none.
func (m *Metrics) Scheduler(name string) {
	if m == nil {
		return
	}
	if old := m.loaded.Swap(&name); old != nil && *old == name {
		return
	}
	m.info.Reset()
	if name != "" {
		m.info.WithLabelValues(m.names.of(dump.BaseName(name)), label(name)).Set(1)
	}
}

// label makes text a value of a label: valid UTF-8, printable, not long.
func label(s string) string { return dump.Cut(dump.Printable(s), maxLabel) }

// waiter collects the wait of the oldest waiter, if there is one.
type waiter struct {
	ask  func() (time.Duration, bool)
	desc *prometheus.Desc
}

func (w *waiter) Describe(to chan<- *prometheus.Desc) { to <- w.desc }

func (w *waiter) Collect(to chan<- prometheus.Metric) {
	if d, ok := w.ask(); ok {
		to <- prometheus.MustNewConstMetric(w.desc, prometheus.GaugeValue, d.Seconds())
	}
}
