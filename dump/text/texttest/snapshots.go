// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"scxdiag/dump"
)

// Model is a model with the configuration that it was drawn for. A failed
// property test prints it as the text of its dump.
type Model struct {
	*dump.Snapshot
	Config Config
}

// GoString is the text of the model's dump.
func (m Model) GoString() string {
	return m.Config.String() + "\n" + string(Render(m.Snapshot, m.Config))
}

// Dump renders the model.
func (m Model) Dump() *Dump { return NewDump(m.Snapshot, m.Config) }

// Models draws a configuration and a model for it; change, if not nil, adjusts
// the configuration before.
func Models(n Names, change func(t *rapid.T, k *Config)) *rapid.Generator[Model] {
	return rapid.Custom(func(t *rapid.T) Model {
		k := Configs().Draw(t, "config")
		if change != nil {
			change(t, &k)
		}
		return Model{Snapshot: Snapshots(k, n).Draw(t, "model"), Config: k}
	})
}

// Snapshots draws models that a kernel and a scheduler of configuration k could
// dump: everything that they print is set, and nothing else.
func Snapshots(k Config, n Names) *rapid.Generator[*dump.Snapshot] {
	return rapid.Custom(func(t *rapid.T) *dump.Snapshot {
		d := &drawer{t: t, k: k, names: n, s: &dump.Snapshot{Trigger: dump.TriggerSysRq}}
		d.scheduler()
		d.cells()
		d.cpus()
		d.tasks()
		d.crash()
		d.order()
		d.global()
		return d.s
	})
}

// drawer draws one model.
type drawer struct {
	t     *rapid.T
	k     Config
	names Names
	s     *dump.Snapshot
	pids  map[int32]bool
}

func (d *drawer) num(label string, limit int) int {
	return rapid.IntRange(0, limit).Draw(d.t, label)
}

func (d *drawer) id(label string, limit int) int32 {
	return int32(d.num(label, limit)) //nolint:gosec // small
}

func (d *drawer) chance(label string, n int) bool { return oneIn(d.t, n, label) }

// u64 draws small numbers, the largest, and everything between.
func (d *drawer) u64(label string) uint64 {
	return rapid.OneOf(rapid.Uint64Range(0, 1000), rapid.Uint64Range(1e9, 1e12), rapid.Just(^uint64(0)), rapid.Uint64()).Draw(d.t, label)
}

func (d *drawer) mask(label string) dump.CPUMask {
	if d.chance(label+" is full", 3) {
		return dump.MaskRange(0, d.k.CPUIDs-1)
	}
	cpus := rapid.SliceOfN(rapid.IntRange(0, d.k.CPUIDs-1), 1, 6).Draw(d.t, label)
	return dump.MaskOf(cpus...)
}

// pid draws a pid that no other task of the model has.
func (d *drawer) pid(label string) int32 {
	p := rapid.Int32Range(1, 4194304).Draw(d.t, label)
	for d.pids[p] {
		p++
	}
	if d.pids == nil {
		d.pids = make(map[int32]bool)
	}
	d.pids[p] = true
	return p
}

func (d *drawer) scheduler() {
	names := []string{"simple", "bpfland_1.0.18_g1f2e3d4_x86_64_unknown_linux_gnu", "central", "my.sched_2"}
	switch {
	case d.k.Format.IsMitosis():
		names = []string{"mitosis", "mitosis_1.1.2_x86_64_unknown_linux_gnu", "mitosis_1.0.18_g0123abc_x86_64_unknown_linux_gnu"}
	case d.k.Format.IsLayered():
		names = []string{"layered", "layered_1.0.21_x86_64_unknown_linux_gnu"}
	case d.k.Format.IsLavd():
		names = []string{"lavd", "lavd_1.0.25_x86_64_unknown_linux_gnu"}
	case d.k.Format.IsQmap():
		names = []string{"qmap"}
	case d.k.Format == AnyText:
		names = []string{"custom", "tower_0.3.1_x86_64_unknown_linux_gnu"}
	}
	d.s.Scheduler = rapid.SampledFrom(names).Draw(d.t, "scheduler")
	if d.k.SubSched && d.chance("is a sub-scheduler", 3) {
		d.s.Sub = &dump.SubScheduler{
			Level:    1 + d.num("level", 3),
			CgroupID: d.u64("cgroup of the sub-scheduler"),
			Path:     rapid.SampledFrom([]string{"/tenantA", "/", "/a b/c: root", "/user.slice/user-1000.slice"}).Draw(d.t, "cgroup path"),
		}
	}
	if d.k.Format.IsMitosis() || d.k.Format.IsLayered() {
		v := d.k.Series.Version
		d.s.Kernel.Release = fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, d.num("patch level", 40)) +
			rapid.SampledFrom([]string{"", "+deb13-cloud-amd64", "-arch1-1", "-rc3"}).Draw(d.t, "local version")
		version, local := plainVersion(d.s.Kernel.Release), localVersion(d.s.Kernel.Release)
		d.s.Build = []dump.KV{{Key: "kernel", Value: strings.TrimSuffix(version+" "+local, " ")}, {Key: "cc", Value: rapid.SampledFrom([]string{"gcc-14 (Debian 14.2.0-19) 14.2.0", "clang version 19.1.7"}).Draw(d.t, "compiler")}}
	}
}

