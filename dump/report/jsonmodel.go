// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"time"

	"scxdiag/dump"
)

// The types below are the JSON document: their tags are the contract. Where a
// zero would be ambiguous the field is a pointer, nil for unknown.

type jsonSnapshot struct {
	ID        string         `json:"id"`
	Source    jsonSource     `json:"source"`
	Time      string         `json:"time,omitzero"`
	Host      string         `json:"host,omitzero"`
	Kernel    string         `json:"kernel,omitzero"`
	Scheduler string         `json:"scheduler,omitzero"`
	Sub       *jsonSub       `json:"sub,omitzero"`
	Trigger   string         `json:"trigger,omitzero"`
	Exit      *jsonExit      `json:"exit,omitzero"`
	Ledger    jsonLedger     `json:"ledger"`
	Status    *jsonStatus    `json:"status,omitzero"`
	Cells     []jsonCell     `json:"cells,omitzero"`
	CPUs      []jsonCPU      `json:"cpus,omitzero"`
	Tasks     []jsonTask     `json:"tasks,omitzero"`
	DSQs      []jsonDSQ      `json:"dsqs,omitzero"`
	Events    []jsonEvent    `json:"events,omitzero"`
	Counters  object         `json:"counters,omitzero"`
	Text      []string       `json:"text,omitzero"`
	Build     object         `json:"build,omitzero"`
	Findings  []jsonFinding  `json:"findings,omitzero"`
	Signature *jsonSignature `json:"signature,omitzero"`
}

type jsonSource struct {
	Name     string     `json:"name"`
	Carrier  string     `json:"carrier,omitzero"`
	Reversed bool       `json:"reversed"`
	Offset   *int64     `json:"offset,omitzero"`
	Length   *int       `json:"length,omitzero"`
	Line     int        `json:"line,omitzero"`
	Copies   []jsonCopy `json:"copies,omitzero"`
}

type jsonCopy struct {
	Carrier string `json:"carrier,omitzero"`
	Offset  int64  `json:"offset"`
	Line    int    `json:"line,omitzero"`
}

type jsonSub struct {
	Level    int    `json:"level"`
	CgroupID uint64 `json:"cgroup_id"`
	Path     string `json:"path"`
}

// jsonTaskRef has no pid where it is unknown. The idle task's is 0.
type jsonTaskRef struct {
	Comm string `json:"comm"`
	PID  *int32 `json:"pid,omitzero"`
}

type jsonExit struct {
	Kind      *dump.ExitKind `json:"kind,omitzero"`
	Name      string         `json:"name,omitzero"`
	Code      *int64         `json:"code,omitzero"`
	Reason    *string        `json:"reason,omitzero"`
	Message   *string        `json:"message,omitzero"`
	Task      *jsonTaskRef   `json:"task,omitzero"`
	Subject   *jsonTaskRef   `json:"subject,omitzero"`
	CPU       *int32         `json:"cpu,omitzero"`
	Backtrace []string       `json:"backtrace,omitzero"`
}

type jsonLedger struct {
	Complete      bool             `json:"complete"`
	Truncated     bool             `json:"truncated"`
	Dropped       uint64           `json:"dropped"`
	NotUnderstood int              `json:"not_understood"`
	Notes         []string         `json:"notes"`
	Lines         *jsonLineCounts  `json:"lines,omitzero"`
	Strange       []jsonLine       `json:"not_understood_lines,omitzero"`
	Distrusted    []jsonDistrusted `json:"distrusted,omitzero"`
	Records       []jsonRecords    `json:"records,omitzero"`
}

type jsonLineCounts struct {
	Parsed        int `json:"parsed"`
	Verbatim      int `json:"verbatim"`
	Blank         int `json:"blank"`
	Foreign       int `json:"foreign"`
	NotUnderstood int `json:"not_understood"`
	Truncated     int `json:"truncated"`
	Glued         int `json:"glued,omitempty"`
}

type jsonLine struct {
	Line int    `json:"line,omitzero"`
	Text string `json:"text"`
}

type jsonDistrusted struct {
	Entity string `json:"entity"`
	Field  string `json:"field"`
	Text   string `json:"text"`
	Line   int    `json:"line,omitzero"`
}

type jsonRecords struct {
	Kind     string `json:"kind"`
	Expected uint64 `json:"expected"`
	Received uint64 `json:"received"`
	Dropped  uint64 `json:"dropped"`
}

