// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var migrationDisabled = Rule{
	Name:  "migration-disabled",
	Title: "a task may not leave its CPU, and that CPU does not take it",
	Page: Page{
		Happened: "The kernel has disabled the migration of a task for a moment (migrate_disable), so only the CPU that it was on may run it. The scheduler put it where that CPU does not look, or tried to move it.",
		Shows:    "no_mig= of the task is 1 or more and cpus= has one CPU, which is not the mask that the task has otherwise; or the kernel says \"cannot move migration disabled\".",
		Confirm:  "Look what the CPU in cpus= does. If it idles, nothing but the scheduler keeps the task from running.",
		Fix:      "Treat is_migration_disabled(p), or p->cpus_ptr with one CPU, as pinned: queue on that CPU's own DSQ and wake it.",
	},
	check: checkMigration,
}

func checkMigration(v *view) []*finding {
	if v.says("cannot move migration disabled") {
		return []*finding{finds(dump.SeverityError, dump.ConfidenceHigh, "%s was to be moved while its migration is disabled", v.who()).
			because("The kernel refused it: %s.", v.message()).
			hurts(v.subjects()...).explains(true).exit(v).task(v, v.subject).
			then("do not dispatch a task with migration disabled to the local DSQ of another CPU")}
	}
	var victims []*dump.Task
	idle := false
	for _, t := range v.stalled {
		cpu := v.pinned(t)
		if t.MigrationDisabled.V == 0 || cpu < 0 || v.higher.Has(int(cpu)) || isLocalOf(t, cpu) {
			continue
		}
		victims = append(victims, t)
		idle = idle || v.idle.Has(int(cpu))
	}
	if len(victims) == 0 {
		return nil
	}
	t := victims[0]
	confidence := dump.ConfidenceMedium
	if idle {
		confidence = dump.ConfidenceHigh
	}
	f := v.stallFinding(confidence, victims, "%s may not leave CPU %s, which does not take it", t, t.CPUs.V).
		because("The migration of %s is disabled, so it can run on CPU %s only, but it waits on DSQ %s.", t, t.CPUs.V, t.DSQ.V).
		task(v, t)
	if idle {
		f.because("That CPU idles.").cpu(v, v.cpus[v.pinned(t)])
	}
	return []*finding{f.then("look where the scheduler queues tasks with one allowed CPU")}
}

// isLocalOf reports whether a task waits on the local DSQ of a CPU.
func isLocalOf(t *dump.Task, cpu int32) bool {
	return t.DSQ.Known && t.DSQ.V.Kind == dump.DSQKindLocal && t.DSQ.V.CPU == cpu
}