// cells draws the cells of mitosis.
func (d *drawer) cells() {
	if !d.k.Format.IsMitosis() {
		return
	}
	llc := d.k.LLC && d.k.Format >= MitosisV5
	for n := range int32(1 + d.num("cells", 3)) { //nolint:gosec // small
		c := dump.Cell{ID: n * 3, CPUs: dump.Of(d.mask("CPUs of the cell"))}
		if d.chance("cell without CPUs", 6) {
			c.CPUs = dump.Of(dump.CPUMask{})
		}
		if !llc {
			c.VTime, c.Queued = dump.Of(d.u64("vtime of the cell")), dump.Of(int64(d.num("queued in the cell", 50)-2))
		} else {
			c.DrainLLCs, c.CPULLCs = dump.Of(uint64(d.num("LLCs to drain", 255))), dump.Of(uint64(d.num("LLCs with CPUs", 255))) //nolint:gosec // small
			for l := range int32(d.num("LLCs", 3)) {                                                                             //nolint:gosec // small
				p := dump.CellLLC{
					LLC: l * 2, VTime: dump.Of(d.u64("vtime of the LLC")), Queued: dump.Of(int64(d.num("queued in the LLC", 50))),
					Drain: dump.Of(d.chance("drain", 2)), HasCPUs: dump.Of(d.chance("has CPUs", 2)),
				}
				if d.k.Format >= MitosisV6 {
					p.TrackedQueued = dump.Of(uint32(d.num("tracked", 50))) //nolint:gosec // small
				}
				c.LLCs = append(c.LLCs, p)
			}
		}
		d.s.Cells = append(d.s.Cells, c)
	}
}

// cpus draws the CPUs that the dump lists, ascending.
func (d *drawer) cpus() {
	n := min(d.num("CPUs", 5), d.k.CPUIDs)
	ids := rapid.SliceOfNDistinct(rapid.Int32Range(0, int32(d.k.CPUIDs-1)), n, n, rapid.ID[int32]).Draw(d.t, "CPU ids") //nolint:gosec // small
	slices.Sort(ids)
	for _, id := range ids {
		d.s.CPUs = append(d.s.CPUs, d.cpu(id))
	}
}

func (d *drawer) cpu(id int32) dump.CPU {
	c := dump.CPU{
		ID: id, Listed: true,
		Flags:  dump.Of(uint32(d.num("run-queue flags", 0x1ff)) | uint32(d.num("run-queue context", 3))<<16), //nolint:gosec // small
		CPURel: dump.Of(d.chance("cpu_rel", 4)),
		KSync:  dump.Of(d.u64("ksync")),
	}
	if d.k.Series.OpsQSeq {
		c.OpsQSeq = dump.Of(d.u64("ops_qseq"))
	}
	if d.k.Series.Rescue && d.k.SubSched {
		c.NrRescue = dump.Of(uint32(d.num("rescue", 3))) //nolint:gosec // small
		c.RescueBudget = dump.Of(time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(d.t, "budget")) * time.Microsecond)
		if d.chance("rescuing", 4) {
			c.Rescuing = dump.Of(dump.TaskRef{Comm: comm(d.t, d.names, "rescued comm"), PID: d.pid("rescued pid")})
		}
	}
	for _, m := range []*dump.Value[dump.CPUMask]{&c.CPUsToKick, &c.IdleToKick, &c.CPUsToPreempt, &c.CPUsToWait} {
		if d.chance("kick", 5) {
			*m = dump.Of(d.mask("kicked CPUs"))
		}
	}
	if d.k.Series.SyncMask && d.chance("sync", 5) {
		c.CPUsToSync = dump.Of(d.mask("CPUs to sync"))
	}
	c.Unknown = d.unknown("of the CPU")
	if d.k.DumpCPU && d.k.Format == AnyText {
		c.Text = d.text("of the CPU", 3)
	}
	return c
}