// jsonStatus is what a cell scheduler says of itself; see dump.Status.
type jsonStatus struct {
	ConfigSeq   uint64   `json:"config_seq"`
	AppliedSeq  uint64   `json:"applied_seq"`
	SliceNS     uint64   `json:"slice_ns"`
	MaxCells    uint32   `json:"max_cells"`
	NrEvents    uint64   `json:"nr_events"`
	EnqFallback uint64   `json:"enq_fallback"`
	TimeClamped uint64   `json:"time_clamped"`
	Faults      []string `json:"faults"`
}

type jsonCell struct {
	ID          int32         `json:"id"`
	State       *string       `json:"state,omitzero"`
	Generation  *uint32       `json:"generation,omitzero"`
	CPUs        *string       `json:"cpus,omitzero"`
	OwnerCgroup *uint64       `json:"owner_cgroup,omitzero"`
	OwnerPath   *string       `json:"owner_path,omitzero"`
	VTime       *uint64       `json:"vtime,omitzero"`
	Queued      *int64        `json:"queued,omitzero"`
	DSQ         string        `json:"dsq,omitzero"`
	DrainLLCs   *uint64       `json:"drain_llcs,omitzero"`
	CPULLCs     *uint64       `json:"cpu_llcs,omitzero"`
	LLCs        []jsonCellLLC `json:"llcs,omitzero"`
	Unknown     object        `json:"unknown,omitzero"`
}

type jsonCellLLC struct {
	LLC           int32   `json:"llc"`
	VTime         *uint64 `json:"vtime,omitzero"`
	Queued        *int64  `json:"queued,omitzero"`
	TrackedQueued *uint32 `json:"tracked_queued,omitzero"`
	Drain         *bool   `json:"drain,omitzero"`
	HasCPUs       *bool   `json:"has_cpus,omitzero"`
}

type jsonCPU struct {
	ID             int32        `json:"id"`
	Listed         bool         `json:"listed"`
	Cell           *int32       `json:"cell,omitzero"`
	LLC            *int32       `json:"llc,omitzero"`
	NrRunning      *uint32      `json:"nr_running,omitzero"`
	Flags          []string     `json:"flags,omitzero"`
	CPURel         *bool        `json:"cpu_rel,omitzero"`
	OpsQSeq        *uint64      `json:"ops_qseq,omitzero"`
	KSync          *uint64      `json:"ksync,omitzero"`
	Current        *jsonTaskRef `json:"current,omitzero"`
	Class          *string      `json:"class,omitzero"`
	NrRescue       *uint32      `json:"nr_rescue,omitzero"`
	RescueBudgetUS *int64       `json:"rescue_budget_us,omitzero"`
	Rescuing       *jsonTaskRef `json:"rescuing,omitzero"`
	CPUsToKick     *string      `json:"cpus_to_kick,omitzero"`
	IdleToKick     *string      `json:"idle_to_kick,omitzero"`
	CPUsToPreempt  *string      `json:"cpus_to_preempt,omitzero"`
	CPUsToWait     *string      `json:"cpus_to_wait,omitzero"`
	CPUsToSync     *string      `json:"cpus_to_sync,omitzero"`
	VTime          *uint64      `json:"vtime,omitzero"`
	Queued         *int64       `json:"queued,omitzero"`
	DSQ            string       `json:"dsq,omitzero"`
	Scheduler      object       `json:"scheduler,omitzero"`
	Text           []string     `json:"text,omitzero"`
	Unknown        object       `json:"unknown,omitzero"`
}

