// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"cmp"
	"slices"
	"time"

	"scxdiag/dump"
)

var vtimeOutlier = Rule{
	Name:  "vtime-outlier",
	Title: "a virtual time is far off its queue's",
	Page: Page{
		Happened: "Queues in order of vtime serve the smallest first. A task whose vtime is far ahead of the others never comes first; and where one queue's clock is far ahead of another's that the same CPU serves, the first one starves.",
		Shows:    "The dsq_vtime of the task that waits is ahead of the others in its queue, or of those that its CPU serves instead, by many slices; or the scheduler itself says that a vtime is too far ahead.",
		Confirm:  "Compare vtime and basis_vtime of the task: if vtime is near the basis, the clock that it was set against is wrong; if not, the task was charged too much. A weight of 1 makes a second of running 100 s of vtime.",
		Fix:      "Clamp vtime to the clock of the queue on every insert, in both directions, and charge a task against the clock of the CPU that it ran on.",
	},
	check: checkVTime,
}

// outlierSlices is how many slices of 20 ms a vtime must be ahead: more than a
// queue of many tasks spreads over.
const (
	defaultSlice  = 20 * time.Millisecond
	outlierSlices = 100
)

func checkVTime(v *view) []*finding {
	if v.kind() == dump.ExitErrorBPF && v.says("vtime") {
		return v.vtimeMessage()
	}
	if v.subject == nil || !v.isStall() || !v.subject.DSQVTime.Known || !v.subject.DSQ.Known || v.subject.DSQ.V.IsNone() || v.subject.DSQ.V.ID.IsBuiltin() {
		return nil
	}
	t := v.subject
	if rest := v.vtimesOf(v.byDSQ[t.DSQ.V.ID], t); len(rest) >= 3 {
		if median := rest[len(rest)/2]; ahead(t.DSQVTime.V, median) {
			return []*finding{v.stallFinding(dump.ConfidenceHigh, []*dump.Task{t}, "the vtime of %s is %s ahead of its queue", t, lead(t.DSQVTime.V, median)).
				because("%s waits on DSQ %s with vtime %d. Half of the %s there have %d or less, so it is %s of vtime behind them all in line, and does not come up.",
					t, t.DSQ.V, t.DSQVTime.V, counted(len(rest), "other task", "other tasks"), median, lead(t.DSQVTime.V, median)).
				task(v, t).proof(v, taskName(t), before(t.DSQVTime.At, "dsq_vtime="), "").
				then("compare vtime and basis_vtime of the task, and its weight")}
		}
	}
	return v.vtimeOfRival(t)
}

// vtimeMessage is what to say where the scheduler itself found a vtime far ahead.
func (v *view) vtimeMessage() []*finding {
	t := v.subject
	if t == nil {
		t = v.taskIn(v.message())
	}
	f := finds(dump.SeverityError, dump.ConfidenceHigh, "a vtime is far ahead: %s", v.message()).
		because("The scheduler gave up because a vtime was further ahead of its clock than it allows: %s.", v.message()).
		explains(true).exit(v)
	if t != nil {
		f.hurts(t)
		if t.DSQVTime.Known && t.BasisVTime.Known {
			f.because("%s has vtime %d against a basis of %d, %s ahead.", t, t.DSQVTime.V, t.BasisVTime.V, lead(t.DSQVTime.V, t.BasisVTime.V)).
				proof(v, taskName(t), before(t.DSQVTime.At, "dsq_vtime="), "").proof(v, taskName(t), before(t.BasisVTime.At, "basis_vtime="), "")
		}
		if t.Weight.Known && t.Weight.V < 20 {
			f.because("Its weight is %d: each second that it runs is %d s of vtime.", t.Weight.V, 100/max(t.Weight.V, 1))
		}
		f.task(v, t)
	}
	return []*finding{f.then("look whether the task ran for long without a scheduling event, at a low weight, or was set against another clock")}
}

// vtimeOfRival compares a task on the queue of a CPU with those that the CPU
// serves instead: schedulers with such queues take the smaller vtime.
func (v *view) vtimeOfRival(t *dump.Task) []*finding {
	cpu := t.DSQ.V.CPU
	if t.DSQ.V.Kind != dump.DSQKindCPU {
		return nil
	}
	c := v.cpus[cpu]
	if c == nil {
		return nil
	}
	var rivals []*dump.Task
	for _, o := range v.waiting {
		if o.DSQ.Known && o.DSQ.V.Kind == dump.DSQKindCell && c.Cell.Known && o.DSQ.V.Cell == c.Cell.V {
			rivals = append(rivals, o)
		}
	}
	if cur := v.current(c); cur != nil && cur.Cell.Known && c.Cell.Known && cur.Cell.V == c.Cell.V {
		rivals = append(rivals, cur)
	}
	rest := v.vtimesOf(rivals, t)
	if len(rest) == 0 || v.partial || !ahead(t.DSQVTime.V, rest[len(rest)-1]) {
		return nil
	}
	most := rest[len(rest)-1]
	f := v.stallFinding(dump.ConfidenceHigh, []*dump.Task{t}, "the vtime of %s is %s ahead of what CPU %d serves instead", t, lead(t.DSQVTime.V, most), cpu).
		because("%s waits on the queue of CPU %d with vtime %d. That CPU also serves cell %d, where the largest vtime is %d. It takes the smaller one, so for %s of vtime the cell comes first.",
			t, cpu, t.DSQVTime.V, c.Cell.V, most, lead(t.DSQVTime.V, most)).
		task(v, t).proof(v, taskName(t), before(t.DSQVTime.At, "dsq_vtime="), "").cpu(v, c)
	if cell := v.cells[c.Cell.V]; cell != nil {
		f.cell(v, cell)
	}
	return []*finding{f.then("find which clock the task was charged against when it ran on that CPU")}
}

// vtimesOf are the vtimes of some tasks but one, the smallest first.
func (v *view) vtimesOf(tasks []*dump.Task, but *dump.Task) []uint64 {
	var all []uint64
	for _, t := range tasks {
		if t != but && t.DSQVTime.Known && t.DSQVTime.V != 0 {
			all = append(all, t.DSQVTime.V)
		}
	}
	if len(all) == 0 {
		return nil
	}
	first := all[0]                                                                                    // they wrap, so they are in order only relative to one
	slices.SortFunc(all, func(a, b uint64) int { return cmp.Compare(int64(a-first), int64(b-first)) }) //nolint:gosec // wrapping
	return all
}

// ahead reports whether a is far ahead of b.
func ahead(a, b uint64) bool {
	d := int64(a - b) //nolint:gosec // wrapping
	return d > int64(outlierSlices*defaultSlice)
}

// lead says how far a is ahead of b.
func lead(a, b uint64) string { return seconds(time.Duration(a - b)) } //nolint:gosec // wrapping

// taskIn finds the task whose pid a message ends with, as some schedulers have it.
func (v *view) taskIn(message string) *dump.Task {
	found := numbers.FindAllString(message, 16)
	for i := len(found) - 1; i >= 0; i-- {
		if n, ok := signed(found[i]); ok && n > 0 && n < 1<<31 {
			if t := v.tasks[int32(n)]; t != nil {
				return t
			}
		}
	}
	return nil
}
