// SPDX-License-Identifier: GPL-2.0-only

package ktstr

import (
	"encoding/json"
	"fmt"
	"math"

	"scxdiag/dump"
)

// Limits of what is kept of a reading. ktstr itself stops at 4096 tasks, and at
// 8192 DSQs beside those of CPUs.
const (
	maxCPUs   = 8 << 10
	maxTasks  = 16 << 10
	maxDSQs   = 32 << 10
	maxName   = 64  // bytes of a comm or a name; one of 15 bytes that are no text has 45
	maxReason = 200 // bytes of a reason that ktstr gives
)

// report is what is kept of one reading of a machine: of a FailureDumpReport
// in ktstr's source, or of a DegradedFailureDumpReport.
type report struct {
	early    bool                      // half-way to a stall: the scheduler went on
	exit     dump.Value[dump.ExitKind] // of the scheduler, 0 as long as it went on
	latched  bool                      // ktstr's probe saw the scheduler fail
	ops      opsName
	cpus     []dump.CPU
	tasks    []dump.Task
	dsqs     []dump.DSQ
	counters []dump.Counter
	classes  map[dump.TaskRef]dump.Class // of the tasks

	notes  []string // what ktstr says is missing
	left   int      // CPUs, tasks and DSQs beyond the limits
	bad    int      // values that are not of the kind that ktstr writes
	damage string   // what is wrong with the document, "" if nothing

	texts   []*dump.Snapshot // the dumps in its strings, until they are passed on
	held    int              // bytes of their text
	hasText bool             // there was one
	failed  bool             // one of them tells of a failure
	tooMany bool             // some were passed on before the reading ended
}

// sink takes the members of a reading.
func (r *report) sink() *sink {
	return &sink{report: r, scalar: r.scalar, child: r.child}
}

func (r *report) scalar(key string, v json.Token) {
	f := fields{m: map[string]json.Token{key: v}, bad: &r.bad}
	switch key {
	case "exit_kind": // of a degraded report
		r.exit = exitKind(f, key)
	case "bss_latch_state": // likewise
		r.latched = f.str(key).V == "triggered"
	case "reason": // likewise
		r.note("ktstr could not stop the machine", f.reason(key))
	case "dump_truncated_at_us":
		if us := f.uint(key, math.MaxUint64); us.Known {
			r.note("ktstr ran out of time", fmt.Sprintf("what it would have read after %d us is missing", us.V))
		}
	case "scx_walker_unavailable":
		r.note("ktstr could not read the run queues and DSQs", f.reason(key))
	case "task_enrichments_unavailable":
		r.note("ktstr could not read the tasks", f.reason(key))
	}
}

func (r *report) note(what, why string) {
	if why != "" {
		what += ": " + why
	}
	r.notes = append(r.notes, what)
	r.notes = r.notes[:min(len(r.notes), 8)] // there are four
}

func (r *report) child(key string) *sink {
	switch key {
	case "scx_sched_state":
		return r.collect(r.addState, "exit_kind")
	case "rq_scx_states":
		return list(func() *sink {
			return r.collect(r.addCPU, "cpu", "nr_running", "flags", "cpu_released", "ops_qseq", "kick_sync", "curr_pid", "curr_comm")
		})
	case "task_enrichments":
		return list(func() *sink { return r.collect(r.addTask, "pid", "tgid", "comm", "weight", "sched_class") })
	case "dsq_states":
		return list(func() *sink { return r.collect(r.addDSQ, "id", "origin", "nr") })
	case "event_counter_timeline":
		return list(func() *sink { return r.collect(r.addCounters, counterFields()...) })
	case "maps":
		return list(r.ops.mapSink)
	}
	return nil
}

// list takes an array of objects or arrays, each with a sink of its own.
func list(element func() *sink) *sink {
	return &sink{child: func(string) *sink { return element() }}
}

// collect takes the wanted scalars of an object and hands them on at its end.
func (r *report) collect(done func(fields), wanted ...string) *sink {
	f := fields{m: make(map[string]json.Token, len(wanted)), bad: &r.bad}
	return &sink{
		scalar: func(key string, v json.Token) {
			for _, w := range wanted {
				if key == w {
					f.set(key, v)
				}
			}
		},
		end: func() { done(f) },
	}
}

func (r *report) addState(f fields) { r.exit = exitKind(f, "exit_kind") }

func exitKind(f fields, key string) dump.Value[dump.ExitKind] {
	return convert[dump.ExitKind](f.uint(key, math.MaxInt32))
}

