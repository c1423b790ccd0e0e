// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"fmt"
	"strings"

	"scxdiag/dump"
)

// summary writes snapshots for a golden file: a line for each snapshot, cell,
// DSQ, CPU and task, with what matters most of it. Where they were found does
// not show.
func summary(all []*dump.Snapshot) string {
	var b strings.Builder
	for _, s := range all {
		summarise(&b, s)
	}
	return b.String()
}

func summarise(b *strings.Builder, s *dump.Snapshot) {
	fmt.Fprintf(b, "%s of %q on %s", s.Trigger, s.Scheduler, s.Kernel)
	if s.Sub != nil {
		fmt.Fprintf(b, ", sub-scheduler %d of cgroup %d %s", s.Sub.Level, s.Sub.CgroupID, s.Sub.Path)
	}
	b.WriteByte('\n')
	if e := s.Exit; e != nil {
		fmt.Fprintf(b, "  exit %s %q %q by %s CPU %s, about %s, %d frames\n", known(e.Kind), e.Reason.V, e.Message.V,
			known(e.Task), known(e.CPU), known(e.Subject), len(e.Backtrace))
	}
	for _, kv := range s.Build {
		fmt.Fprintf(b, "  build %s=%s\n", kv.Key, kv.Value)
	}
	for i := range s.Cells {
		c := &s.Cells[i]
		fmt.Fprintf(b, "  cell %d CPUs %s vtime %s queued %s, %d LLCs\n", c.ID, known(c.CPUs), known(c.VTime), known(c.Queued), len(c.LLCs))
	}
	for i := range s.DSQs {
		d := &s.DSQs[i]
		fmt.Fprintf(b, "  DSQ %q id %s queued %s pids %v\n", d.Name, known(d.ID), known(d.Queued), d.PIDs)
	}
	for _, l := range s.Text {
		fmt.Fprintf(b, "  text %q\n", l.Text)
	}
	for i := range s.CPUs {
		c := &s.CPUs[i]
		fmt.Fprintf(b, "  CPU %d listed %t nr %s flags %s seq %s curr %s class %s, cell %s queued %s%s%s\n", c.ID, c.Listed,
			known(c.NrRunning), strings.Join(s.Kernel.RQFlagNames(c.Flags.V), "+"), known(c.KSync), known(c.Current), known(c.Class),
			known(c.Cell), known(c.Queued), kvs(c.Scheduler), kvs(c.Unknown))
	}
	for i := range s.Tasks {
		summariseTask(b, s, &s.Tasks[i])
	}
	for _, e := range s.Events {
		fmt.Fprintf(b, "  event %d %s\n", e.Seq, e.Kind)
	}
	counters := int64(0)
	for _, c := range s.Counters {
		counters += c.Value
	}
	fmt.Fprintf(b, "  %d counters, sum %d\n", len(s.Counters), counters)
	l := &s.Ledger
	fmt.Fprintf(b, "  ledger: truncated %t, lines cut %d, not understood %d, distrusted %d\n",
		l.Truncated, l.Lines.Truncated, l.Lines.NotUnderstood, len(l.Distrusted))
	for _, n := range l.Notes {
		fmt.Fprintf(b, "  note: %s\n", n)
	}
}

func summariseTask(b *strings.Builder, s *dump.Snapshot, t *dump.Task) {
	running := ""
	if t.Current {
		running = " running"
	}
	state := "?"
	if t.State.Known {
		state = string(rune(t.State.V))
	}
	fmt.Fprintf(b, "  task %s on CPU %s%s %s owner %s at %s %s %s %s dsq %s vtime %s slice %s weight %s cpus %s no_mig %s,"+
		" cell %s queue %s, %d frames%s%s\n",
		dump.Printable(t.TaskRef.String()), known(t.CPU), running, state, known(t.Owner), known(t.RunnableAt), known(t.SCXState),
		strings.Join(s.Kernel.TaskFlagNames(t.Flags.V), "+"), known(t.OpsState), known(t.DSQ), known(t.DSQVTime), known(t.Slice),
		known(t.Weight), known(t.CPUs), known(t.MigrationDisabled), known(t.Cell), known(t.AssignedDSQ), len(t.Stack),
		kvs(t.Scheduler), kvs(t.Unknown))
}

// known shows a value, "?" if it is unknown.
func known[T any](v dump.Value[T]) string {
	if !v.Known {
		return "?"
	}
	return dump.Printable(fmt.Sprint(v.V))
}

func kvs(fields []dump.KV) string {
	var b strings.Builder
	for _, kv := range fields {
		fmt.Fprintf(&b, " %s=%s", kv.Key, kv.Value)
	}
	return b.String()
}
