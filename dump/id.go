// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"
)

// idVersion starts the canonical encoding. It changes whenever the encoding
// does, so that ids of different encodings cannot meet.
const idVersion = "scxdiag snapshot 2"

// ID is a hash of what the snapshot says: 32 hexadecimal digits. The same dump
// has the same ID whichever log it was found in and whatever that log did to
// it.
//
// Everything of the model takes part but where the snapshot was read from
// (Source, Host, Kernel, Raw, every Span), what was lost on the way (Ledger)
// and what was concluded (Findings, NotEvaluated, Signature). Task.SCXState counts only
// where SCXStateNr is unknown, since the name depends on what is known of the
// kernel. Lines of scheduler text count without trailing blanks, and not at
// all if nothing else is in them, because some carriers drop those. Stamp, or
// Time where there is none, counts for a verdict without a dump, which has
// little else to tell it from the next one.
func (s *Snapshot) ID() string {
	e := idEncoder{hash: sha256.New(), buf: make([]byte, 0, idBuffer)}
	e.str(idVersion)
	e.snapshot(s)
	e.flush()
	return hex.EncodeToString(e.hash.Sum(nil)[:16])
}

// idBuffer is how much of the encoding is collected before it is hashed.
const idBuffer = 4096

// idEncoder writes the canonical encoding of a snapshot: its fields in a fixed
// order, numbers as varints, strings and lists behind their length, values
// behind a byte that says whether they are known. No two models share one.
type idEncoder struct {
	hash hash.Hash
	buf  []byte
	// lastMask is the mask that was encoded last, as maskBytes: most tasks
	// have the one of the task before.
	lastMask  CPUMask
	maskBytes []byte
}

func (e *idEncoder) flush() {
	e.hash.Write(e.buf)
	e.buf = e.buf[:0]
}

func (e *idEncoder) uint(v uint64) {
	if v < 0x80 { // most are
		e.buf = append(e.buf, byte(v))
	} else {
		e.buf = binary.AppendUvarint(e.buf, v)
	}
	if len(e.buf) > idBuffer/2 {
		e.flush()
	}
}

func (e *idEncoder) int(v int64) {
	e.buf = binary.AppendVarint(e.buf, v)
	if len(e.buf) > idBuffer/2 {
		e.flush()
	}
}

func (e *idEncoder) bool(v bool) {
	if v {
		e.uint(1)
	} else {
		e.uint(0)
	}
}

func (e *idEncoder) str(s string) {
	e.uint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *idEncoder) mask(m CPUMask) {
	if e.maskBytes == nil || m != e.lastMask {
		words := m.words()
		for words > 0 && m.word(words-1) == 0 {
			words--
		}
		e.maskBytes = binary.AppendUvarint(e.maskBytes[:0], uint64(words)) //nolint:gosec // a count
		for i := range words {
			e.maskBytes = binary.AppendUvarint(e.maskBytes, m.word(i))
		}
		e.lastMask = m
	}
	e.buf = append(e.buf, e.maskBytes...)
	if len(e.buf) > idBuffer/2 {
		e.flush()
	}
}

func (e *idEncoder) ref(r TaskRef) {
	e.str(r.Comm)
	e.int(int64(r.PID))
}

func (e *idEncoder) dsqRef(d DSQRef) {
	if d.IsNone() {
		e.str(string(DSQKindNone))
		return
	}
	e.str(string(d.Kind))
	e.uint(uint64(d.ID))
	e.int(int64(d.Cell))
	e.int(int64(d.LLC))
	e.int(int64(d.CPU))
}

// lines encodes text without what carriers drop.
func (e *idEncoder) lines(lines []Line) {
	n := 0
	for _, l := range lines {
		if trimmed(l.Text) != "" {
			n++
		}
	}
	e.uint(uint64(n))
	for _, l := range lines {
		if t := trimmed(l.Text); t != "" {
			e.str(t)
		}
	}
}

