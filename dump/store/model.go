// SPDX-License-Identifier: GPL-2.0-only

package store

import "scxdiag/dump"

// The functions below name the fields of the model, each once. The names are
// part of the format: a field that is called otherwise is another field. Their
// order is not; where it is that of the kernel's text, spans cost least. A test
// fails if a field of the model is missing.

func snapshot(t *table, s *dump.Snapshot) {
	str(t, "source", &s.Source.Name)
	str(t, "carrier", &s.Source.Carrier)
	t.boolean("reversed", &s.Source.Reversed)
	number(t, "offset", &s.Source.Offset)
	number(t, "line", &s.Source.Line)
	list(t, "copies", &s.Source.Copies, sourceCopy)
	t.time("time", "time ns", "time zone", &s.Time)
	str(t, "host", &s.Host)
	str(t, "stamp", &s.Stamp)
	str(t, "release", &s.Kernel.Release)
	number(t, "min major", &s.Kernel.Min.Major)
	number(t, "min minor", &s.Kernel.Min.Minor)
	number(t, "max major", &s.Kernel.Max.Major)
	number(t, "max minor", &s.Kernel.Max.Minor)
	str(t, "scheduler", &s.Scheduler)
	optional(t, "sub", &s.Sub, subScheduler)
	str(t, "trigger", &s.Trigger)
	optional(t, "exit", &s.Exit, exit)
	optional(t, "status", &s.Status, status)
	list(t, "cells", &s.Cells, cell)
	list(t, "cgroups", &s.Cgroups, cgroup)
	list(t, "cpus", &s.CPUs, cpu)
	list(t, "tasks", &s.Tasks, task)
	list(t, "dsqs", &s.DSQs, dsq)
	list(t, "events", &s.Events, event)
	list(t, "counters", &s.Counters, counter)
	list(t, "text", &s.Text, line)
	list(t, "build", &s.Build, kv)
	list(t, "findings", &s.Findings, finding)
	list(t, "not evaluated", &s.NotEvaluated, notEvaluated)
	optional(t, "signature", &s.Signature, signature)
	ledger(t, &s.Ledger)
}

func sourceCopy(t *table, c *dump.Copy) {
	str(t, "carrier", &c.Carrier)
	number(t, "offset", &c.Offset)
	number(t, "line", &c.Line)
}

func subScheduler(t *table, s *dump.SubScheduler) {
	number(t, "level", &s.Level)
	number(t, "cgroup", &s.CgroupID)
	str(t, "path", &s.Path)
}

func exit(t *table, e *dump.Exit) {
	value(t, "kind", &e.Kind)
	value(t, "code", &e.Code)
	t.refValue("task", "task pid", &e.Task)
	value(t, "cpu", &e.CPU)
	strValue(t, "reason", &e.Reason)
	strValue(t, "message", &e.Message)
	t.refValue("subject", "subject pid", &e.Subject)
	list(t, "backtrace", &e.Backtrace, line)
}

func ledger(t *table, l *dump.Ledger) {
	t.boolean("truncated", &l.Truncated)
	number(t, "lines parsed", &l.Lines.Parsed)
	number(t, "lines verbatim", &l.Lines.Verbatim)
	number(t, "lines blank", &l.Lines.Blank)
	number(t, "lines foreign", &l.Lines.Foreign)
	number(t, "lines not understood", &l.Lines.NotUnderstood)
	number(t, "lines truncated", &l.Lines.Truncated)
	number(t, "lines glued", &l.Lines.Glued)
	list(t, "not understood", &l.NotUnderstood, line)
	list(t, "distrusted", &l.Distrusted, distrusted)
	list(t, "records", &l.Records, recordCount)
	list(t, "notes", &l.Notes, note)
}

func distrusted(t *table, d *dump.Distrusted) {
	t.span(&d.At)
	str(t, "entity", &d.Entity)
	str(t, "field", &d.Field)
	str(t, "text", &d.Text)
}

