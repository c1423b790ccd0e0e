// SPDX-License-Identifier: GPL-2.0-only

package diff

import "scxdiag/dump"

// Counters is how the kernel's event counters grew.
type Counters struct {
	Changed []Counter // those that grew, in the order of After
	Values  Tally
}

// Counter is a counter of both snapshots.
type Counter struct {
	Name          string
	Before, After int64
}

// Delta is by how much it grew; negative if it went back, as when After is
// older.
func (c *Counter) Delta() int64 { return c.After - c.Before }

// counters compares the counters, which start from 0 with each run of the
// scheduler.
func (d *Diff) counters() {
	r := &d.Counters
	before, after := lastValues(d.Before.Counters), lastValues(d.After.Counters)
	for _, c := range firstByIDInOrder(d.After.Counters, func(c *dump.Counter) string { return c.Name }) {
		b, ok := before[c.Name]
		a := after[c.Name]
		switch {
		case !ok || !d.SameRun:
			r.Values.add(Unknown)
		case b == a:
			r.Values.add(Same)
		default:
			r.Values.add(Changed)
			r.Changed = append(r.Changed, Counter{c.Name, b, a})
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			r.Values.add(Unknown)
		}
	}
}

// lastValues finds counters by name. The kernel names each once; of one that
// comes again the last value counts.
func lastValues(counters []dump.Counter) map[string]int64 {
	m := make(map[string]int64, len(counters))
	for _, c := range counters {
		m[c.Name] = c.Value
	}
	return m
}

// wentBack names a counter that is lower than before, "" if none is.
func wentBack(before, after []dump.Counter) string {
	earlier := lastValues(before)
	later := lastValues(after)
	for _, c := range after {
		if v, ok := earlier[c.Name]; ok && later[c.Name] < v {
			return c.Name
		}
	}
	return ""
}