// jsonTask has walked where the task was on no run queue during the dump and
// was found by a walk over all tasks a little later; only ring-buffer records
// have such tasks. Has_context false means that the scheduler knows nothing of
// the task, so that what it says of tasks is absent.
type jsonTask struct {
	PID                int32       `json:"pid"`
	TGID               *int32      `json:"tgid,omitzero"`
	Comm               string      `json:"comm"`
	CPU                *int32      `json:"cpu,omitzero"`
	Current            bool        `json:"current"`
	Walked             bool        `json:"walked,omitzero"`
	Exiting            *bool       `json:"exiting,omitzero"`
	KThread            *bool       `json:"kthread,omitzero"`
	PFFlags            *uint32     `json:"pf_flags,omitzero"`
	State              *string     `json:"state,omitzero"`
	Owner              *string     `json:"owner,omitzero"`
	OwnerDumped        *bool       `json:"owner_dumped,omitzero"`
	WaitingMS          *int64      `json:"waiting_ms,omitzero"`
	RunnableAtMS       *int64      `json:"runnable_at_ms,omitzero"`
	SCXState           *string     `json:"scx_state,omitzero"`
	SCXStateNr         *uint32     `json:"scx_state_nr,omitzero"`
	Flags              []string    `json:"flags,omitzero"`
	DSQFlags           *uint32     `json:"dsq_flags,omitzero"`
	OpsState           *string     `json:"ops_state,omitzero"`
	QSeq               *uint64     `json:"qseq,omitzero"`
	StickyCPU          *int32      `json:"sticky_cpu,omitzero"`
	HoldingCPU         *int32      `json:"holding_cpu,omitzero"`
	DSQ                *jsonDSQRef `json:"dsq,omitzero"`
	DSQVTime           *uint64     `json:"dsq_vtime,omitzero"`
	VTime              *uint64     `json:"vtime,omitzero"`
	BasisVTime         *uint64     `json:"basis_vtime,omitzero"`
	SliceNS            *uint64     `json:"slice_ns,omitzero"`
	Weight             *uint32     `json:"weight,omitzero"`
	CPUs               *string     `json:"cpus,omitzero"`
	MigrationDisabled  *uint32     `json:"migration_disabled,omitzero"`
	AllowedCPUs        *string     `json:"allowed_cpus,omitzero"`
	Cell               *int32      `json:"cell,omitzero"`
	LLC                *int32      `json:"llc,omitzero"`
	AssignedDSQ        *jsonDSQRef `json:"assigned_dsq,omitzero"`
	SchedulerCPUs      *string     `json:"scheduler_cpus,omitzero"`
	AllCellCPUsAllowed *bool       `json:"all_cell_cpus_allowed,omitzero"`
	CgroupID           *uint64     `json:"cgroup_id,omitzero"`
	CgroupName         *string     `json:"cgroup_name,omitzero"`
	HasContext         *bool       `json:"has_context,omitzero"`
	ConfigSeq          *uint64     `json:"config_seq,omitzero"`
	RunTimeNS          *int64      `json:"run_time_ns,omitzero"`
	Runs               *uint64     `json:"runs,omitzero"`
	Stack              []string    `json:"stack,omitzero"`
	Scheduler          object      `json:"scheduler,omitzero"`
	Text               []string    `json:"text,omitzero"`
	Unknown            object      `json:"unknown,omitzero"`
}

type jsonDSQRef struct {
	ID   string `json:"id,omitzero"`
	Kind string `json:"kind"`
	Cell *int32 `json:"cell,omitzero"`
	LLC  *int32 `json:"llc,omitzero"`
	CPU  *int32 `json:"cpu,omitzero"`
}

type jsonDSQ struct {
	ID         string  `json:"id,omitzero"`
	Name       string  `json:"name,omitzero"`
	Queued     *int64  `json:"queued,omitzero"`
	NrCPUs     *uint32 `json:"nr_cpus,omitzero"`
	CPUs       *string `json:"cpus,omitzero"`
	HeadWaitMS *int64  `json:"head_wait_ms,omitzero"`
	PIDs       []int32 `json:"pids,omitempty"`
}

// jsonEvent has torn where the step was overwritten while it was read. What arg
// means depends on kind.
type jsonEvent struct {
	Seq      int64   `json:"seq"`
	Kind     string  `json:"kind"`
	CgroupID *uint64 `json:"cgroup_id,omitzero"`
	PID      *int32  `json:"pid,omitzero"`
	Time     *uint64 `json:"time,omitzero"`
	CPU      *int32  `json:"cpu,omitzero"`
	Arg      *uint64 `json:"arg,omitzero"`
	Torn     bool    `json:"torn,omitzero"`
	Unknown  object  `json:"unknown,omitzero"`
}

type jsonFinding struct {
	Rule        string         `json:"rule"`
	Severity    string         `json:"severity"`
	Confidence  string         `json:"confidence"`
	Title       string         `json:"title"`
	Explanation string         `json:"explanation"`
	Evidence    []jsonEvidence `json:"evidence"`
	Next        string         `json:"next"`
}

type jsonEvidence struct {
	Entity string `json:"entity"`
	Text   string `json:"text"`
	Line   int    `json:"line,omitzero"`
}

type jsonSignature struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Parts []string `json:"parts"`
	Weak  bool     `json:"weak"`
}