func recordCount(t *table, r *dump.RecordCount) {
	str(t, "kind", &r.Kind)
	number(t, "expected", &r.Expected)
	number(t, "received", &r.Received)
	number(t, "dropped", &r.Dropped)
}

func note(t *table, s *string) { str(t, "text", s) }

func status(t *table, s *dump.Status) {
	number(t, "config", &s.ConfigSeq)
	number(t, "applied", &s.AppliedSeq)
	number(t, "slice", &s.Slice)
	number(t, "max cells", &s.MaxCells)
	number(t, "events", &s.NrEvents)
	number(t, "enq fallback", &s.EnqFallback)
	number(t, "time clamped", &s.TimeClamped)
	list(t, "faults", &s.Faults, note)
	number(t, "at", &s.At)
	number(t, "grace seq", &s.Grace.Seq)
	number(t, "grace started", &s.Grace.Started)
	number(t, "apply begun", &s.Apply.Begun)
	number(t, "apply ended", &s.Apply.Ended)
	number(t, "apply rc", &s.Apply.RC)
	str(t, "apply phase", &s.Apply.Phase)
	number(t, "token since", &s.Apply.TokenSince)
	t.boolean("timer armed", &s.Timer.Armed)
	number(t, "timer rc", &s.Timer.RC)
	number(t, "timer runs", &s.Timer.Runs)
	number(t, "timer first", &s.Timer.First)
	number(t, "timer last", &s.Timer.Last)
	number(t, "timer max run", &s.Timer.MaxRun)
	number(t, "timer period", &s.Timer.Period)
	number(t, "exiting", &s.Exiting.Count)
	number(t, "exiting cgroup", &s.Exiting.CgroupID)
	number(t, "exiting pid", &s.Exiting.PID)
	number(t, "exiting flags", &s.Exiting.PFFlags)
	number(t, "cpuset begun", &s.CpusetBegun)
	number(t, "cpuset ended", &s.CpusetEnded)
	number(t, "alloc fail", &s.AllocFail)
	number(t, "late inserts", &s.LateInserts)
	number(t, "rescued", &s.Rescued)
	number(t, "max used", &s.MaxUsed)
	number(t, "queues", &s.Queues)
	number(t, "held cpu", &s.HeldCPU)
	number(t, "init ended", &s.InitEnded)
	number(t, "cgroups", &s.Cgroups)
}

func cgroup(t *table, g *dump.Cgroup) {
	number(t, "id", &g.ID)
	strValue(t, "path", &g.Path)
	number(t, "parent", &g.Parent)
	number(t, "level", &g.Level)
	t.boolean("has context", &g.HasContext)
	number(t, "cell", &g.Cell)
	number(t, "owns", &g.Owns)
	t.boolean("dying", &g.Dying)
	t.boolean("populated", &g.Populated)
	t.boolean("cpu controller", &g.CPUController)
	t.maskValue("cpus", &g.CPUs)
	t.maskValue("effective", &g.EffectiveCPUs)
}

func cell(t *table, c *dump.Cell) {
	number(t, "id", &c.ID)
	t.maskValue("cpus", &c.CPUs)
	value(t, "owner", &c.OwnerCgroup)
	strValue(t, "owner path", &c.OwnerPath)
	value(t, "vtime", &c.VTime)
	value(t, "queued", &c.Queued)
	value(t, "drain llcs", &c.DrainLLCs)
	value(t, "cpu llcs", &c.CPULLCs)
	list(t, "llcs", &c.LLCs, cellLLC)
	list(t, "unknown", &c.Unknown, kv)
	strValue(t, "state", &c.State)
	value(t, "generation", &c.Generation)
	value(t, "dsq", &c.DSQ)
	value(t, "since", &c.Since)
	value(t, "grace until", &c.GraceUntil)
	value(t, "rescued", &c.Rescued)
	t.boolValue("spare missing", &c.SpareMissing)
	t.maskValue("cpuset", &c.CpusetCPUs)
	t.span(&c.At)
}

