// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"time"

	"scxdiag/dump"
)

// The types below are the JSON document: their tags are the contract. Where a
// zero would be ambiguous the field is a pointer, nil for unknown.

type jsonSnapshot struct {
	ID           string             `json:"id"`
	Source       jsonSource         `json:"source"`
	Time         string             `json:"time,omitzero"`
	Host         string             `json:"host,omitzero"`
	Kernel       string             `json:"kernel,omitzero"`
	Scheduler    string             `json:"scheduler,omitzero"`
	Sub          *jsonSub           `json:"sub,omitzero"`
	Trigger      string             `json:"trigger,omitzero"`
	Exit         *jsonExit          `json:"exit,omitzero"`
	Ledger       jsonLedger         `json:"ledger"`
	Status       *jsonStatus        `json:"status,omitzero"`
	Cells        []jsonCell         `json:"cells,omitzero"`
	Cgroups      []jsonCgroup       `json:"cgroups,omitzero"`
	CPUs         []jsonCPU          `json:"cpus,omitzero"`
	Tasks        []jsonTask         `json:"tasks,omitzero"`
	DSQs         []jsonDSQ          `json:"dsqs,omitzero"`
	Events       []jsonEvent        `json:"events,omitzero"`
	Counters     object             `json:"counters,omitzero"`
	Text         []string           `json:"text,omitzero"`
	Build        object             `json:"build,omitzero"`
	Findings     []jsonFinding      `json:"findings,omitzero"`
	NotEvaluated []jsonNotEvaluated `json:"not_evaluated,omitzero"`
	Signature    *jsonSignature     `json:"signature,omitzero"`
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

	AtNS        *uint64     `json:"at_ns,omitzero"` // of the snapshot
	CpusetBegun uint64      `json:"cpuset_begun"`
	CpusetEnded uint64      `json:"cpuset_ended"`
	AllocFail   uint64      `json:"alloc_fail"`
	LateInserts uint64      `json:"late_inserts"`
	Rescued     uint64      `json:"rescued"`
	MaxUsed     uint32      `json:"max_used"`
	Queues      uint32      `json:"queues"`
	Cgroups     uint32      `json:"nr_cgroups"`
	HeldCPU     *int32      `json:"held_cpu,omitzero"` // absent if none had to be
	InitEndedNS *uint64     `json:"init_ended_ns,omitzero"`
	Grace       jsonGrace   `json:"grace"`
	Apply       jsonApply   `json:"apply"`
	Timer       jsonTimer   `json:"timer"`
	Exiting     jsonExiting `json:"exiting"`
}

type jsonGrace struct {
	Active       bool    `json:"active"`
	Seq          uint64  `json:"seq"`
	StartedNS    *uint64 `json:"started_ns,omitzero"`
	StartedAgoMS *int64  `json:"started_ago_ms,omitzero"`
}

// jsonApply has phase while a configuration is being brought into force, and
// token while somebody has the right to do that.
type jsonApply struct {
	Phase           string  `json:"phase,omitzero"`
	RC              int32   `json:"rc"`
	BegunNS         *uint64 `json:"begun_ns,omitzero"`
	BegunAgoMS      *int64  `json:"begun_ago_ms,omitzero"`
	EndedNS         *uint64 `json:"ended_ns,omitzero"`
	EndedAgoMS      *int64  `json:"ended_ago_ms,omitzero"`
	TokenSinceNS    *uint64 `json:"token_since_ns,omitzero"`
	TokenSinceAgoMS *int64  `json:"token_since_ago_ms,omitzero"`
}

type jsonTimer struct {
	Armed      bool    `json:"armed"`
	RC         int32   `json:"rc"`
	Runs       uint64  `json:"runs"`
	PeriodNS   int64   `json:"period_ns"`
	MaxRunNS   int64   `json:"max_run_ns"`
	FirstNS    *uint64 `json:"first_ns,omitzero"`
	FirstAgoMS *int64  `json:"first_ago_ms,omitzero"`
	LastNS     *uint64 `json:"last_ns,omitzero"`
	LastAgoMS  *int64  `json:"last_ago_ms,omitzero"`
}

// jsonExiting tells of the last task only if there was one.
type jsonExiting struct {
	Count    uint64  `json:"count"`
	CgroupID *uint64 `json:"cgroup_id,omitzero"`
	PID      *int32  `json:"pid,omitzero"`
	PFFlags  *uint32 `json:"pf_flags,omitzero"`
}