func newJSONSnapshot(s *dump.Snapshot) *jsonSnapshot {
	j := &jsonSnapshot{
		ID:        s.ID(),
		Source:    newJSONSource(s),
		Host:      jsonString(s.Host),
		Kernel:    jsonString(s.Kernel.String()),
		Scheduler: jsonString(s.Scheduler),
		Trigger:   string(s.Trigger),
		Exit:      newJSONExit(s.Exit),
		Ledger:    newJSONLedger(s),
		Cells:     jsonList(s.Cells, newJSONCell),
		CPUs:      jsonList(s.CPUs, func(c *dump.CPU) jsonCPU { return newJSONCPU(c, s.Kernel) }),
		Tasks:     jsonList(s.Tasks, func(t *dump.Task) jsonTask { return newJSONTask(t, s.Kernel) }),
		DSQs:      jsonList(s.DSQs, newJSONDSQ),
		Events:    jsonList(s.Events, newJSONEvent),
		Counters:  jsonCounters(s.Counters),
		Text:      jsonLines(s.Text),
		Build:     jsonKVs(s.Build),
		Findings:  jsonList(s.Findings, func(f *dump.Finding) jsonFinding { return newJSONFinding(s, f) }),
	}
	if !s.Time.IsZero() {
		j.Time = s.Time.Format(time.RFC3339Nano)
	}
	if s.Sub != nil {
		j.Sub = &jsonSub{Level: s.Sub.Level, CgroupID: s.Sub.CgroupID, Path: jsonString(s.Sub.Path)}
	}
	if t := s.Status; t != nil {
		j.Status = &jsonStatus{
			ConfigSeq: t.ConfigSeq, AppliedSeq: t.AppliedSeq, SliceNS: t.Slice, MaxCells: t.MaxCells,
			NrEvents: t.NrEvents, EnqFallback: t.EnqFallback, TimeClamped: t.TimeClamped,
			Faults: append([]string{}, jsonStrings(t.Faults)...),
		}
	}
	if g := s.Signature; g != nil {
		j.Signature = &jsonSignature{ID: g.ID, Title: jsonString(g.Title), Parts: jsonStrings(g.Parts), Weak: g.Weak}
	}
	return j
}

func newJSONSource(s *dump.Snapshot) jsonSource {
	j := jsonSource{
		Name:     jsonString(s.Source.Name),
		Carrier:  jsonString(s.Source.Carrier),
		Reversed: s.Source.Reversed,
		Line:     s.Source.Line,
		Copies: jsonList(s.Source.Copies, func(c *dump.Copy) jsonCopy {
			return jsonCopy{Carrier: jsonString(c.Carrier), Offset: c.Offset, Line: c.Line}
		}),
	}
	if s.Raw != "" {
		j.Offset, j.Length = new(s.Source.Offset), new(len(s.Raw))
	}
	return j
}

func newJSONTaskRef(v dump.Value[dump.TaskRef]) *jsonTaskRef {
	if !v.Known {
		return nil
	}
	j := &jsonTaskRef{Comm: jsonString(v.V.Comm)}
	if v.V.PID >= 0 {
		j.PID = &v.V.PID
	}
	return j
}

func newJSONExit(x *dump.Exit) *jsonExit {
	if x == nil {
		return nil
	}
	j := &jsonExit{
		Kind:      opt(x.Kind),
		Code:      opt(x.Code),
		Reason:    optString(x.Reason),
		Message:   optString(x.Message),
		Task:      newJSONTaskRef(x.Task),
		Subject:   newJSONTaskRef(x.Subject),
		CPU:       opt(x.CPU),
		Backtrace: jsonLines(x.Backtrace),
	}
	if x.Kind.Known {
		j.Name = x.Kind.V.String()
	}
	return j
}

func newJSONLedger(s *dump.Snapshot) jsonLedger {
	l := &s.Ledger
	j := jsonLedger{
		Complete:      l.Complete(),
		Truncated:     l.Truncated,
		Dropped:       l.Dropped(),
		NotUnderstood: l.Lines.NotUnderstood,
		Notes:         jsonStrings(l.Notes),
		Strange: jsonList(l.NotUnderstood, func(line *dump.Line) jsonLine {
			return jsonLine{Line: s.Line(line.At), Text: jsonString(line.Text)}
		}),
		Distrusted: jsonList(l.Distrusted, func(d *dump.Distrusted) jsonDistrusted {
			return jsonDistrusted{
				Entity: jsonString(d.Entity), Field: jsonString(d.Field), Text: jsonString(d.Text), Line: s.Line(d.At),
			}
		}),
		Records: jsonList(l.Records, func(r *dump.RecordCount) jsonRecords {
			return jsonRecords{Kind: jsonString(r.Kind), Expected: r.Expected, Received: r.Received, Dropped: r.Dropped}
		}),
	}
	if j.Notes == nil {
		j.Notes = []string{}
	}
	if l.Lines != (dump.LineCounts{}) {
		j.Lines = new(jsonLineCounts(l.Lines))
	}
	return j
}

