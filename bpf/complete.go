// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"

	"scxdiag/dump"
	"scxdiag/dump/text"
	"scxdiag/dump/wire"
)

// Complete returns the snapshot of a dump, with what only the kernel's own dump
// of the same instant tells added to what the records do: the backtrace, the
// stacks of tasks, the event counters. That text is limited in size and may
// lack any of them; the records have the rest in full.
func Complete(d *wire.Dump) *dump.Snapshot {
	s := d.Snapshot
	if len(d.KernelText) == 0 {
		return s
	}
	t, err := text.NewReader(bytes.NewReader(d.KernelText), text.Options{}).Next()
	if err != nil { // the kernel printed something that is no dump
		return s
	}
	s.Raw, s.Source.Line = t.Raw, t.Source.Line
	s.Counters, s.Build, s.Sub = t.Counters, t.Build, t.Sub
	if s.Exit != nil && t.Exit != nil {
		code := s.Exit.Code
		s.Exit = t.Exit
		s.Exit.Code = code
	}
	stacks := make(map[int32]*dump.Task, len(t.Tasks))
	for i := range t.Tasks {
		stacks[t.Tasks[i].PID] = &t.Tasks[i]
	}
	for i := range s.Tasks {
		task := &s.Tasks[i]
		if printed := stacks[task.PID]; printed != nil && printed.Comm == task.Comm {
			task.Stack, task.At = printed.Stack, printed.At
		}
	}
	return s
}
