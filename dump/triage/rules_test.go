// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/triage"
)

// A generated dump, in the words of 7.3.
type (
	gen struct {
		sched   string
		kind    int
		reason  string
		message string
		by      string // task that raised it
		frames  []string
		text    []string // of the scheduler
		cpus    []genCPU
	}
	genCPU struct {
		id    int
		curr  string
		class string // "" is ext
		text  []string
		tasks []genTask
	}
	genTask struct {
		name    string
		current bool
		ms      int
		dsq     string // "" is (n/a)
		cpus    string // "" is f
		held    bool   // ops_state QUEUED
		noMig   int
		vtime   uint64
		weight  int
		text    []string
		stack   []string
	}
)

// String is the text of the dump.
func (g gen) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s: root", or(g.sched, "qmap"))
	by := or(g.by, "kworker/u16:1[40]")
	line("%s triggered exit kind %d on CPU 0:", by, g.kind)
	switch {
	case g.message != "":
		line("  %s (%s)", g.reason, g.message)
	default:
		line("  %s", g.reason)
	}
	line("\nBacktrace:")
	for _, f := range g.frames {
		line("  %s", f)
	}
	line("")
	for _, t := range g.text {
		line("%s", t)
	}
	line("\nCPU states\n----------")
	for _, c := range g.cpus {
		curr, class := or(c.curr, "busy[900]"), or(c.class, "ext")
		if class == "idle" {
			curr = fmt.Sprintf("swapper/%d[0]", c.id)
		}
		line("\nCPU %-4d: nr_run=%d flags=0x1 cpu_rel=0 ksync=%d", c.id, len(c.tasks), 100+c.id)
		line("          rescue=0 budget=0us rescuing=none[-1]")
		line("          curr=%s class=%s_sched_class", curr, class)
		for _, t := range c.text {
			line("  %s", t)
		}
		for _, t := range c.tasks {
			t.write(line)
		}
	}
	line("\nEvent counters\n--------------")
	line("              SCX_EV_SELECT_CPU_FALLBACK:                0")
	line("                       SCX_EV_SUB_RESCUE:                0")
	return b.String()
}