// jsonCgroup has cell where the scheduler has storage for the cgroup, and owns
// where its cpuset made a cell.
type jsonCgroup struct {
	ID            uint64  `json:"id"`
	Path          *string `json:"path,omitzero"`
	Parent        *uint64 `json:"parent,omitzero"`
	Level         uint32  `json:"level"`
	HasContext    bool    `json:"has_context"`
	Cell          *int32  `json:"cell,omitzero"`
	Owns          *int32  `json:"owns,omitzero"`
	Dying         bool    `json:"dying"`
	Populated     bool    `json:"populated"`
	CPUController bool    `json:"cpu_controller"`
	CPUs          *string `json:"cpus,omitzero"`
	EffectiveCPUs *string `json:"effective_cpus,omitzero"`
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

	SinceNS      *uint64 `json:"since_ns,omitzero"` // in its state
	SinceAgoMS   *int64  `json:"since_ago_ms,omitzero"`
	GraceUntil   *uint64 `json:"grace_until,omitzero"` // 0 if it waits for no grace period
	Rescued      *uint64 `json:"rescued,omitzero"`
	SpareMissing *bool   `json:"spare_missing,omitzero"`
	CpusetCPUs   *string `json:"cpuset_cpus,omitzero"`
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

	Online            *bool   `json:"online,omitzero"`
	PrevCell          *int32  `json:"prev_cell,omitzero"`
	Sections          *uint64 `json:"sections,omitzero"`
	Nesting           *uint32 `json:"nesting,omitzero"`
	SectionSinceNS    *uint64 `json:"section_since_ns,omitzero"` // of the one it is in
	SectionSinceAgoMS *int64  `json:"section_since_ago_ms,omitzero"`
	Awaited           *bool   `json:"awaited,omitzero"`
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

	CgroupIDNow    *uint64 `json:"cgroup_id_now,omitzero"`
	VTimeRead      *uint64 `json:"vtime_read,omitzero"`
	StartedNS      *uint64 `json:"started_ns,omitzero"`
	StartedAgoMS   *int64  `json:"started_ago_ms,omitzero"`
	ClockCell      *int32  `json:"clock_cell,omitzero"`
	CellGeneration *uint32 `json:"cell_generation,omitzero"`
	Fallback       *bool   `json:"fallback,omitzero"`
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
	Victims     []string       `json:"victims,omitzero"`
	Follows     []string       `json:"follows,omitzero"`
}

type jsonNotEvaluated struct {
	Rules []string `json:"rules"`
	Why   string   `json:"why"`
}

type jsonEvidence struct {
	Entity string `json:"entity"`
	Text   string `json:"text"`
	Line   int    `json:"line,omitzero"`
}

type jsonSignature struct {
	ID    string    `json:"id"`
	Title string    `json:"title"`
	Parts []string  `json:"parts"`
	Weak  bool      `json:"weak"`
	Seen  *jsonSeen `json:"seen,omitzero"`
}