func (e *idEncoder) kvs(kvs []KV) {
	e.uint(uint64(len(kvs)))
	for _, kv := range kvs {
		e.str(kv.Key)
		e.str(trimmed(kv.Value))
	}
}

func trimmed(s string) string { return strings.TrimRight(s, " \t\r") }

// known writes whether a value is known, and says so.
func known[T any](e *idEncoder, v *Value[T]) bool {
	e.bool(v.Known)
	return v.Known
}

func idUint[T ~uint8 | ~uint32 | ~uint64](e *idEncoder, v *Value[T]) {
	if known(e, v) {
		e.uint(uint64(v.V))
	}
}

func idInt[T ~int32 | ~int64](e *idEncoder, v *Value[T]) {
	if known(e, v) {
		e.int(int64(v.V))
	}
}

func idStr[T ~string](e *idEncoder, v *Value[T]) {
	if known(e, v) {
		e.str(string(v.V))
	}
}

func idBool(e *idEncoder, v *Value[bool]) {
	if known(e, v) {
		e.bool(v.V)
	}
}

func idMask(e *idEncoder, v *Value[CPUMask]) {
	if known(e, v) {
		e.mask(v.V)
	}
}

func idRef(e *idEncoder, v *Value[TaskRef]) {
	if known(e, v) {
		e.ref(v.V)
	}
}

func idDSQRef(e *idEncoder, v *Value[DSQRef]) {
	if known(e, v) {
		e.dsqRef(v.V)
	}
}

// idList writes the length of a list and then each element.
func idList[T any](e *idEncoder, list []T, one func(*T)) {
	e.uint(uint64(len(list)))
	for i := range list {
		one(&list[i])
	}
}

// snapshot and the functions below write one type each, in the order of its
// fields.
func (e *idEncoder) snapshot(s *Snapshot) {
	const noTime, hasTime, hasStamp = 0, 1, 2
	switch {
	case !s.IsVerdict():
		e.uint(noTime)
	case s.Stamp != "":
		e.uint(hasStamp)
		e.str(s.Stamp)
	case !s.Time.IsZero():
		e.uint(hasTime)
		e.int(s.Time.Unix())
		e.int(int64(s.Time.Nanosecond()))
	default:
		e.uint(noTime)
	}
	e.str(s.Scheduler)
	e.bool(s.Sub != nil)
	if s.Sub != nil {
		e.int(int64(s.Sub.Level))
		e.uint(s.Sub.CgroupID)
		e.str(s.Sub.Path)
	}
	e.str(string(s.Trigger))
	e.bool(s.Exit != nil)
	if s.Exit != nil {
		e.exit(s.Exit)
	}
	e.bool(s.Status != nil)
	if s.Status != nil {
		e.status(s.Status)
	}
	idList(e, s.Cells, e.cell)
	idList(e, s.CPUs, e.cpu)
	idList(e, s.Tasks, e.task)
	idList(e, s.DSQs, e.dsq)
	idList(e, s.Events, e.event)
	idList(e, s.Counters, e.counter)
	e.lines(s.Text)
	e.kvs(s.Build)
	if s.Status != nil && s.Status.At != 0 {
		e.state(s)
	}
}

// state writes what only a scheduler's own records tell, behind all the rest,
// so that no ID of a snapshot of text depends on what else records may tell.
func (e *idEncoder) state(s *Snapshot) {
	e.statusState(s.Status)
	idList(e, s.Cgroups, e.cgroup)
	idList(e, s.Cells, e.cellState)
	idList(e, s.CPUs, e.cpuState)
	idList(e, s.Tasks, e.taskContext)
}

func (e *idEncoder) exit(x *Exit) {
	idInt(e, &x.Kind)
	idInt(e, &x.Code)
	idStr(e, &x.Reason)
	idStr(e, &x.Message)
	idRef(e, &x.Task)
	idRef(e, &x.Subject)
	idInt(e, &x.CPU)
	e.lines(x.Backtrace)
}

