// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"strings"

	"scxdiag/dump"
)

// fullMask is a mask as scx schedulers print it: full groups, "" if unknown.
func (r *renderer) fullMask(m dump.Value[dump.CPUMask]) string {
	if !m.Known {
		return ""
	}
	return m.V.Hex((r.CPUIDs + 31) / 32 * 32)
}

// build prints the lines that scx schedulers start with. Behind the kernel's
// version stands its local version, after a blank, even if it is empty.
func (r *renderer) build(o *opsText) {
	for i := range r.s.Build {
		kv := &r.s.Build[i]
		blank := ""
		if kv.Key == "kernel" && !strings.Contains(kv.Value, " ") {
			blank = " "
		}
		o.print(at(&kv.At), "%s: %s%s\n", kv.Key, kv.Value, blank)
	}
}

// mitosis prints the cells, the CPUs and the debug events.
func (r *renderer) mitosis(o *opsText) {
	r.build(o)
	llc := r.LLC && r.Format >= MitosisV5
	for i := range r.s.Cells {
		c := &r.s.Cells[i]
		o.print(at(&c.CPUs.At, &c.At), "CELL[%d] CPUS=%s\n", c.ID, r.fullMask(c.CPUs))
		if !llc {
			o.print(at(&c.VTime.At, &c.Queued.At), "CELL[%d] vtime=%d nr_queued=%d\n", c.ID, c.VTime.V, c.Queued.V)
			continue
		}
		o.print(at(&c.DrainLLCs.At, &c.CPULLCs.At), "CELL[%d] llcs_to_drain=%x llcs_with_cpus=%x\n",
			c.ID, c.DrainLLCs.V, c.CPULLCs.V)
		for j := range c.LLCs {
			l := &c.LLCs[j]
			tracked := ""
			if r.Format >= MitosisV6 {
				tracked = fmt.Sprintf(" tracked_nr_queued=%d", l.TrackedQueued.V)
			}
			o.print(at(&l.At, &l.VTime.At, &l.Queued.At, &l.Drain.At, &l.HasCPUs.At, &l.TrackedQueued.At),
				"CELL[%d] LLC[%d] vtime=%d nr_queued=%d drain=%d has_cpus=%d%s\n",
				c.ID, l.LLC, l.VTime.V, l.Queued.V, bit(l.Drain.V), bit(l.HasCPUs.V), tracked)
		}
	}
	for id := range int32(r.CPUIDs) { //nolint:gosec // small
		c := r.s.CPU(id)
		if c == nil || !c.Cell.Known {
			continue
		}
		where := ""
		if llc {
			where = fmt.Sprintf(" llc=%d", c.LLC.V)
		}
		o.print(at(&c.Cell.At, &c.LLC.At, &c.VTime.At, &c.Queued.At), "CPU[%d] cell=%d%s vtime=%d nr_queued=%d\n",
			id, c.Cell.V, where, c.VTime.V, c.Queued.V)
	}
	if r.Events && r.Format >= MitosisV2 && r.Format <= MitosisV6 {
		r.mitosisEvents(o)
	}
}

func (r *renderer) mitosisEvents(o *opsText) {
	o.print(nil, "\n")
	o.print(nil, "DEBUG EVENTS (last %d):\n", len(r.s.Events))
	for i := range r.s.Events {
		e := &r.s.Events[i]
		marks := at(&e.At, &e.CgroupID.At, &e.PID.At, &e.Time.At)
		switch e.Kind {
		case "CGROUP_INIT", "CGROUP_EXIT":
			o.print(marks, "[%3d] %s cgid=%d ts=%d\n", e.Seq, e.Kind, e.CgroupID.V, e.Time.V)
		case "INIT_TASK":
			o.print(marks, "[%3d] INIT_TASK   cgid=%d pid=%d ts=%d\n", e.Seq, e.CgroupID.V, e.PID.V, e.Time.V)
		default:
			o.print(marks, "[%3d] UNKNOWN     type=%s ts=%d\n", e.Seq, value(e.Unknown, "type"), e.Time.V)
		}
	}
}

func (r *renderer) mitosisTask(o *opsText, t *dump.Task) {
	if !t.Cell.Known {
		return
	}
	llc := ""
	if r.Format.hasLLC() {
		llc = fmt.Sprintf(" llc=%d", t.LLC.V)
	}
	o.print(at(&t.VTime.At, &t.BasisVTime.At, &t.Cell.At, &t.LLC.At, &t.AssignedDSQ.At, &t.AllCellCPUsAllowed.At),
		"Task[%d] vtime=%d basis_vtime=%d cell=%d%s dsq=%x all_cell_cpus_allowed=%d\n",
		t.PID, t.VTime.V, t.BasisVTime.V, t.Cell.V, llc, uint64(t.AssignedDSQ.V.ID), bit(t.AllCellCPUsAllowed.V))
	o.print(at(&t.SchedulerCPUs.At), "Task[%d] CPUS=%s\n", t.PID, r.fullMask(t.SchedulerCPUs))
}

// CellDSQ is the DSQ of a cell in the encoding of a format of scx_mitosis.
func (f Format) CellDSQ(cell, llc int32) dump.DSQRef {
	id := dump.DSQID(uint32(cell)) //nolint:gosec // not negative
	if f >= MitosisV3 {
		id = 0x2000_0000 | id<<16 | dump.DSQID(uint32(llc)) //nolint:gosec // not negative
	}
	return dump.DSQRef{ID: id, Kind: dump.DSQKindCell, Cell: cell, LLC: llc}
}

// CPUDSQ is the DSQ of a CPU in the encoding of a format of scx_mitosis.
func (f Format) CPUDSQ(cpu int32) dump.DSQRef {
	base := dump.DSQID(0x8000_0000)
	if f >= MitosisV3 {
		base = 0x1000_0000
	}
	return dump.DSQRef{ID: base | dump.DSQID(uint32(cpu)), Kind: dump.DSQKindCPU, CPU: cpu} //nolint:gosec // not negative
}
