// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strings"

	"scxdiag/dump"
)

var userspaceStuck = Rule{
	Name:  "userspace-stuck",
	Title: "the part of the scheduler in user space does not answer",
	Page: Page{
		Happened: "Some schedulers decide in a process of their own. If it is stopped, blocked or does not get a CPU, nothing is dispatched any more, and all tasks wait, whatever their age.",
		Shows:    "Many tasks are held by the scheduler (ops_state QUEUED, no DSQ), new ones and old ones, and no CPU runs a task of sched_ext; or the scheduler's own process is among those that wait.",
		Confirm:  "Look at the state of that process: ps -o pid,stat,wchan:30,comm. T is stopped, D blocked.",
		Fix:      "Dispatch that process ahead of all others and from BPF, lock its memory, and let BPF take over if it does not answer in time.",
	},
	check: checkUserspace,
}

func checkUserspace(v *view) []*finding {
	if !v.isStall() {
		return nil
	}
	var held, agents []*dump.Task
	var part *dump.Task // of the scheduler's process, waiting as all others do
	for _, t := range v.waiting {
		if t.HeldByBPF() {
			held = append(held, t)
		}
		if v.isAgent(t) && waited(t) >= v.limit() {
			if t.HeldByBPF() {
				part = t
			} else {
				agents = append(agents, t)
			}
		}
	}
	running := 0
	for i := range v.s.CPUs {
		if v.s.CPUs[i].Class.V == dump.ClassExt {
			running++
		}
	}
	nothingRuns := running == 0 && v.higher.IsEmpty() && !v.partial
	allAges := len(held) >= 3 && waited(held[len(held)-1]) < waited(held[0])*3/4
	switch {
	case nothingRuns && len(held) >= 3 && (allAges || part != nil) && len(held) > len(v.waiting)/2:
		oldest, youngest := held[0], held[len(held)-1]
		f := v.stallFinding(dump.ConfidenceMedium, held, "the scheduler dispatches nothing any more").
			because("The scheduler holds %s, the oldest for %s, the youngest for %s, and no CPU runs a task of sched_ext. That is consistent with the part of the scheduler that decides, in user space as a rule, not answering.",
				counted(len(held), "task", "tasks"), seconds(waited(oldest)), seconds(waited(youngest))).
			explains(v.isWatchdog()).task(v, oldest).task(v, youngest)
		if part != nil {
			f.because("%s looks like part of that process, and waits as the others do: the scheduler has it, too. The part that decides may be stopped or blocked; then it is not runnable, and no dump has it.", part)
			if part != oldest && part != youngest {
				f.task(v, part)
			}
		}
		return []*finding{f.then("look at the state of the scheduler's process (T is stopped, D blocked), and at its own log")}
	case len(agents) > 0 && len(held) >= 3 && nothingRuns:
		return []*finding{v.stallFinding(dump.ConfidenceMedium, agents, "the scheduler's own process %s waits", agents[0]).
			because("%s looks like the scheduler's own process, and has waited for %s. Nothing is dispatched without it.", agents[0], seconds(waited(agents[0]))).
			explains(v.isWatchdog()).task(v, agents[0]).
			then("dispatch that process ahead of all others")}
	}
	return nil
}

// isAgent reports whether a task looks like the scheduler's own process.
func (v *view) isAgent(t *dump.Task) bool {
	name := v.s.BaseName()
	return name != "" && (t.Comm == name || t.Comm == "scx_"+name || len(name) > 11 && strings.HasPrefix("scx_"+name, t.Comm))
}