func (e *idEncoder) status(s *Status) {
	e.uint(s.ConfigSeq)
	e.uint(s.AppliedSeq)
	e.uint(s.Slice)
	e.uint(uint64(s.MaxCells))
	e.uint(s.NrEvents)
	e.uint(s.EnqFallback)
	e.uint(s.TimeClamped)
	idList(e, s.Faults, func(f *string) { e.str(*f) })
}

func (e *idEncoder) statusState(s *Status) {
	e.uint(s.At)
	e.uint(s.Grace.Seq)
	e.uint(s.Grace.Started)
	e.uint(s.Apply.Begun)
	e.uint(s.Apply.Ended)
	e.int(int64(s.Apply.RC))
	e.str(string(s.Apply.Phase))
	e.uint(s.Apply.TokenSince)
	e.bool(s.Timer.Armed)
	e.int(int64(s.Timer.RC))
	e.uint(s.Timer.Runs)
	e.uint(s.Timer.First)
	e.uint(s.Timer.Last)
	e.int(int64(s.Timer.MaxRun))
	e.int(int64(s.Timer.Period))
	e.uint(s.Exiting.Count)
	e.uint(s.Exiting.CgroupID)
	e.int(int64(s.Exiting.PID))
	e.uint(uint64(s.Exiting.PFFlags))
	e.uint(s.CpusetBegun)
	e.uint(s.CpusetEnded)
	e.uint(s.AllocFail)
	e.uint(s.LateInserts)
	e.uint(s.Rescued)
	e.uint(uint64(s.MaxUsed))
	e.uint(uint64(s.Queues))
	e.int(int64(s.HeldCPU))
	e.uint(s.InitEnded)
	e.uint(uint64(s.Cgroups))
}

func (e *idEncoder) cgroup(g *Cgroup) {
	e.uint(g.ID)
	idStr(e, &g.Path)
	e.uint(g.Parent)
	e.uint(uint64(g.Level))
	e.bool(g.HasContext)
	e.int(int64(g.Cell))
	e.int(int64(g.Owns))
	e.bool(g.Dying)
	e.bool(g.Populated)
	e.bool(g.CPUController)
	idMask(e, &g.CPUs)
	idMask(e, &g.EffectiveCPUs)
}

func (e *idEncoder) cell(c *Cell) {
	e.int(int64(c.ID))
	idMask(e, &c.CPUs)
	idUint(e, &c.OwnerCgroup)
	idStr(e, &c.OwnerPath)
	idUint(e, &c.VTime)
	idInt(e, &c.Queued)
	idUint(e, &c.DrainLLCs)
	idUint(e, &c.CPULLCs)
	idList(e, c.LLCs, e.cellLLC)
	e.kvs(c.Unknown)
	idStr(e, &c.State)
	idUint(e, &c.Generation)
	idUint(e, &c.DSQ)
}

func (e *idEncoder) cellLLC(l *CellLLC) {
	e.int(int64(l.LLC))
	idUint(e, &l.VTime)
	idInt(e, &l.Queued)
	idUint(e, &l.TrackedQueued)
	idBool(e, &l.Drain)
	idBool(e, &l.HasCPUs)
}

func (e *idEncoder) cpu(c *CPU) {
	e.int(int64(c.ID))
	e.bool(c.Listed)
	idUint(e, &c.NrRunning)
	idUint(e, &c.Flags)
	idBool(e, &c.CPURel)
	idUint(e, &c.OpsQSeq)
	idUint(e, &c.KSync)
	idRef(e, &c.Current)
	idStr(e, &c.Class)
	idUint(e, &c.NrRescue)
	idInt(e, &c.RescueBudget)
	idRef(e, &c.Rescuing)
	idMask(e, &c.CPUsToKick)
	idMask(e, &c.IdleToKick)
	idMask(e, &c.CPUsToPreempt)
	idMask(e, &c.CPUsToWait)
	idMask(e, &c.CPUsToSync)
	idInt(e, &c.Cell)
	idInt(e, &c.LLC)
	idUint(e, &c.VTime)
	idInt(e, &c.Queued)
	idUint(e, &c.DSQ)
	e.kvs(c.Scheduler)
	e.lines(c.Text)
	e.kvs(c.Unknown)
}