func (r *report) addCPU(f fields) {
	id := f.uint("cpu", math.MaxInt32)
	switch {
	case !id.Known:
		r.bad++
		return
	case len(r.cpus) >= maxCPUs:
		r.left++
		return
	}
	c := dump.CPU{
		ID:        int32(id.V), //nolint:gosec // see above
		Listed:    true,
		NrRunning: convert[uint32](f.uint("nr_running", math.MaxUint32)),
		Flags:     convert[uint32](f.uint("flags", math.MaxUint32)),
		CPURel:    f.boolean("cpu_released"),
		OpsQSeq:   f.uint("ops_qseq", math.MaxUint64),
		KSync:     f.uint("kick_sync", math.MaxUint64),
	}
	pid, comm := f.uint("curr_pid", math.MaxInt32), f.str("curr_comm")
	if pid.Known && comm.Known {
		c.Current = dump.Of(dump.TaskRef{Comm: comm.V, PID: int32(pid.V)}) //nolint:gosec // see above
	}
	r.cpus = append(r.cpus, c)
}

// classes are the names that ktstr gives to scheduling classes.
var classes = map[string]dump.Class{
	"stop": dump.ClassStop, "dl": dump.ClassDL, "rt": dump.ClassRT,
	"fair": dump.ClassFair, "ext": dump.ClassExt, "idle": dump.ClassIdle,
}

func (r *report) addTask(f fields) {
	pid, comm := f.uint("pid", math.MaxInt32), f.str("comm")
	switch {
	case !pid.Known || !comm.Known:
		r.bad++
		return
	case len(r.tasks) >= maxTasks:
		r.left++
		return
	}
	t := dump.Task{
		TaskRef: dump.TaskRef{Comm: comm.V, PID: int32(pid.V)}, //nolint:gosec // see above
		TGID:    convert[int32](f.uint("tgid", math.MaxInt32)),
	}
	const minWeight, maxWeight = 1, 10000
	if w := f.uint("weight", math.MaxUint32); w.Known && w.V >= minWeight && w.V <= maxWeight { // 0: never set
		t.Weight = convert[uint32](w)
	}
	if c, ok := classes[f.str("sched_class").V]; ok {
		if r.classes == nil {
			r.classes = make(map[dump.TaskRef]dump.Class)
		}
		r.classes[t.TaskRef] = c
	}
	r.tasks = append(r.tasks, t)
}

func (r *report) addDSQ(f fields) {
	id := f.uint("id", math.MaxUint64)
	switch {
	case !id.Known:
		r.bad++
		return
	case len(r.dsqs) >= maxDSQs:
		r.left++
		return
	}
	r.dsqs = append(r.dsqs, dump.DSQ{
		ID:     convert[dump.DSQID](id),
		Name:   f.str("origin").V,
		Queued: convert[int64](f.uint("nr", math.MaxUint32)),
	})
}

// counters are ktstr's names for the kernel's event counters, in the kernel's
// order.
var counters = []struct{ field, name string }{
	{"select_cpu_fallback", "SCX_EV_SELECT_CPU_FALLBACK"},
	{"dispatch_local_dsq_offline", "SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE"},
	{"dispatch_keep_last", "SCX_EV_DISPATCH_KEEP_LAST"},
	{"enq_skip_exiting", "SCX_EV_ENQ_SKIP_EXITING"},
	{"enq_skip_migration_disabled", "SCX_EV_ENQ_SKIP_MIGRATION_DISABLED"},
	{"reenq_immed", "SCX_EV_REENQ_IMMED"},
	{"reenq_local_repeat", "SCX_EV_REENQ_LOCAL_REPEAT"},
	{"refill_slice_dfl", "SCX_EV_REFILL_SLICE_DFL"},
	{"bypass_duration", "SCX_EV_BYPASS_DURATION"},
	{"bypass_dispatch", "SCX_EV_BYPASS_DISPATCH"},
	{"bypass_activate", "SCX_EV_BYPASS_ACTIVATE"},
	{"insert_not_owned", "SCX_EV_INSERT_NOT_OWNED"},
	{"sub_bypass_dispatch", "SCX_EV_SUB_BYPASS_DISPATCH"},
}

func counterFields() []string {
	names := make([]string, len(counters))
	for i, c := range counters {
		names[i] = c.field
	}
	return names
}

// addCounters takes one of the samples that ktstr took while the machine ran.
// The last one is closest to when it stopped. A counter of 0 is left out: ktstr
// writes 0, too, for one that the kernel does not have.
func (r *report) addCounters(f fields) {
	r.counters = r.counters[:0]
	for _, c := range counters {
		if v := f.uint(c.field, math.MaxInt64); v.Known && v.V > 0 {
			r.counters = append(r.counters, dump.Counter{Name: c.name, Value: int64(v.V)}) //nolint:gosec // see above
		}
	}
}

