// SPDX-License-Identifier: GPL-2.0-only

package metrics

import (
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"scxdiag/dump"
)

// Config is what is told of a recorder whenever somebody asks. Its functions must be
// safe to be called by any goroutine.
type Config struct {
	Version, Revision, GoVersion string // of this program, "" if unknown
	// RecordingBytes is the size of the recording.
	RecordingBytes func() int64
	// OldestWaiter is how long the task has waited that has waited for the longest; false
	// if none waits, or nobody knows. Nil leaves out the metric.
	OldestWaiter func() (time.Duration, bool)
	// AlertKinds and AlertResults are what Alert is called with.
	AlertKinds, AlertResults []string
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
		Name: "scxdiag_scheduler_info", Help: "1 for the scheduler that is enabled.",
	}, []string{"scheduler"})
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
		m.snapshots, m.crashes, m.alerts, m.info, lost("line", &m.lostLines), lost("step", &m.lostEnds), build,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "scxdiag_recording_bytes", Help: "Size of the recording, without its write-ahead log.",
		}, func() float64 { return float64(c.RecordingBytes()) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if c.OldestWaiter != nil {
		m.registry.MustRegister(&waiter{ask: c.OldestWaiter, desc: prometheus.NewDesc(
			"scxdiag_oldest_waiter_seconds", "How long the task has waited that has waited for the longest.", nil, nil)})
	}
	// What was not counted yet is 0: a rate needs the value before the first one.
	for _, t := range []dump.Trigger{dump.TriggerCrash, dump.TriggerExit, dump.TriggerSysRq, dump.TriggerSample, dump.TriggerHalfway} {
		m.snapshots.WithLabelValues(string(t))
	}
	for _, k := range c.AlertKinds {
		for _, r := range c.AlertResults {
			m.alerts.WithLabelValues(k, r)
		}
	}
	return m
}

// Snapshot counts a snapshot.
func (m *Metrics) Snapshot(s *dump.Snapshot) {
	if m == nil {
		return
	}
	m.snapshots.WithLabelValues(string(s.Trigger)).Inc()
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

// Lost sets how many records were lost so far.
func (m *Metrics) Lost(lines, steps uint64) {
	if m != nil {
		m.lostLines.Store(lines)
		m.lostEnds.Store(steps)
	}
}

// Scheduler sets which scheduler is enabled, "" for none.
func (m *Metrics) Scheduler(name string) {
	if m == nil {
		return
	}
	if old := m.loaded.Swap(&name); old != nil && *old == name {
		return
	}
	m.info.Reset()
	if name != "" {
		m.info.WithLabelValues(label(name)).Set(1)
	}
}

// label makes text a value of a label: valid UTF-8, printable, not long.
func label(s string) string {
	s = dump.Printable(s)
	if len(s) <= maxLabel {
		return s
	}
	n := maxLabel
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}

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