func (e *idEncoder) task(t *Task) {
	e.ref(t.TaskRef)
	idInt(e, &t.CPU)
	e.bool(t.Current)
	idUint(e, &t.State)
	idStr(e, &t.Owner)
	e.bool(t.OwnerDumped)
	idInt(e, &t.RunnableAt)
	if idUint(e, &t.SCXStateNr); !t.SCXStateNr.Known {
		idStr(e, &t.SCXState)
	}
	idUint(e, &t.Flags)
	idUint(e, &t.DSQFlags)
	idUint(e, &t.OpsState)
	idUint(e, &t.QSeq)
	idInt(e, &t.StickyCPU)
	idInt(e, &t.HoldingCPU)
	idDSQRef(e, &t.DSQ)
	idUint(e, &t.DSQVTime)
	idUint(e, &t.Slice)
	idUint(e, &t.Weight)
	idMask(e, &t.CPUs)
	idUint(e, &t.MigrationDisabled)
	idMask(e, &t.AllowedCPUs)
	idInt(e, &t.TGID)
	idUint(e, &t.PFFlags)
	e.bool(t.Walked)
	idInt(e, &t.Cell)
	idInt(e, &t.LLC)
	idUint(e, &t.VTime)
	idUint(e, &t.BasisVTime)
	idDSQRef(e, &t.AssignedDSQ)
	idMask(e, &t.SchedulerCPUs)
	idBool(e, &t.AllCellCPUsAllowed)
	idUint(e, &t.CgroupID)
	idStr(e, &t.CgroupName)
	idBool(e, &t.HasContext)
	idUint(e, &t.ConfigSeq)
	idInt(e, &t.RunTime)
	idUint(e, &t.Runs)
	e.kvs(t.Scheduler)
	e.lines(t.Text)
	e.lines(t.Stack)
	e.kvs(t.Unknown)
}

func (e *idEncoder) cellState(c *Cell) {
	idUint(e, &c.Since)
	idUint(e, &c.GraceUntil)
	idUint(e, &c.Rescued)
	idBool(e, &c.SpareMissing)
	idMask(e, &c.CpusetCPUs)
}

func (e *idEncoder) cpuState(c *CPU) {
	idBool(e, &c.Online)
	idInt(e, &c.PrevCell)
	idUint(e, &c.Sections)
	idUint(e, &c.Nesting)
	idUint(e, &c.SectionSince)
	idBool(e, &c.Awaited)
}

func (e *idEncoder) taskContext(t *Task) {
	e.bool(t.Context != nil)
	if x := t.Context; x != nil {
		e.uint(x.CgroupIDNow)
		e.uint(x.VTimeRead)
		e.uint(x.StartedAt)
		e.int(int64(x.Clock))
		e.uint(uint64(x.CellGeneration))
		e.bool(x.Fallback)
	}
}

func (e *idEncoder) dsq(d *DSQ) {
	idUint(e, &d.ID)
	e.str(d.Name)
	idInt(e, &d.Queued)
	idUint(e, &d.NrCPUs)
	idMask(e, &d.CPUs)
	idInt(e, &d.HeadWait)
	idList(e, d.PIDs, func(pid *int32) { e.int(int64(*pid)) })
}

func (e *idEncoder) event(v *Event) {
	e.int(v.Seq)
	e.str(v.Kind)
	idUint(e, &v.CgroupID)
	idInt(e, &v.PID)
	idUint(e, &v.Time)
	e.kvs(v.Unknown)
	idInt(e, &v.CPU)
	idUint(e, &v.Arg)
	e.bool(v.Torn)
}

func (e *idEncoder) counter(c *Counter) {
	e.str(c.Name)
	e.int(c.Value)
}
