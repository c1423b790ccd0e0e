// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/text/texttest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// dumps holds the real logs.
var dumps = filepath.Join("..", "..", "testdata", "dumps")

// entry is a line of INDEX.tsv.
type entry struct {
	file, kernel, scheduler string
	kind                    int // -1: the failure did not dump
	tasks                   int
	truncated               string
}

// index reads INDEX.tsv.
func index(t *testing.T) []entry {
	t.Helper()
	f, err := os.Open(filepath.Join(dumps, "INDEX.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	var all []entry
	for _, row := range rows[1:] {
		e := entry{
			file: row[column("file")], kernel: row[column("kernel")], scheduler: row[column("scheduler")],
			kind: -1, truncated: row[column("truncated")],
		}
		if k := row[column("exit_kind")]; k != "-" {
			if e.kind, err = strconv.Atoi(k); err != nil {
				t.Fatal(err)
			}
		}
		if e.tasks, err = strconv.Atoi(row[column("task_blocks")]); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func readLog(t fataler, name string) []byte {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(dumps, name))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return log
}

// What a log holds, counted without any regard to where it stands.
var (
	taskLine   = regexp.MustCompile(`(?m)^(?:.*sched_ext_dump: )? [* ][A-Za-z] .*\[-?\d+\](?: \*?(?:root|sub\d+-\d+))? [+-]\d+ms$`)
	cpuLine    = regexp.MustCompile(`(?m)^(?:.*sched_ext_dump: )?CPU \d+ *: nr_run=`)
	stateLine  = regexp.MustCompile(`(?m)^(?:.*sched_ext_dump: )? {6}scx_state/flags=`)
	endLine    = regexp.MustCompile(`sched_ext: BPF (?:sub-)?scheduler "([^"]*)" disabled \(`)
	sysrqLine  = regexp.MustCompile(`Debug dump triggered by SysRq-D`)
	triggered  = regexp.MustCompile(`\] triggered exit kind (\d+)`)
	linuxLine  = regexp.MustCompile(`Linux version (\S+)`)
	truncation = regexp.MustCompile(`(?m)^~~~~ TRUNCATED ~~~~$`)
)

// Everything in every real log is found, and nothing is found twice.
func TestCorpus(t *testing.T) {
	for _, e := range index(t) {
		t.Run(e.file, func(t *testing.T) {
			log := readLog(t, e.file)
			all := snapshotsIn(t, log)
			count := func(re *regexp.Regexp) int { return len(re.FindAll(log, -1)) }

			// A scheduler's end stands in the log as a dump, as what user
			// space said and as what the kernel said: one snapshot.
			if want := count(endLine) + count(sysrqLine); len(all) != want {
				t.Errorf("got %d snapshots, want %d: %s", len(all), want, titles(all))
			}
			tasks, states, cpus, truncated, failures := 0, 0, 0, 0, 0
			for _, s := range all {
				checkLedger(t, s)
				checkSpans(t, s)
				if n := s.Ledger.Lines.NotUnderstood; n > 0 {
					t.Errorf("%d lines were not understood, first %q", n, s.Ledger.NotUnderstood[0].Text)
				}
				tasks += len(s.Tasks)
				for i := range s.Tasks {
					if s.Tasks[i].SCXStateNr.Known {
						states++
					}
				}
				for i := range s.CPUs {
					if s.CPUs[i].Listed {
						cpus++
					}
				}
				if s.Ledger.Truncated {
					truncated++
				}
				if s.IsFailure() && len(s.CPUs) > 0 {
					failures++
					checkFailure(t, s, log, e)
				}
				checkIdentity(t, s, log, e)
			}
			if tasks != e.tasks || tasks != count(taskLine) {
				t.Errorf("got %d tasks, want %d, and the log has %d", tasks, e.tasks, count(taskLine))
			}
			if want := count(stateLine); states != want {
				t.Errorf("got %d tasks with a state, want %d", states, want)
			}
			if want := count(cpuLine); cpus != want {
				t.Errorf("got %d CPUs, want %d", cpus, want)
			}
			if want := count(truncation); truncated != want || (e.truncated == "yes") != (truncated > 0) {
				t.Errorf("got %d truncated dumps, want %d (%s)", truncated, want, e.truncated)
			}
			if want := count(triggered); failures != want || (e.kind >= 0) != (failures > 0) {
				t.Errorf("got %d dumps of a failure, want %d", failures, want)
			}
		})
	}
}

// checkFailure checks the dump of a failure against the log's own words.
func checkFailure(t *testing.T, s *dump.Snapshot, log []byte, e entry) {
	t.Helper()
	m := triggered.FindSubmatch(log)
	if got := int(s.Exit.Kind.V); strconv.Itoa(got) != string(m[1]) || got != e.kind {
		t.Errorf("exit kind: got %d, want %d, and the log has %s", got, e.kind, m[1])
	}
	if s.Trigger != dump.TriggerCrash {
		t.Errorf("trigger: got %q, want %q", s.Trigger, dump.TriggerCrash)
	}
	if !s.Exit.Reason.Known || s.Exit.Reason.V != s.Exit.Kind.V.Reason() {
		t.Errorf("reason: got %q, want %q", s.Exit.Reason.V, s.Exit.Kind.V.Reason())
	}
	verdict := []byte("EXIT: " + s.Exit.Reason.V + " (" + s.Exit.Message.V + ")")
	if !bytes.Contains(log, verdict) {
		t.Errorf("message: the log does not say %q", verdict)
	}
	// user space and the kernel repeat it
	if got := len(s.Source.Copies); got != 2 {
		t.Errorf("got %d copies, want 2: %+v", got, s.Source.Copies)
	}
	for _, c := range s.Source.Copies {
		if line := bytes.Count(log[:min(int(c.Offset), len(log))], []byte("\n")) + 1; line != c.Line {
			t.Errorf("a copy is said to be at line %d, but its offset is in line %d", c.Line, line)
		}
	}
}

// checkIdentity checks kernel and scheduler against the rest of the log.
func checkIdentity(t *testing.T, s *dump.Snapshot, log []byte, e entry) {
	t.Helper()
	release := string(linuxLine.FindSubmatch(log)[1])
	series, ok := dump.ParseVersion(release)
	if !ok || !strings.HasPrefix(release, e.kernel+".") {
		t.Fatalf("kernel of the log: %q", release)
	}
	if !s.Kernel.Admits(series) {
		t.Errorf("kernel: %s to %s does not admit %s", s.Kernel.Min, s.Kernel.Max, series)
	}
	if s.Kernel.Release != release {
		t.Errorf("kernel release: got %q, want %q", s.Kernel.Release, release)
	}
	if want := string(endLine.FindSubmatch(log)[1]); s.Scheduler != want || !strings.Contains(e.scheduler, want) {
		t.Errorf("scheduler: got %q, want %q of %q", s.Scheduler, want, e.scheduler)
	}
	if at := int(s.Source.Offset); s.Raw != "" && !strings.Contains(string(log[at:min(at+len(s.Raw)+1, len(log))]), s.Raw) {
		t.Errorf("the text at offset %d is not that of the snapshot", at)
	}
	if line := bytes.Count(log[:s.Source.Offset], []byte("\n")) + 1; line != s.Source.Line {
		t.Errorf("line: got %d, want %d", s.Source.Line, line)
	}
}

// The dump alone, without the kernel log beside it, must leave the right kernel
// possible, and not many others.
func TestCorpusKernelByShape(t *testing.T) {
	for _, e := range index(t) {
		if e.kind < 0 {
			continue
		}
		log := readLog(t, e.file)
		body := bytes.SplitN(log, []byte(strings.Repeat("=", 80)+"\n"), 3)[1]
		s := snapshotIn(t, body)
		series, _ := dump.ParseVersion(e.kernel)
		low, high := s.Kernel.Min, s.Kernel.Max
		if !s.Kernel.Admits(series) {
			t.Errorf("%s: kernel %s does not admit %s", e.file, s.Kernel, series)
		}
		switch e.kernel {
		case "6.16":
			want := dump.Version{Major: 6, Minor: 16}
			if e.truncated == "yes" { // the counters, which tell it, are cut off
				want = dump.Version{Major: 6, Minor: 14}
			}
			if low != want || high != (dump.Version{Major: 6, Minor: 18}) {
				t.Errorf("%s: kernel %s to %s, want %s to 6.18", e.file, low, high, want)
			}
		case "7.2", "7.3":
			if low.Compare(dump.Version{Major: 7, Minor: 2}) < 0 {
				t.Errorf("%s: kernel from %s, want from 7.2", e.file, low)
			}
		}
	}
}

// goldenDumps are the dumps that go through every carrier: one without text of
// the scheduler, one of mitosis, one of qmap.
var goldenDumps = []string{
	"7.2-scx_simple-rt-hog", "7.3-scx_mitosis-head-multipin-reject", "6.16-scx_qmap-bpf-error",
}

// body cuts the dump itself out of a log.
func body(t fataler, name string) []byte {
	t.Helper()
	parts := bytes.SplitN(readLog(t, name+".log"), []byte(strings.Repeat("=", 80)+"\n"), 3)
	return bytes.TrimSuffix(bytes.TrimPrefix(parts[1], []byte("\n")), []byte("\n"))
}

// carriersForGoldens are all single carriers and some that often come together.
func carriersForGoldens() []texttest.Chain {
	var all []texttest.Chain
	for _, c := range texttest.Carriers() {
		if c.NeedsStamp {
			all = append(all, texttest.ChainOf("journald-short+"+c.Name))
			continue
		}
		all = append(all, texttest.Chain{c})
	}
	for _, names := range []string{
		"c+journald-short+reversed+crlf", "rust-context+journald-iso+actions+utf-16le", "ftrace+journald-full+quoted",
		"c+actions+coloured+crlf", "rust+journald-month-pl+quoted-trimmed", "ftrace-events+gh-run-view", "c-on-cpu+dmesg+reversed+trimmed",
		"perf-script+indented+utf-16be", "c-with-noise+no-blank-lines+fenced", "trace-cmd+tabs", "rust+journald-no-host+pager-clip",
		"c+journald-short+elided+quoted",
	} {
		all = append(all, texttest.ChainOf(names))
	}
	return all
}

// Real dumps that went through a carrier give what they give plain, or, if the
// carrier is lossy, what the golden file says.
func TestCorpusThroughCarriers(t *testing.T) {
	for _, name := range goldenDumps {
		plain := body(t, name)
		plainSummary := summary(snapshotsIn(t, plain))
		t.Run(name+"/plain", func(t *testing.T) { golden(t, name, plainSummary) })
		for _, ch := range carriersForGoldens() {
			t.Run(name+"/"+ch.String(), func(t *testing.T) {
				log := ch.Carry(texttest.Rand(7), plain)
				all := snapshotsIn(t, log)
				for _, s := range all {
					checkLedger(t, s)
					checkSpans(t, s)
				}
				got := summary(all)
				if ch.Lossy() {
					golden(t, name+"."+ch.String(), got)
					return
				}
				if diff := cmp.Diff(plainSummary, got); diff != "" {
					t.Errorf("not what the plain dump gives (-plain +carried):\n%s\nlog:\n%s", diff, excerpt(log))
				}
			})
		}
	}
}

// SysRq-D dumps come from the trace alone: here the log itself is the carrier.
func TestCorpusSysRqDumps(t *testing.T) {
	for _, name := range []string{"7.3-scx_qmap-sub-sysrq-D", "6.16-scx_mitosis-2025-10-sysrq-D"} {
		t.Run(name, func(t *testing.T) { golden(t, name, summary(snapshotsIn(t, readLog(t, name+".log")))) })
	}
}

// golden compares with a golden file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +got):\n%s", file, diff)
	}
}