// unknown draws fields that no kernel has yet.
func (d *drawer) unknown(label string) []dump.KV {
	if !d.chance("unknown fields "+label, 8) {
		return nil
	}
	all := []dump.KV{{Key: "new_field", Value: "17"}, {Key: "hint", Value: "0x1f"}, {Key: "who", Value: "nobody"}, {Key: "a/b", Value: "1/-2"}, {Key: "z", Value: "+3ms"}}
	return all[:1+d.num("how many", len(all)-1)]
}

// text draws up to n lines of a scheduler that nobody knows.
func (d *drawer) text(label string, n int) []dump.Line {
	var lines []dump.Line
	for range d.num("lines "+label, n) {
		lines = append(lines, dump.Line{Text: textLine(d.t, d.names, "line "+label)})
	}
	return lines
}

// tasks draws the tasks of each CPU, its current one first.
func (d *drawer) tasks() {
	for i := range d.s.CPUs {
		c := &d.s.CPUs[i]
		n := d.num("tasks of the CPU", 4)
		running := n > 0 && !d.chance("current is not ext", 3)
		for j := range n {
			d.s.Tasks = append(d.s.Tasks, d.task(c.ID, running && j == 0))
		}
		c.NrRunning = dump.Of(uint32(n)) //nolint:gosec // small
		switch {
		case running:
			c.Current, c.Class = dump.Of(d.s.Tasks[len(d.s.Tasks)-n].TaskRef), dump.Of(dump.ClassExt)
		case d.canIdle(c, n) && d.chance("idles", 2):
			c.Current, c.Class = dump.Of(dump.TaskRef{Comm: "swapper/" + strconv.Itoa(int(c.ID))}), dump.Of(dump.ClassIdle)
		default:
			c.Current = dump.Of(dump.TaskRef{Comm: comm(d.t, d.names, "current comm"), PID: d.pid("current pid")})
			c.Class = dump.Of(rapid.SampledFrom([]dump.Class{dump.ClassFair, dump.ClassRT, dump.ClassDL, dump.ClassStop}).Draw(d.t, "class"))
		}
		if d.k.Format.IsQmap() && c.Class.V != dump.ClassIdle {
			c.Scheduler = []dump.KV{
				{Key: "dsp_idx", Value: strconv.Itoa(d.num("dsp_idx", 4))}, {Key: "dsp_cnt", Value: strconv.Itoa(d.num("dsp_cnt", 9))},
				{Key: "avg_weight", Value: strconv.Itoa(d.num("avg_weight", 10000))}, {Key: "cpuperf_target", Value: "512"},
			}
		}
	}
}

// canIdle reports whether the kernel lists the CPU, which has n tasks, if it
// idles: there must be something to say.
func (d *drawer) canIdle(c *dump.CPU, n int) bool { return n > 0 || len(c.Text) > 0 }