func cellLLC(t *table, l *dump.CellLLC) {
	number(t, "llc", &l.LLC)
	value(t, "vtime", &l.VTime)
	value(t, "queued", &l.Queued)
	value(t, "tracked", &l.TrackedQueued)
	t.boolValue("drain", &l.Drain)
	t.boolValue("has cpus", &l.HasCPUs)
	t.span(&l.At)
}

func cpu(t *table, c *dump.CPU) {
	number(t, "id", &c.ID)
	t.boolean("listed", &c.Listed)
	value(t, "running", &c.NrRunning)
	value(t, "flags", &c.Flags)
	t.boolValue("cpu_rel", &c.CPURel)
	value(t, "ops_qseq", &c.OpsQSeq)
	value(t, "ksync", &c.KSync)
	value(t, "rescued", &c.NrRescue)
	value(t, "rescue budget", &c.RescueBudget)
	t.refValue("rescuing", "rescuing pid", &c.Rescuing)
	t.refValue("current", "current pid", &c.Current)
	strValue(t, "class", &c.Class)
	t.maskValue("to kick", &c.CPUsToKick)
	t.maskValue("idle to kick", &c.IdleToKick)
	t.maskValue("to preempt", &c.CPUsToPreempt)
	t.maskValue("to wait", &c.CPUsToWait)
	t.maskValue("to sync", &c.CPUsToSync)
	value(t, "cell", &c.Cell)
	value(t, "llc", &c.LLC)
	value(t, "vtime", &c.VTime)
	value(t, "queued", &c.Queued)
	value(t, "dsq", &c.DSQ)
	t.boolValue("online", &c.Online)
	value(t, "prev cell", &c.PrevCell)
	value(t, "sections", &c.Sections)
	value(t, "nesting", &c.Nesting)
	value(t, "section since", &c.SectionSince)
	t.boolValue("awaited", &c.Awaited)
	list(t, "scheduler", &c.Scheduler, kv)
	list(t, "text", &c.Text, line)
	list(t, "unknown", &c.Unknown, kv)
	t.span(&c.At)
}

func task(t *table, k *dump.Task) {
	value(t, "state", &k.State)
	str(t, "comm", &k.Comm)
	number(t, "pid", &k.PID)
	strValue(t, "owner", &k.Owner)
	t.boolean("owner dumped", &k.OwnerDumped)
	value(t, "cpu", &k.CPU)
	t.boolean("current", &k.Current)
	value(t, "runnable at", &k.RunnableAt)
	strValue(t, "scx state", &k.SCXState)
	value(t, "scx state nr", &k.SCXStateNr)
	value(t, "flags", &k.Flags)
	value(t, "dsq flags", &k.DSQFlags)
	value(t, "ops state", &k.OpsState)
	value(t, "qseq", &k.QSeq)
	value(t, "sticky cpu", &k.StickyCPU)
	value(t, "holding cpu", &k.HoldingCPU)
	t.dsqRefValue("dsq", &dsqNames, &k.DSQ)
	value(t, "dsq vtime", &k.DSQVTime)
	value(t, "slice", &k.Slice)
	value(t, "weight", &k.Weight)
	t.maskValue("cpus", &k.CPUs)
	value(t, "migration disabled", &k.MigrationDisabled)
	t.maskValue("allowed cpus", &k.AllowedCPUs)
	value(t, "tgid", &k.TGID)
	value(t, "pf flags", &k.PFFlags)
	t.boolean("walked", &k.Walked)
	value(t, "cell", &k.Cell)
	value(t, "llc", &k.LLC)
	value(t, "vtime", &k.VTime)
	value(t, "basis vtime", &k.BasisVTime)
	t.dsqRefValue("assigned", &assignedNames, &k.AssignedDSQ)
	t.maskValue("scheduler cpus", &k.SchedulerCPUs)
	t.boolValue("all cell cpus", &k.AllCellCPUsAllowed)
	value(t, "cgroup", &k.CgroupID)
	strValue(t, "cgroup name", &k.CgroupName)
	t.boolValue("has context", &k.HasContext)
	value(t, "config", &k.ConfigSeq)
	value(t, "run time", &k.RunTime)
	value(t, "runs", &k.Runs)
	optional(t, "context", &k.Context, taskContext)
	list(t, "scheduler", &k.Scheduler, kv)
	list(t, "text", &k.Text, line)
	list(t, "stack", &k.Stack, line)
	list(t, "unknown", &k.Unknown, kv)
	t.span(&k.At)
}