func newJSONCell(c *dump.Cell) jsonCell {
	return jsonCell{
		ID:          c.ID,
		State:       optString(c.State),
		Generation:  opt(c.Generation),
		CPUs:        optMask(c.CPUs),
		OwnerCgroup: opt(c.OwnerCgroup),
		OwnerPath:   optString(c.OwnerPath),
		VTime:       opt(c.VTime),
		Queued:      opt(c.Queued),
		DSQ:         jsonDSQID(c.DSQ),
		DrainLLCs:   opt(c.DrainLLCs),
		CPULLCs:     opt(c.CPULLCs),
		LLCs: jsonList(c.LLCs, func(l *dump.CellLLC) jsonCellLLC {
			return jsonCellLLC{
				LLC:           l.LLC,
				VTime:         opt(l.VTime),
				Queued:        opt(l.Queued),
				TrackedQueued: opt(l.TrackedQueued),
				Drain:         opt(l.Drain),
				HasCPUs:       opt(l.HasCPUs),
			}
		}),
		Unknown: jsonKVs(c.Unknown),
	}
}

func newJSONCPU(c *dump.CPU, k dump.Kernel) jsonCPU {
	j := jsonCPU{
		ID:            c.ID,
		Listed:        c.Listed,
		Cell:          opt(c.Cell),
		LLC:           opt(c.LLC),
		NrRunning:     opt(c.NrRunning),
		Flags:         jsonFlags(c.Flags, k.RQFlagNames),
		CPURel:        opt(c.CPURel),
		OpsQSeq:       opt(c.OpsQSeq),
		KSync:         opt(c.KSync),
		Current:       newJSONTaskRef(c.Current),
		Class:         optString(c.Class),
		NrRescue:      opt(c.NrRescue),
		Rescuing:      newJSONTaskRef(c.Rescuing),
		CPUsToKick:    optMask(c.CPUsToKick),
		IdleToKick:    optMask(c.IdleToKick),
		CPUsToPreempt: optMask(c.CPUsToPreempt),
		CPUsToWait:    optMask(c.CPUsToWait),
		CPUsToSync:    optMask(c.CPUsToSync),
		VTime:         opt(c.VTime),
		Queued:        opt(c.Queued),
		DSQ:           jsonDSQID(c.DSQ),
		Scheduler:     jsonKVs(c.Scheduler),
		Text:          jsonLines(c.Text),
		Unknown:       jsonKVs(c.Unknown),
	}
	if c.RescueBudget.Known {
		j.RescueBudgetUS = new(c.RescueBudget.V.Microseconds())
	}
	return j
}

// jsonFlags are the names of flags: an empty list if none is set, nil if that
// is unknown.
func jsonFlags(v dump.Value[uint32], names func(uint32) []string) []string {
	if !v.Known {
		return nil
	}
	return append([]string{}, names(v.V)...)
}