func (d *drawer) task(cpu int32, current bool) dump.Task {
	k, t := d.k, d.t
	task := dump.Task{
		TaskRef:    dump.TaskRef{Comm: comm(t, d.names, "comm"), PID: d.pid("pid")},
		CPU:        dump.Of(cpu),
		Current:    current,
		State:      dump.Of[byte]('R'),
		RunnableAt: dump.Of(time.Duration(d.runnableAt()) * time.Millisecond),
		SCXState:   dump.Of(dump.TaskEnabled),
		SCXStateNr: dump.Of(k.Series.EnabledState),
		Flags:      dump.Of(rapid.SampledFrom([]uint32{0x1, 0x3, 0x5, 0x9, 0xb, 0xd, 0x2003, 0x40}).Draw(t, "flags")),
		DSQFlags:   dump.Of(uint32(d.num("dsq_flags", 1))), //nolint:gosec // small
		OpsState:   dump.Of(dump.OpsNone),
		QSeq:       dump.Of(d.u64("qseq")),
		StickyCPU:  dump.Of(d.id("sticky", d.k.CPUIDs) - 1),
		HoldingCPU: dump.Of(d.id("holding", d.k.CPUIDs) - 1),
		DSQ:        dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}),
		DSQVTime:   dump.Of(d.u64("dsq_vtime")),
		CPUs:       dump.Of(d.mask("cpus")),
		Unknown:    d.unknown("of the task"),
	}
	if current {
		task.State = dump.Of(rapid.SampledFrom([]byte("RRRSDIXtTZP")).Draw(t, "state"))
	} else {
		task.OpsState = dump.Of(dump.OpsState(d.num("ops_state", 3))) //nolint:gosec // small
		task.DSQ = dump.Of(d.dsq(cpu))
	}
	if k.Series.TaskLine != VTimeOnDSQLine {
		task.Slice = dump.Of(d.u64("slice"))
	}
	if k.Series.TaskLine == VTimeOnOwnLine {
		task.Weight = dump.Of(uint32(1 + d.num("weight", 9999))) //nolint:gosec // small
	}
	if k.Series.NoMig {
		task.MigrationDisabled = dump.Of(uint32(d.num("no_mig", 2))) //nolint:gosec // small
	}
	if k.Series.Owner {
		d.owner(&task)
	}
	for range d.num("frames", 4) {
		task.Stack = append(task.Stack, dump.Line{Text: rapid.SampledFrom(stackSymbols).Draw(t, "frame")})
	}
	d.taskText(&task)
	return task
}

// runnableAt draws a delay in ms: mostly the past, sometimes absurd.
func (d *drawer) runnableAt() int64 {
	return rapid.OneOf(rapid.Int64Range(-40000, 200), rapid.Just[int64](0), rapid.Just[int64](-5_000_000_000),
		rapid.Int64Range(-1e10, 1e10)).Draw(d.t, "runnable at")
}

// dsq draws where a waiting task is.
func (d *drawer) dsq(cpu int32) dump.DSQRef {
	ids := []dump.DSQID{dump.DSQLocal, dump.DSQGlobal, dump.DSQInvalid}
	if d.k.Series.has(7, 1) {
		ids = append(ids, dump.DSQBypass)
	}
	if d.k.Series.Rescue {
		ids = append(ids, dump.DSQReject, dump.DSQRescue)
	}
	switch d.num("kind of DSQ", 3) {
	case 0:
		return dump.DSQRef{Kind: dump.DSQKindNone}
	case 1:
		return dump.BuiltinDSQ(rapid.SampledFrom(ids).Draw(d.t, "builtin DSQ"), cpu)
	}
	return d.userDSQ()
}

// userDSQ draws a queue of the scheduler.
func (d *drawer) userDSQ() dump.DSQRef {
	if !d.k.Format.IsMitosis() {
		return dump.DSQRef{
			ID:   dump.DSQID(rapid.OneOf(rapid.Uint64Range(0, 300), rapid.Uint64Range(0, 1<<63-1)).Draw(d.t, "user DSQ")),
			Kind: dump.DSQKindUser,
		}
	}
	if d.chance("DSQ of a CPU", 2) {
		return d.k.Format.CPUDSQ(d.id("CPU of the DSQ", d.k.CPUIDs-1))
	}
	llc := int32(0)
	if d.k.LLC {
		llc = d.id("LLC of the DSQ", 4)
	}
	cell := rapid.SampledFrom(d.s.Cells).Draw(d.t, "cell of the DSQ").ID
	return d.k.Format.CellDSQ(cell, llc)
}

// owner draws whose task it is: that of the scheduler being dumped, or in an
// abort also of another.
func (d *drawer) owner(task *dump.Task) {
	self := "root"
	if d.s.Sub != nil {
		self = fmt.Sprintf("sub%d-%d", d.s.Sub.Level, d.s.Sub.CgroupID)
	}
	task.Owner, task.OwnerDumped = dump.Of(self), true
	if d.k.SubSched && d.chance("another owner", 4) {
		task.Owner, task.OwnerDumped = dump.Of("sub4-4711"), false
	}
}