func (t genTask) write(line func(string, ...any)) {
	mark := " "
	if t.current {
		mark = "*"
	}
	ops, dsq := "0/0", "(n/a)"
	if t.held {
		ops = "2/77"
	}
	if t.dsq != "" {
		dsq = t.dsq
	}
	weight := t.weight
	if weight == 0 {
		weight = 100
	}
	line("\n %sR %s *root -%dms", mark, t.name, t.ms)
	line("      scx_state/flags=4/0x1 dsq_flags=0x0 ops_state/qseq=%s", ops)
	line("      sticky/holding_cpu=-1/-1 dsq_id=%s", dsq)
	line("      dsq_vtime=%d slice=20000000 weight=%d", t.vtime, weight)
	line("      cpus=%s no_mig=%d", or(t.cpus, "f"), t.noMig)
	for _, l := range t.text {
		line("    %s", l)
	}
	if len(t.stack) > 0 {
		line("")
	}
	for _, l := range t.stack {
		line("    %s", l)
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

const (
	local   = "0x8000000000000002"
	watch   = "scx_watchdog_workfn+0x1b6/0x260"
	bpfCall = "bpf_prog_0123456789abcdef_test_enqueue+0x55/0x80"
)

// stall is a dump of a stall of web[77], on four CPUs.
func stall(cpus ...genCPU) gen {
	return gen{kind: 1026, reason: "runnable task stall", message: "web[77] failed to run for 30.016s", frames: []string{watch}, cpus: cpus}
}

// all are four CPUs that run tasks of sched_ext, some of them others.
func all(some ...genCPU) []genCPU {
	cpus := []genCPU{{id: 0, curr: "busy[900]"}, {id: 1, curr: "busy[901]"}, {id: 2, curr: "busy[902]"}, {id: 3, curr: "busy[903]"}}
	for _, c := range some {
		cpus[c.id] = c
	}
	return cpus
}

func gaveUp(message string, cpus ...genCPU) gen {
	return gen{kind: 1025, reason: "scx_bpf_error", message: message, frames: []string{"scx_bpf_error_bstr+0x1/0x2", bpfCall}, cpus: cpus}
}

func kernel(message string, frames ...string) gen {
	return gen{kind: 1024, reason: "runtime error", message: message, frames: frames, cpus: all()}
}

// web is the task that stalls.
func web(t genTask) genTask {
	t.name, t.ms = "web[77]", 30016
	return t
}

// crowdOn are many tasks, of waits up to that of web.
func crowdOn(cpu, n int, dsq string) genCPU {
	c := genCPU{id: cpu, curr: fmt.Sprintf("busy[%d]", 900+cpu)}
	for i := range n {
		c.tasks = append(c.tasks, genTask{name: fmt.Sprintf("spin[%d]", 1000+100*cpu+i), ms: 30000 - i*30000/n, dsq: dsq})
	}
	return c
}

var ruleTests = []struct {
	rule     string // that must come first
	positive gen
	neighbor string // what comes first for the near miss, "" for none of its own
	near     gen
}{
	{
		"rt-hog",
		stall(all(genCPU{id: 1, curr: "hog[5]", class: "rt", tasks: []genTask{web(genTask{dsq: local, cpus: "2"})}})...),
		"pinned-starved", // the CPU runs an ordinary task
		stall(all(genCPU{id: 1, tasks: []genTask{web(genTask{dsq: "0x7", cpus: "2"})}})...),
	},
	{
		"rt-hog", // a deadline task
		stall(all(genCPU{id: 1, curr: "hog[5]", class: "dl", tasks: []genTask{web(genTask{dsq: local})}})...),
		"held-by-bpf", // a real-time task elsewhere that nobody waits for
		stall(all(genCPU{id: 2, curr: "irq/9[5]", class: "rt"}, genCPU{id: 1, tasks: []genTask{web(genTask{held: true})}})...),
	},
	{
		"affinity-violation",
		kernel("SCX_DSQ_LOCAL[_ON] target CPU 3 not allowed for web[77]", "task_can_run_on_remote_rq+0x1/0x2", bpfCall),
		"api-misuse",
		kernel("vtime ordering is not allowed for built-in DSQs", bpfCall),
	},
	{
		"migration-disabled",
		stall(all(genCPU{id: 1, tasks: []genTask{web(genTask{dsq: "0x7", cpus: "2", noMig: 1})}})...),
		"pinned-starved",
		stall(all(genCPU{id: 1, tasks: []genTask{web(genTask{dsq: "0x7", cpus: "2"})}})...),
	},
	{
		"pinned-starved",
		stall(all(genCPU{id: 2, tasks: []genTask{web(genTask{dsq: "0x7", cpus: "4"})}})...),
		"missed-kick", // the CPU idles
		stall(all(genCPU{id: 2, class: "idle", tasks: []genTask{web(genTask{dsq: "0x7", cpus: "4"})}})...),
	},
	{
		"queue-starved",
		stall(all(genCPU{id: 0, tasks: []genTask{
			web(genTask{dsq: "0x9"}), {name: "a[1]", ms: 29000, dsq: "0x9"}, {name: "b[2]", ms: 28000, dsq: "0x9"}, {name: "c[3]", ms: 12, dsq: "0x8"},
		}})...),
		"overload", // the waits are spread
		stall(all(
			func() genCPU {
				c := crowdOn(0, 20, "0x9")
				c.tasks = append(c.tasks, web(genTask{dsq: "0x9"}))
				return c
			}(),
			crowdOn(1, 20, "0x9"), crowdOn(2, 20, "0x9"), crowdOn(3, 20, "0x9"))...),
	},
	{
		"missed-kick",
		stall(all(genCPU{id: 3, class: "idle", tasks: []genTask{web(genTask{dsq: local})}})...),
		"held-by-bpf", // the scheduler has it
		stall(all(genCPU{id: 3, class: "idle", tasks: []genTask{web(genTask{held: true})}})...),
	},
	{
		"vtime-outlier",
		stall(all(genCPU{id: 0, tasks: []genTask{
			web(genTask{dsq: "0x9", vtime: 90_000_000_000}), {name: "a[1]", ms: 12, dsq: "0x9", vtime: 1_000_000_000},
			{name: "b[2]", ms: 14, dsq: "0x9", vtime: 1_010_000_000}, {name: "c[3]", ms: 16, dsq: "0x9", vtime: 1_020_000_000},
		}})...),
		"", // it is no further ahead than others
		stall(all(genCPU{id: 0, tasks: []genTask{
			web(genTask{dsq: "0x9", vtime: 1_030_000_000}), {name: "a[1]", ms: 12, dsq: "0x9", vtime: 1_000_000_000},
			{name: "b[2]", ms: 14, dsq: "0x9", vtime: 1_010_000_000}, {name: "c[3]", ms: 16, dsq: "0x9", vtime: 1_020_000_000},
		}})...),
	},
	{"vtime-outlier", gaveUp("vtime too far ahead: web[77] vtime=99", all()...), "bpf-error", gaveUp("queue full", all()...)},
	{"context-lookup", gaveUp("task_ctx lookup failed for web[77]", all()...), "bpf-error", gaveUp("lookup table is full", all()...)},
	{"bad-id", kernel("invalid CPU 4294967274 from ops.select_cpu()", bpfCall), "api-misuse", kernel("called from ops.tick() with locked rq", bpfCall)},
	{"bad-id", kernel("non-existent DSQ 0xcafef00d for web[77]", bpfCall), "lockup", kernel("soft lockup - CPU#0 stuck for 16s", "scx_softlockup+0x1/0x2")},
	{"api-misuse", kernel("Direct dispatch already performed on web[77]", bpfCall), "bad-id", kernel("invalid DSQ ID 0xffffffffffffffea", bpfCall)},
	{"hotplug", kernel("something failed", "sched_cpu_deactivate+0x1/0x2", "cpuhp_invoke_callback+0x1/0x2"), "bpf-error", kernel("something failed")},
	{
		"throttled",
		stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{held: true, text: []string{`\_ cpdom_id: 0   scpu: 1   cgroup: a[7] (throttled)   task_status: not throttled`, `\_ ddsp_dsq_id: 0x8000000000000000   ddsp_enq_flags: 0x0`}})}})...),
		"held-by-bpf",
		stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{held: true, text: []string{`\_ cpdom_id: 0   scpu: 1   cgroup: a[7] (not throttled)   task_status: not throttled`, `\_ ddsp_dsq_id: 0x8000000000000000   ddsp_enq_flags: 0x0`}})}})...),
	},
	{
		"stale-direct-dispatch",
		stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{held: true, text: []string{`\_ ddsp_dsq_id: 0xc000000000000002   ddsp_enq_flags: 0x0`}})}})...),
		"throttled",
		stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{held: true, text: []string{`\_ cgroup: a[7] (not throttled)   task_status: throttled`, `\_ ddsp_dsq_id: 0xc000000000000002   ddsp_enq_flags: 0x0`}})}})...),
	},
	{
		"userspace-stuck",
		gen{sched: "userland", kind: 1026, reason: "runnable task stall", message: "watchdog failed to check in for 30.004s", frames: []string{"scx_tick+0x1/0x2"}, cpus: []genCPU{
			{id: 0, class: "idle", tasks: []genTask{{name: "a[1]", ms: 25000, held: true}, {name: "b[2]", ms: 9000, held: true}}},
			{id: 1, class: "idle", tasks: []genTask{{name: "c[3]", ms: 400, held: true}}},
		}},
		"watchdog-starved",
		gen{kind: 1026, reason: "runnable task stall", message: "watchdog failed to check in for 30.004s", frames: []string{"scx_tick+0x1/0x2"}, cpus: all(
			genCPU{id: 0, tasks: []genTask{{name: "kworker/0:1[9]", ms: 29000, dsq: local, cpus: "1"}}},
		)},
	},
	{
		"held-by-bpf",
		stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{held: true})}})...),
		"", // on a DSQ, so the scheduler did dispatch it
		stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{dsq: local})}})...),
	},
	{
		"lost-task",
		withFIFOs(stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{held: true})}})...), "12 13"),
		"held-by-bpf", // it stands in a queue
		withFIFOs(stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{held: true})}})...), "12 77"),
	},
	{
		"reenqueue-loop",
		gen{kind: 1027, reason: "reenqueue loop", message: "web[77] reenqueued 256 times", cpus: all()},
		"rescue-overload",
		gen{kind: 1028, reason: "rescue overload", message: "rescue of 3 tasks while web[77] waited 5.000s", cpus: all()},
	},
	{"load-failure", gen{kind: 1024, reason: "runtime error", message: "ops.init() failed (-22)", by: "scx_test[3]", frames: []string{"scx_root_enable+0x1/0x2"}}, "bpf-error", kernel("no words of any rule")},
	{
		"cell-empty",
		gen{sched: "mitosis", kind: 1026, reason: "runnable task stall", message: "web[77] failed to run for 30.016s", frames: []string{watch},
			text: []string{"CELL[0] CPUS=0000000f", "CELL[0] vtime=5 nr_queued=0", "CELL[1] CPUS=00000000", "CELL[1] vtime=5 nr_queued=1"},
			cpus: all(genCPU{id: 0, tasks: []genTask{web(genTask{dsq: "0x1", text: []string{"Task[77] vtime=9 basis_vtime=5 cell=1 dsq=1"}})}})},
		"", // the cell has a CPU
		gen{sched: "mitosis", kind: 1026, reason: "runnable task stall", message: "web[77] failed to run for 30.016s", frames: []string{watch},
			text: []string{"CELL[0] CPUS=00000007", "CELL[0] vtime=5 nr_queued=0", "CELL[1] CPUS=00000008", "CELL[1] vtime=5 nr_queued=1"},
			cpus: all(genCPU{id: 0, tasks: []genTask{web(genTask{dsq: "0x1", text: []string{"Task[77] vtime=9 basis_vtime=5 cell=1 dsq=1"}})}})},
	},
}