type jsonSeen struct {
	Count      int       `json:"count"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	LastKernel string    `json:"last_kernel,omitzero"`
	LastHost   string    `json:"last_host,omitzero"`
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
		Cells:     jsonList(s.Cells, func(c *dump.Cell) jsonCell { return newJSONCell(s, c) }),
		Cgroups:   jsonList(s.Cgroups, newJSONCgroup),
		CPUs:      jsonList(s.CPUs, func(c *dump.CPU) jsonCPU { return newJSONCPU(s, c) }),
		Tasks:     jsonList(s.Tasks, func(t *dump.Task) jsonTask { return newJSONTask(s, t) }),
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
	j.NotEvaluated = jsonList(s.NotEvaluated, func(n *dump.NotEvaluated) jsonNotEvaluated {
		return jsonNotEvaluated{Rules: jsonStrings(n.Rules), Why: jsonString(n.Why)}
	})
	j.Status = newJSONStatus(s)
	if g := s.Signature; g != nil {
		j.Signature = &jsonSignature{ID: g.ID, Title: jsonString(g.Title), Parts: jsonStrings(g.Parts), Weak: g.Weak}
		if n := g.Seen; n != nil {
			j.Signature.Seen = &jsonSeen{
				Count: n.Count, First: n.First, Last: n.Last, LastKernel: jsonString(n.LastKernel), LastHost: jsonString(n.LastHost),
			}
		}
	}
	return j
}

func newJSONStatus(s *dump.Snapshot) *jsonStatus {
	t := s.Status
	if t == nil {
		return nil
	}
	j := &jsonStatus{
		ConfigSeq: t.ConfigSeq, AppliedSeq: t.AppliedSeq, SliceNS: t.Slice, MaxCells: t.MaxCells,
		NrEvents: t.NrEvents, EnqFallback: t.EnqFallback, TimeClamped: t.TimeClamped,
		Faults: append([]string{}, jsonStrings(t.Faults)...),

		CpusetBegun: t.CpusetBegun, CpusetEnded: t.CpusetEnded, AllocFail: t.AllocFail, LateInserts: t.LateInserts,
		Rescued: t.Rescued, MaxUsed: t.MaxUsed, Queues: t.Queues, Cgroups: t.Cgroups,
		Grace: jsonGrace{Active: t.Grace.Active(), Seq: t.Grace.Seq},
		Apply: jsonApply{Phase: jsonString(t.Apply.Phase), RC: t.Apply.RC},
		Timer: jsonTimer{
			Armed: t.Timer.Armed, RC: t.Timer.RC, Runs: t.Timer.Runs,
			PeriodNS: t.Timer.Period.Nanoseconds(), MaxRunNS: t.Timer.MaxRun.Nanoseconds(),
		},
		Exiting: jsonExiting{Count: t.Exiting.Count},
	}
	j.AtNS, _ = jsonWhen(s, t.At)
	j.InitEndedNS, _ = jsonWhen(s, t.InitEnded)
	j.Grace.StartedNS, j.Grace.StartedAgoMS = jsonWhen(s, t.Grace.Started)
	j.Apply.BegunNS, j.Apply.BegunAgoMS = jsonWhen(s, t.Apply.Begun)
	j.Apply.EndedNS, j.Apply.EndedAgoMS = jsonWhen(s, t.Apply.Ended)
	j.Apply.TokenSinceNS, j.Apply.TokenSinceAgoMS = jsonWhen(s, t.Apply.TokenSince)
	j.Timer.FirstNS, j.Timer.FirstAgoMS = jsonWhen(s, t.Timer.First)
	j.Timer.LastNS, j.Timer.LastAgoMS = jsonWhen(s, t.Timer.Last)
	if t.HeldCPU >= 0 {
		j.HeldCPU = &t.HeldCPU
	}
	if x := &t.Exiting; x.Count > 0 {
		j.Exiting.CgroupID, j.Exiting.PID, j.Exiting.PFFlags = &x.CgroupID, &x.PID, &x.PFFlags
	}
	return j
}

// jsonWhen is a time in ns since boot, and how many ms before the snapshot that
// was; absent if it never was.
func jsonWhen(s *dump.Snapshot, at uint64) (ns *uint64, agoMS *int64) {
	if at == 0 {
		return nil, nil
	}
	if ago, ok := s.Since(at); ok {
		agoMS = new(ago.Milliseconds())
	}
	return &at, agoMS
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

func newJSONCell(s *dump.Snapshot, c *dump.Cell) jsonCell {
	j := jsonCell{
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

		GraceUntil:   opt(c.GraceUntil),
		Rescued:      opt(c.Rescued),
		SpareMissing: opt(c.SpareMissing),
		CpusetCPUs:   optMask(c.CpusetCPUs),
	}
	j.SinceNS, j.SinceAgoMS = jsonWhen(s, c.Since.V)
	return j
}

func newJSONCgroup(g *dump.Cgroup) jsonCgroup {
	j := jsonCgroup{
		ID: g.ID, Path: optString(g.Path), Level: g.Level, HasContext: g.HasContext, Dying: g.Dying,
		Populated: g.Populated, CPUController: g.CPUController, CPUs: optMask(g.CPUs), EffectiveCPUs: optMask(g.EffectiveCPUs),
	}
	if g.Parent != 0 {
		j.Parent = &g.Parent
	}
	if g.HasContext {
		j.Cell = &g.Cell
		if g.Owns != 0 {
			j.Owns = &g.Owns
		}
	}
	return j
}

func newJSONCPU(s *dump.Snapshot, c *dump.CPU) jsonCPU {
	j := jsonCPU{
		ID:            c.ID,
		Listed:        c.Listed,
		Cell:          opt(c.Cell),
		LLC:           opt(c.LLC),
		NrRunning:     opt(c.NrRunning),
		Flags:         jsonFlags(c.Flags, s.Kernel.RQFlagNames),
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
		Online:        opt(c.Online),
		PrevCell:      opt(c.PrevCell),
		Sections:      opt(c.Sections),
		Nesting:       opt(c.Nesting),
		Awaited:       opt(c.Awaited),
	}
	j.SectionSinceNS, j.SectionSinceAgoMS = jsonWhen(s, c.SectionSince.V)
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

func newJSONTask(s *dump.Snapshot, t *dump.Task) jsonTask {
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
		Flags:              jsonFlags(t.Flags, s.Kernel.TaskFlagNames),
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
	if x := t.Context; x != nil {
		j.CgroupIDNow, j.VTimeRead, j.ClockCell = &x.CgroupIDNow, &x.VTimeRead, &x.Clock
		j.CellGeneration, j.Fallback = &x.CellGeneration, &x.Fallback
		j.StartedNS, j.StartedAgoMS = jsonWhen(s, x.StartedAt)
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
		Next:    jsonString(f.Next),
		Victims: jsonList(f.Victims, func(e *string) string { return jsonString(*e) }),
		Follows: jsonList(f.Follows, func(r *string) string { return jsonString(*r) }),
	}
}