// add takes a dump that was found in a string of the reading. It returns true
// if there are more than can wait.
func (r *report) add(s *dump.Snapshot) bool {
	r.hasText = true
	r.failed = r.failed || s.IsFailure()
	r.texts = append(r.texts, s)
	r.held += len(s.Raw)
	r.tooMany = r.tooMany || r.held > maxHeld || len(r.texts) > maxTexts
	return r.tooMany
}

// isFailure reports whether the scheduler had failed when the machine was read.
func (r *report) isFailure() bool {
	return r.latched || r.exit.Known && r.exit.V.IsFailure()
}

// fill adds to the only failure of which the strings tell what its text lacks.
func (r *report) fill() {
	if r.tooMany || len(r.texts) != 1 || !r.isFailure() {
		return
	}
	s := r.texts[0]
	if !s.IsFailure() || len(s.CPUs) == 0 && len(s.Tasks) == 0 ||
		s.Exit.Kind.Known && r.exit.Known && s.Exit.Kind.V != r.exit.V {
		return
	}
	if s.Scheduler == "" {
		s.Scheduler = r.ops.name()
	}
	if len(s.DSQs) == 0 {
		s.DSQs = r.dsqs
	}
	if len(s.Counters) == 0 && len(r.counters) > 0 {
		s.Counters = r.counters
		s.Ledger.Note(countersNote)
	}
	byRef := make(map[dump.TaskRef]*dump.Task, len(r.tasks))
	for i := range r.tasks {
		byRef[r.tasks[i].TaskRef] = &r.tasks[i]
	}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		own, ok := byRef[t.TaskRef]
		if !ok {
			continue
		}
		if !t.TGID.Known {
			t.TGID = own.TGID
		}
		if !t.Weight.Known {
			t.Weight = own.Weight
		}
	}
}

const (
	countersNote = "the event counters are of the last sample that ktstr took before"
	sourceNote   = "ktstr read this from memory, the kernel's dump is not there: " +
		"no message and backtrace, and of the tasks no states, waits, masks and stacks"
	noExitNote = "ktstr does not say whether the scheduler had failed"
)

// snapshot is the reading as a snapshot, nil if there is nothing in it or a dump
// in its strings tells the same.
func (r *report) snapshot() *dump.Snapshot {
	isEmpty := !r.exit.Known && !r.latched && len(r.cpus) == 0 && len(r.tasks) == 0
	if isEmpty || r.hasText && (r.failed || !r.isFailure()) {
		return nil
	}
	s := &dump.Snapshot{
		Source: dump.Source{Carrier: "ktstr"}, Scheduler: r.ops.name(),
		CPUs: r.cpus, Tasks: r.tasks, DSQs: r.dsqs, Counters: r.counters,
	}
	s.Ledger.Note(sourceNote)
	switch {
	case r.exit.Known && r.exit.V == dump.ExitNone && !r.latched:
		s.Trigger = dump.TriggerSample
	case r.isFailure():
		s.Trigger = dump.TriggerCrash
		s.Exit = &dump.Exit{}
	case r.exit.Known:
		s.Trigger = dump.TriggerExit
		s.Exit = &dump.Exit{}
	case r.early:
		s.Trigger = dump.TriggerSample
	default:
		s.Ledger.Note(noExitNote)
	}
	if s.Exit != nil && r.exit.V != dump.ExitNone {
		s.Exit.Kind = r.exit
	}
	r.link(s)
	r.complain(s)
	return s
}

// link tells which tasks the CPUs run, and of which class these are. The task
// of pid 0 is always of the idle class.
func (r *report) link(s *dump.Snapshot) {
	running := make(map[dump.TaskRef]int32, len(s.CPUs))
	for i := range s.CPUs {
		c := &s.CPUs[i]
		if !c.Current.Known {
			continue
		}
		if c.Current.V.PID == 0 {
			c.Class = dump.Of(dump.ClassIdle)
			continue
		}
		running[c.Current.V] = c.ID
		if class, ok := r.classes[c.Current.V]; ok {
			c.Class = dump.Of(class)
		}
	}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		if cpu, ok := running[t.TaskRef]; ok {
			t.Current, t.CPU = true, dump.Of(cpu)
		}
	}
}

// complain notes what is missing.
func (r *report) complain(s *dump.Snapshot) {
	if len(s.Counters) > 0 {
		s.Ledger.Note(countersNote)
	}
	for _, n := range r.notes {
		s.Ledger.Note(n)
	}
	if r.left > 0 {
		s.Ledger.Note(fmt.Sprintf("%d CPUs, tasks and DSQs are beyond the reader's limits", r.left))
	}
	if r.bad > 0 {
		s.Ledger.Note(fmt.Sprintf("%d values of the document are not of the kind that ktstr writes", r.bad))
	}
}