// withFIFOs has the scheduler print its queues, one of them with these tasks.
func withFIFOs(g gen, pids string) gen {
	g.text = []string{"QMAP FIFO[0]:", "QMAP FIFO[1]:", "QMAP FIFO[2]: " + pids, "QMAP FIFO[3]:", "QMAP FIFO[4]:"}
	return g
}

// TestRules has each rule on a dump that shows what it is about, on one that shows
// its neighbour instead, and on the first again without its end.
func TestRules(t *testing.T) {
	for _, tt := range ruleTests {
		t.Run(tt.rule, func(t *testing.T) {
			s := triaged(t, tt.positive.String())
			f := find(s, tt.rule)
			if f == nil || s.Findings[0].Rule != tt.rule {
				t.Fatalf("got %s\n%s", rulesOf(s), tt.positive)
			}
			near := triaged(t, tt.near.String())
			if got := top(near); find(near, tt.rule) != nil && near.Findings[0].Rule == tt.rule || tt.neighbor != "" && got != tt.neighbor {
				t.Errorf("the near miss: got %s, want %s\n%s", rulesOf(near), tt.neighbor, tt.near)
			}
			text := tt.positive.String()
			cut := triaged(t, text[:strings.LastIndex(text, "\n\nEvent counters")]+"\n\n~~~~ TRUNCATED ~~~~\n")
			if c := find(cut, tt.rule); c != nil && weight(c) > weight(f) {
				t.Errorf("without its end the dump is surer: %s after %s", c.Confidence, f.Confidence)
			}
			if cut.Signature == nil || !cut.Signature.Weak {
				t.Errorf("the signature of a truncated dump is not weak: %+v", cut.Signature)
			}
		})
	}
}