// taskText draws what the scheduler says of a task.
func (d *drawer) taskText(task *dump.Task) {
	t := d.t
	switch f := d.k.Format; {
	case f == AnyText:
		task.Text = d.text("of the task", 3)
	case d.chance("no text for the task", 8):
	case f.IsMitosis():
		task.VTime, task.BasisVTime = dump.Of(d.u64("vtime")), dump.Of(d.u64("basis_vtime"))
		task.Cell = dump.Of(rapid.SampledFrom(d.s.Cells).Draw(t, "cell").ID)
		if f.hasLLC() {
			task.LLC = dump.Of(d.id("llc", 4) - 1)
		}
		task.AssignedDSQ = dump.Of(d.userDSQ())
		task.AllCellCPUsAllowed = dump.Of(d.chance("all_cell_cpus_allowed", 2))
		if !d.chance("mask unknown", 6) {
			task.SchedulerCPUs = dump.Of(d.mask("CPUs of the task"))
		}
	case f.IsQmap():
		task.Scheduler = []dump.KV{
			{Key: "force_local", Value: strconv.Itoa(d.num("force_local", 1))},
			{Key: "core_sched_seq", Value: strconv.FormatUint(d.u64("core_sched_seq"), 10)},
		}
	case f.IsLavd():
		d.lavd(task)
	}
}

func (d *drawer) lavd(task *dump.Task) {
	number := func(key string) dump.KV { return dump.KV{Key: key, Value: strconv.Itoa(d.num(key, 2000))} }
	pair := func(key string) dump.KV {
		return dump.KV{Key: key, Value: fmt.Sprintf("%d/%d", d.u64(key), d.num("average", 2000))}
	}
	throttled := func(label string) string {
		return rapid.SampledFrom([]string{"throttled", "not throttled"}).Draw(d.t, label)
	}
	if d.k.Format == LavdFirst {
		task.Scheduler = []dump.KV{number("given_slice"), pair("lat_cri"), pair("perf_cri"), number("cpdom_id")}
		return
	}
	task.CgroupName = dump.Of(rapid.SampledFrom([]string{"user.slice", "a[1] b", "x (y)", "init.scope"}).Draw(d.t, "cgroup"))
	task.CgroupID = dump.Of(d.u64("cgroup id"))
	task.Scheduler = []dump.KV{
		number("slice"), pair("vtime"), pair("lat_cri"), pair("perf_cri"), number("cpdom_id"), number("scpu"),
		{Key: "cgroup", Value: fmt.Sprintf("%s[%d] (%s)", task.CgroupName.V, task.CgroupID.V, throttled("cgroup status"))},
		{Key: "task_status", Value: throttled("task status")},
	}
	if d.k.Format == Lavd {
		dsq := rapid.SampledFrom([]dump.DSQID{dump.DSQInvalid, dump.DSQLocalOn | 3, 17, dump.DSQGlobal}).Draw(d.t, "ddsp_dsq_id")
		task.Scheduler = append(task.Scheduler, dump.KV{Key: "ddsp_dsq_id", Value: dsq.String()},
			dump.KV{Key: "ddsp_enq_flags", Value: "0x" + strconv.FormatUint(d.u64("ddsp_enq_flags"), 16)})
	}
}