func taskContext(t *table, c *dump.TaskContext) {
	number(t, "cgroup now", &c.CgroupIDNow)
	number(t, "vtime read", &c.VTimeRead)
	number(t, "started at", &c.StartedAt)
	number(t, "clock", &c.Clock)
	number(t, "generation", &c.CellGeneration)
	t.boolean("fallback", &c.Fallback)
}

// dsqRefNames are the names of the fields of a DSQRef.
type dsqRefNames struct{ kind, cell, llc, cpu string }

var (
	dsqNames      = dsqRefNames{"dsq kind", "dsq cell", "dsq llc", "dsq cpu"}
	assignedNames = dsqRefNames{"assigned kind", "assigned cell", "assigned llc", "assigned cpu"}
)

// dsqRefValue is a field that is a Value of a DSQRef.
func (t *table) dsqRefValue(id string, names *dsqRefNames, p *dump.Value[dump.DSQRef]) {
	c := t.column(id)
	t.flags(c, &p.Known, &p.At)
	c.number64(t.c.assemble, (*uint64)(&p.V.ID))
	str(t, names.kind, &p.V.Kind)
	number(t, names.cell, &p.V.Cell)
	number(t, names.llc, &p.V.LLC)
	number(t, names.cpu, &p.V.CPU)
}

func dsq(t *table, d *dump.DSQ) {
	value(t, "id", &d.ID)
	str(t, "name", &d.Name)
	value(t, "queued", &d.Queued)
	value(t, "nr cpus", &d.NrCPUs)
	t.maskValue("cpus", &d.CPUs)
	value(t, "head wait", &d.HeadWait)
	list(t, "pids", &d.PIDs, pid)
	t.span(&d.At)
}

func pid(t *table, p *int32) { number(t, "pid", p) }

func event(t *table, e *dump.Event) {
	number(t, "seq", &e.Seq)
	str(t, "kind", &e.Kind)
	value(t, "cgroup", &e.CgroupID)
	value(t, "pid", &e.PID)
	value(t, "time", &e.Time)
	list(t, "unknown", &e.Unknown, kv)
	value(t, "cpu", &e.CPU)
	value(t, "arg", &e.Arg)
	t.boolean("torn", &e.Torn)
	t.span(&e.At)
}

func counter(t *table, c *dump.Counter) {
	str(t, "name", &c.Name)
	number(t, "value", &c.Value)
	t.span(&c.At)
}

func line(t *table, l *dump.Line) {
	str(t, "text", &l.Text)
	t.span(&l.At)
}

func kv(t *table, p *dump.KV) {
	str(t, "key", &p.Key)
	str(t, "value", &p.Value)
	t.span(&p.At)
}

func finding(t *table, f *dump.Finding) {
	str(t, "rule", &f.Rule)
	str(t, "severity", &f.Severity)
	str(t, "confidence", &f.Confidence)
	str(t, "title", &f.Title)
	str(t, "explanation", &f.Explanation)
	list(t, "evidence", &f.Evidence, evidence)
	str(t, "next", &f.Next)
	list(t, "victims", &f.Victims, note)
	list(t, "follows", &f.Follows, note)
}

func notEvaluated(t *table, n *dump.NotEvaluated) {
	list(t, "rules", &n.Rules, note)
	str(t, "why", &n.Why)
}

func evidence(t *table, e *dump.Evidence) {
	str(t, "entity", &e.Entity)
	str(t, "text", &e.Text)
	t.span(&e.At)
}

func signature(t *table, s *dump.Signature) {
	str(t, "id", &s.ID)
	str(t, "title", &s.Title)
	list(t, "parts", &s.Parts, note)
	t.boolean("weak", &s.Weak)
}