// Each rule has a page, a test, and a name of its own.
func TestPages(t *testing.T) {
	tested := make(map[string]bool)
	for _, tt := range ruleTests {
		tested[tt.rule], tested[tt.neighbor] = true, true
	}
	for _, c := range states {
		tested[c.rule] = true
	}
	for _, rules := range ruleOf {
		for _, r := range strings.Fields(rules) {
			tested[r] = true
		}
	}
	seen := make(map[string]bool)
	for _, r := range triage.Rules() {
		if seen[r.Name] || triage.Find(r.Name) != r {
			t.Errorf("two rules are called %s", r.Name)
		}
		seen[r.Name] = true
		if p := r.Page; r.Title == "" || p.Happened == "" || p.Shows == "" || p.Confirm == "" || p.Fix == "" {
			t.Errorf("%s: the page has gaps", r.Name)
		}
		if !tested[r.Name] && !slices.Contains([]string{"clean-exit", "foreign-trigger", "stall-without-dump"}, r.Name) { // which have tests of their own
			t.Errorf("%s: no dump shows it", r.Name)
		}
	}
}

// Another scheduler that raised the error is worth a word, the scheduler's own
// process is not.
func TestForeignTrigger(t *testing.T) {
	for by, want := range map[string]bool{"scx_rusty[9]": true, "scxctl[9]": true, "scx_qmap[9]": false, "web[77]": false} {
		g := gaveUp("queue full", all()...)
		g.by = by
		if got := find(triaged(t, g.String()), "foreign-trigger") != nil; got != want {
			t.Errorf("raised by %s: %v", by, got)
		}
	}
}

// triaged is the only snapshot of a log.
func triaged(t *testing.T, log string) *dump.Snapshot {
	t.Helper()
	all := snapshotsOf(t, []byte(log))
	if len(all) != 1 {
		t.Fatalf("got %d snapshots of\n%s", len(all), log)
	}
	return all[0]
}

func find(s *dump.Snapshot, rule string) *dump.Finding {
	for i := range s.Findings {
		if s.Findings[i].Rule == rule {
			return &s.Findings[i]
		}
	}
	return nil
}

func rulesOf(s *dump.Snapshot) string {
	var all []string
	for i := range s.Findings {
		f := &s.Findings[i]
		all = append(all, fmt.Sprintf("%s (%s, %s, follows %v)", f.Rule, f.Severity, f.Confidence, f.Follows))
	}
	return strings.Join(all, ", ")
}

func weight(f *dump.Finding) int {
	return map[dump.Confidence]int{dump.ConfidenceLow: 1, dump.ConfidenceMedium: 2, dump.ConfidenceHigh: 3}[f.Confidence]
}