// crash draws why the scheduler was thrown out; one dump in four is asked for
// with SysRq-D instead. Since 7.1 that lists only the scheduler's own tasks.
func (d *drawer) crash() {
	if d.chance("SysRq-D", 4) {
		if d.k.Series.Owner {
			d.s.Tasks = slices.DeleteFunc(d.s.Tasks, func(t dump.Task) bool { return !t.OwnerDumped })
		}
		return
	}
	t := d.t
	d.s.Trigger = dump.TriggerCrash
	kind := rapid.SampledFrom(d.k.Series.Kinds).Draw(t, "exit kind")
	e := &dump.Exit{Kind: dump.Of(kind), Reason: dump.Of(kind.Reason())}
	if d.chance("kind of a later kernel", 12) {
		e.Kind, e.Reason = dump.Of[dump.ExitKind](1042), dump.Of("<UNKNOWN>")
	}
	d.message(e)
	names := d.names
	if !d.k.SubSched {
		names = PlainNames // nothing tells where a comm with a newline starts
	}
	e.Task = dump.Of(dump.TaskRef{Comm: comm(t, names, "comm of the trigger"), PID: rapid.Int32Range(0, 4194304).Draw(t, "pid of the trigger")})
	if d.k.Series.OnCPU && !d.chance("no CPU", 8) {
		e.CPU = dump.Of(d.id("CPU of the error", d.k.CPUIDs-1))
		if len(d.s.CPUs) > 0 && rapid.Bool().Draw(t, "error on a listed CPU") {
			e.CPU = dump.Of(rapid.SampledFrom(d.s.CPUs).Draw(t, "CPU").ID)
		}
	}
	for range d.num("frames of the backtrace", 6) {
		e.Backtrace = append(e.Backtrace, dump.Line{Text: rapid.SampledFrom(stackSymbols).Draw(t, "frame")})
	}
	d.s.Exit = e
}

// message draws what goes with the kind, and whom it names.
func (d *drawer) message(e *dump.Exit) {
	t := d.t
	who := dump.TaskRef{Comm: comm(t, d.names, "comm of the subject"), PID: rapid.Int32Range(1, 4194304).Draw(t, "pid of the subject")}
	if waiting := slices.DeleteFunc(slices.Clone(d.s.Tasks), func(t dump.Task) bool { return t.Current }); len(waiting) > 0 {
		who = rapid.SampledFrom(waiting).Draw(t, "subject").TaskRef
	}
	sec := fmt.Sprintf("%d.%03ds", d.num("seconds", 60), d.num("ms", 999))
	subject := true
	var text string
	switch e.Kind.V {
	case dump.ExitErrorStall:
		if subject = !d.chance("watchdog", 3); subject {
			text = fmt.Sprintf("%s failed to run for %s", who, sec)
		} else {
			text = "watchdog failed to check in for " + sec
		}
	case dump.ExitErrorReenq:
		text = fmt.Sprintf("%s reenqueued 256 times without running", who)
	case dump.ExitErrorRescue:
		text = fmt.Sprintf("used too much rescue CPU time (7ms) while %s waited %s to be rescued", who, sec)
	case dump.ExitError:
		texts := []string{
			"ops.init_task() failed (-12) for " + who.String(), "non-existent DSQ 0xcafef00d for " + who.String(),
			"SCX_DSQ_LOCAL[_ON] target CPU 3 not allowed for " + who.String(),
			"SCX_DSQ_LOCAL[_ON] cannot move migration disabled " + who.String() + " from CPU 1 to 2",
			"soft lockup - CPU#2 stuck for 16s", "RCU CPU stall on CPUs (0-3,7)", "ops.init() failed (-2)", "invalid CPU 99 in ops.select_cpu()",
		}
		i := d.num("message", len(texts)-1)
		subject, text = i < 4, texts[i]
	default:
		subject, text = false, message(t, d.names)
	}
	e.Message = dump.Of(text)
	if subject {
		e.Subject = dump.Of(who)
	}
}

// order moves the CPU that failed to the front, as kernels since 7.2 do. Tasks
// stand in the order of their CPUs.
func (d *drawer) order() {
	s := d.s
	if s.Exit == nil || !d.k.Series.ErrorFirst || !s.Exit.CPU.Known {
		return
	}
	rank := func(cpu int32) int {
		if cpu == s.Exit.CPU.V {
			return -1
		}
		return int(cpu)
	}
	slices.SortStableFunc(s.CPUs, func(a, b dump.CPU) int { return rank(a.ID) - rank(b.ID) })
	slices.SortStableFunc(s.Tasks, func(a, b dump.Task) int { return rank(a.CPU.V) - rank(b.CPU.V) })
}

// global draws what does not belong to a CPU or a task.
func (d *drawer) global() {
	for _, name := range d.k.Series.Counters {
		d.s.Counters = append(d.s.Counters, dump.Counter{Name: name, Value: rapid.OneOf(rapid.Just[int64](0), rapid.Int64()).Draw(d.t, name)})
	}
	switch f := d.k.Format; {
	case f == AnyText:
		d.s.Text = d.text("of the scheduler", 4)
	case f.IsMitosis():
		d.mitosisCPUs()
		d.mitosisEvents()
	case f.IsLayered():
		d.layers()
	case f.IsQmap():
		d.fifos()
	}
}