func newJSONTask(t *dump.Task, k dump.Kernel) jsonTask {
	j := jsonTask{
		PID:                t.PID,
		TGID:               opt(t.TGID),
		Comm:               jsonString(t.Comm),
		CPU:                opt(t.CPU),
		Current:            t.Current,
		Walked:             t.Walked,
		PFFlags:            opt(t.PFFlags),
		Owner:              optString(t.Owner),
		RunnableAtMS:       optMillis(t.RunnableAt),
		SCXState:           optString(t.SCXState),
		SCXStateNr:         opt(t.SCXStateNr),
		Flags:              jsonFlags(t.Flags, k.TaskFlagNames),
		DSQFlags:           opt(t.DSQFlags),
		QSeq:               opt(t.QSeq),
		StickyCPU:          opt(t.StickyCPU),
		HoldingCPU:         opt(t.HoldingCPU),
		DSQ:                newJSONDSQRef(t.DSQ),
		DSQVTime:           opt(t.DSQVTime),
		VTime:              opt(t.VTime),
		BasisVTime:         opt(t.BasisVTime),
		SliceNS:            opt(t.Slice),
		Weight:             opt(t.Weight),
		CPUs:               optMask(t.CPUs),
		MigrationDisabled:  opt(t.MigrationDisabled),
		AllowedCPUs:        optMask(t.AllowedCPUs),
		Cell:               opt(t.Cell),
		LLC:                opt(t.LLC),
		AssignedDSQ:        newJSONDSQRef(t.AssignedDSQ),
		SchedulerCPUs:      optMask(t.SchedulerCPUs),
		AllCellCPUsAllowed: opt(t.AllCellCPUsAllowed),
		CgroupID:           opt(t.CgroupID),
		CgroupName:         optString(t.CgroupName),
		HasContext:         opt(t.HasContext),
		ConfigSeq:          opt(t.ConfigSeq),
		Runs:               opt(t.Runs),
		Stack:              jsonLines(t.Stack),
		Scheduler:          jsonKVs(t.Scheduler),
		Text:               jsonLines(t.Text),
		Unknown:            jsonKVs(t.Unknown),
	}
	if t.State.Known {
		j.State = new(jsonString(string([]byte{t.State.V})))
	}
	if f, ok := t.PFFlags.Get(); ok {
		j.Exiting, j.KThread = new(f&dump.PFExiting != 0), new(f&dump.PFKThread != 0)
	}
	if t.RunTime.Known {
		j.RunTimeNS = new(t.RunTime.V.Nanoseconds())
	}
	if t.Owner.Known {
		j.OwnerDumped = new(t.OwnerDumped)
	}
	if w, ok := t.WaitingFor(); ok {
		j.WaitingMS = new(w.Milliseconds())
	}
	if t.OpsState.Known {
		j.OpsState = new(t.OpsState.V.String())
	}
	return j
}

func newJSONDSQRef(v dump.Value[dump.DSQRef]) *jsonDSQRef {
	switch {
	case !v.Known:
		return nil
	case v.V.IsNone():
		return &jsonDSQRef{Kind: string(dump.DSQKindNone)}
	}
	j := &jsonDSQRef{ID: v.V.ID.String(), Kind: string(v.V.Kind)}
	switch v.V.Kind {
	case dump.DSQKindCell:
		j.Cell = &v.V.Cell
		if v.V.LLC > 0 { // 0 also where the scheduler does not split cells
			j.LLC = &v.V.LLC
		}
	case dump.DSQKindCPU, dump.DSQKindLocal, dump.DSQKindLocalOn:
		if v.V.CPU >= 0 {
			j.CPU = &v.V.CPU
		}
	}
	return j
}

func newJSONDSQ(d *dump.DSQ) jsonDSQ {
	return jsonDSQ{
		Name:       jsonString(d.Name),
		Queued:     opt(d.Queued),
		NrCPUs:     opt(d.NrCPUs),
		CPUs:       optMask(d.CPUs),
		HeadWaitMS: optMillis(d.HeadWait),
		PIDs:       d.PIDs,
		ID:         jsonDSQID(d.ID),
	}
}

// jsonDSQID is the id as the kernel prints it, "" and so absent if unknown.
func jsonDSQID(v dump.Value[dump.DSQID]) string {
	if !v.Known {
		return ""
	}
	return v.V.String()
}

func newJSONEvent(e *dump.Event) jsonEvent {
	return jsonEvent{
		Seq:      e.Seq,
		Kind:     jsonString(e.Kind),
		CgroupID: opt(e.CgroupID),
		PID:      opt(e.PID),
		Time:     opt(e.Time),
		CPU:      opt(e.CPU),
		Arg:      opt(e.Arg),
		Torn:     e.Torn,
		Unknown:  jsonKVs(e.Unknown),
	}
}

func newJSONFinding(s *dump.Snapshot, f *dump.Finding) jsonFinding {
	return jsonFinding{
		Rule:        f.Rule,
		Severity:    string(f.Severity),
		Confidence:  string(f.Confidence),
		Title:       jsonString(f.Title),
		Explanation: jsonString(f.Explanation),
		Evidence: jsonList(f.Evidence, func(e *dump.Evidence) jsonEvidence {
			return jsonEvidence{Entity: jsonString(e.Entity), Text: jsonString(e.Text), Line: s.Line(e.At)}
		}),
		Next: jsonString(f.Next),
	}
}