// mitosisCPUs sets what mitosis says of each possible CPU; those that the
// kernel does not list come last.
func (d *drawer) mitosisCPUs() {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(d.t, "seed of the CPUs"), 0)) //nolint:gosec // a test
	for id := range int32(d.k.CPUIDs) {                                           //nolint:gosec // small
		c := d.s.CPU(id)
		if c == nil {
			d.s.CPUs = append(d.s.CPUs, dump.CPU{ID: id})
			c = &d.s.CPUs[len(d.s.CPUs)-1]
		}
		c.Cell = dump.Of(d.s.Cells[rng.IntN(len(d.s.Cells))].ID)
		c.VTime, c.Queued = dump.Of(rng.Uint64()), dump.Of(rng.Int64N(20)-2)
		if d.k.LLC {
			c.LLC = dump.Of(rng.Int32N(4))
		}
	}
}

func (d *drawer) mitosisEvents() {
	if !d.k.Events {
		return
	}
	for n := range int64(d.num("events", 6)) {
		e := dump.Event{
			Seq: n, Time: dump.Of(d.u64("time")),
			Kind: rapid.SampledFrom([]string{"CGROUP_INIT", "INIT_TASK", "CGROUP_EXIT", "UNKNOWN"}).Draw(d.t, "event"),
		}
		if e.Kind == "UNKNOWN" {
			e.Unknown = []dump.KV{{Key: "type", Value: "77"}}
		} else {
			e.CgroupID = dump.Of(d.u64("cgid"))
		}
		if e.Kind == "INIT_TASK" {
			e.PID = dump.Of(rapid.Int32Range(1, 4194304).Draw(d.t, "pid of the event"))
		}
		d.s.Events = append(d.s.Events, e)
	}
}

// layers draws the queues of layered: one for each layer and LLC, and the
// fallback queues of each LLC.
func (d *drawer) layers() {
	llcs := 1 + d.num("LLCs", 2)
	queue := func(name string, id int) dump.DSQ {
		return dump.DSQ{
			ID: dump.Of(dump.DSQID(uint64(id))), Name: name, //nolint:gosec // not negative
			Queued:   dump.Of(int64(d.num("queued", 9) - 2)),
			HeadWait: dump.Of(time.Duration(d.num("wait", 9999)) * time.Millisecond),
		}
	}
	for layer := range d.num("layers", 3) {
		name := ""
		if d.k.Format != LayeredNoName {
			name = rapid.SampledFrom([]string{"batch", "normal", "my [odd] layer", "a (b)"}).Draw(d.t, "layer")
		}
		mask := d.mask("CPUs of the layer")
		for llc := range llcs {
			q := queue(name, layer<<16|llc)
			q.NrCPUs = dump.Of(uint32(d.num("CPUs", 9))) //nolint:gosec // small
			q.CPUs = dump.Of(mask)
			d.s.DSQs = append(d.s.DSQs, q)
		}
	}
	for llc := range llcs {
		d.s.DSQs = append(d.s.DSQs, queue("HI_", layeredHigh|llc), queue("LO_FALLBACK", layeredLow|llc))
	}
}

// fifos draws the five queues of qmap, sometimes with more tasks than fit on a
// line of the kernel.
func (d *drawer) fifos() {
	for i := range 5 {
		q := dump.DSQ{Name: fmt.Sprintf("FIFO[%d]", i)}
		n := d.num("tasks in the FIFO", 5)
		if d.chance("long FIFO", 12) {
			n = 400
		}
		for range n {
			q.PIDs = append(q.PIDs, rapid.Int32Range(1, 4194304).Draw(d.t, "pid in the FIFO"))
		}
		d.s.DSQs = append(d.s.DSQs, q)
	}
}

// plainVersion is the part of a release up to the patch level.
func plainVersion(release string) string {
	for i, c := range release {
		if (c < '0' || c > '9') && c != '.' {
			return release[:i]
		}
	}
	return release
}

// localVersion is what follows the patch level.
func localVersion(release string) string { return release[len(plainVersion(release)):] }
