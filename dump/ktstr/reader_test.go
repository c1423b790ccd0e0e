// SPDX-License-Identifier: GPL-2.0-only

package ktstr_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/ktstr"
)

const dumps = "../../testdata/dumps"

func document(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".failure-dump.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read reads all snapshots of a document, which must end in order.
func read(t testing.TB, doc io.Reader) []*dump.Snapshot {
	t.Helper()
	r := ktstr.NewReader(doc, ktstr.Options{Name: "x.json"})
	var all []*dump.Snapshot
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
}

func readOne(t testing.TB, doc string) *dump.Snapshot {
	t.Helper()
	all := read(t, strings.NewReader(doc))
	if len(all) != 1 {
		t.Fatalf("got %d snapshots, want one, of %.200s", len(all), doc)
	}
	return all[0]
}

func TestSingle(t *testing.T) {
	s := readOne(t, string(document(t, "stall")))
	rt := dump.TaskRef{Comm: "rt_hog", PID: 259}
	want := &dump.Snapshot{
		Source:    dump.Source{Name: "x.json", Carrier: "ktstr"},
		Scheduler: "cells_1.0.2",
		Trigger:   dump.TriggerCrash,
		Exit:      &dump.Exit{Kind: dump.Of(dump.ExitErrorStall)},
		CPUs: []dump.CPU{{
			ID: 0, Listed: true, NrRunning: dump.Of[uint32](0), Flags: dump.Of[uint32](33), CPURel: dump.Of(false),
			OpsQSeq: dump.Of[uint64](100), Current: dump.Of(dump.TaskRef{Comm: "swapper/0"}), Class: dump.Of(dump.ClassIdle),
		}, {
			ID: 1, Listed: true, NrRunning: dump.Of[uint32](2), Flags: dump.Of[uint32](33), CPURel: dump.Of(true),
			OpsQSeq: dump.Of[uint64](101), KSync: dump.Of[uint64](17), Current: dump.Of(rt), Class: dump.Of(dump.ClassRT),
		}},
		Tasks: []dump.Task{
			{TaskRef: dump.TaskRef{Comm: "init", PID: 1}, TGID: dump.Of[int32](1), Weight: dump.Of[uint32](100)},
			{TaskRef: dump.TaskRef{Comm: "websrv", PID: 228}, TGID: dump.Of[int32](228), Weight: dump.Of[uint32](200)},
			{TaskRef: dump.TaskRef{Comm: "websrv", PID: 229}, TGID: dump.Of[int32](228), Weight: dump.Of[uint32](100)},
			{TaskRef: rt, TGID: dump.Of[int32](259), Weight: dump.Of[uint32](100), Current: true, CPU: dump.Of[int32](1)},
		},
		DSQs: []dump.DSQ{
			{ID: dump.Of(dump.DSQLocal), Name: "local cpu 0", Queued: dump.Of[int64](0)},
			{ID: dump.Of(dump.DSQLocal), Name: "local cpu 1", Queued: dump.Of[int64](1)},
			{ID: dump.Of(dump.DSQGlobal), Name: "global node 0", Queued: dump.Of[int64](0)},
			{ID: dump.Of[dump.DSQID](0x20010000), Name: "user", Queued: dump.Of[int64](3)},
		},
		Counters: []dump.Counter{
			{Name: "SCX_EV_SELECT_CPU_FALLBACK", Value: 7},
			{Name: "SCX_EV_DISPATCH_KEEP_LAST", Value: 21},
			{Name: "SCX_EV_REFILL_SLICE_DFL", Value: 40},
		},
	}
	if len(s.Ledger.Notes) != 2 || s.Ledger.Complete() {
		t.Errorf("notes are %q", s.Ledger.Notes)
	}
	s.Ledger = dump.Ledger{}
	if d := cmp.Diff(want, s, cmp.Comparer(func(a, b dump.CPUMask) bool { return a == b })); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

func TestDual(t *testing.T) {
	all := read(t, bytes.NewReader(document(t, "stall.repro")))
	if len(all) != 2 {
		t.Fatalf("got %d snapshots", len(all))
	}
	early, late := all[0], all[1]
	if early.Source.Name != "x.json!/early" || early.Exit != nil || early.Trigger != dump.TriggerSample || early.DSQs[3].Queued.V != 2 {
		t.Errorf("early: %q, exit %v, trigger %s, DSQ %v", early.Source.Name, early.Exit, early.Trigger, early.DSQs[3])
	}
	if late.Source.Name != "x.json!/late" || !late.IsFailure() || late.DSQs[3].Queued.V != 3 {
		t.Errorf("late: %q, exit %v, DSQ %v", late.Source.Name, late.Exit, late.DSQs[3])
	}
}

func TestDegraded(t *testing.T) {
	s := readOne(t, string(document(t, "rendezvous")))
	if !s.IsFailure() || s.Exit.Kind != dump.Of(dump.ExitErrorBPF) || s.Trigger != dump.TriggerCrash {
		t.Errorf("exit %+v, trigger %s", s.Exit, s.Trigger)
	}
	if got := strings.Join(s.Ledger.Notes, "\n"); !strings.Contains(got, "could not stop the machine: vCPU rendezvous timed out") {
		t.Errorf("notes: %s", got)
	}
	s = readOne(t, `{"schema":"degraded","reason":"r","watchpoint_hit":false,"bss_latch_state":"triggered"}`)
	if !s.IsFailure() || s.Exit.Kind.Known {
		t.Errorf("latched: exit %+v", s.Exit)
	}
	if all := read(t, strings.NewReader(`{"schema":"degraded","reason":"r","watchpoint_hit":true,"bss_latch_state":"not_resolved"}`)); len(all) > 0 {
		t.Errorf("nothing tells of a failure, got %+v", all[0].Exit)
	}
}

func TestNothing(t *testing.T) {
	for _, doc := range []string{
		string(document(t, "not_attached")), "", " ", "{}", "[]", "7", "null", "{", `{"maps":[`, `{"maps":]`, "\ufeff{}",
		`{"scx_sched_state":null,"rq_scx_states":null,"task_enrichments":{}}`,
	} {
		if all := read(t, strings.NewReader(doc)); len(all) > 0 {
			t.Errorf("%q: got %d snapshots", doc, len(all))
		}
	}
}

func TestExit(t *testing.T) {
	for _, c := range []struct {
		state   string
		trigger dump.Trigger
		exit    *dump.Exit
	}{
		{`{"exit_kind":0}`, dump.TriggerSample, nil},
		{`{"exit_kind":64}`, dump.TriggerExit, &dump.Exit{Kind: dump.Of(dump.ExitUnreg)}},
		{`{"exit_kind":1024}`, dump.TriggerCrash, &dump.Exit{Kind: dump.Of(dump.ExitError)}},
		{`{"exit_kind":4294967295}`, "", nil},
		{`{"exit_kind":"1024"}`, "", nil},
		{`{}`, "", nil},
	} {
		s := readOne(t, `{"schema":"single","maps":[],"rq_scx_states":[{"cpu":0}],"scx_sched_state":`+c.state+`}`)
		if d := cmp.Diff(c.exit, s.Exit); d != "" || s.Trigger != c.trigger {
			t.Errorf("%s: trigger %q, exit\n%s", c.state, s.Trigger, d)
		}
	}
}

// TestOdd checks that values of the wrong kind are left out, counted, and
// nothing else is lost.
func TestOdd(t *testing.T) {
	s := readOne(t, `{"schema":"single","maps":[],
		"rq_scx_states":[{"cpu":1,"nr_running":-1,"flags":1e3,"cpu_released":1,"curr_pid":7},{"cpu":"2"},{"nr_running":3},7,[8]],
		"task_enrichments":[{"pid":5,"comm":"ok","weight":0,"sched_class":"new"},{"pid":6},{"pid":2147483648,"comm":"x"}],
		"dsq_states":[{"id":18446744073709551616,"origin":"user","nr":1},{"id":18446744073709551615}]}`)
	if len(s.CPUs) != 1 || s.CPUs[0].NrRunning.Known || s.CPUs[0].Flags.Known || s.CPUs[0].CPURel.Known || s.CPUs[0].Current.Known {
		t.Errorf("CPUs: %+v", s.CPUs)
	}
	if len(s.Tasks) != 1 || s.Tasks[0].Weight.Known || s.Tasks[0].TGID.Known {
		t.Errorf("tasks: %+v", s.Tasks)
	}
	if len(s.DSQs) != 1 || s.DSQs[0].ID.V != 1<<64-1 || s.DSQs[0].Queued.Known {
		t.Errorf("DSQs: %+v", s.DSQs)
	}
	if got := strings.Join(s.Ledger.Notes, "\n"); !strings.Contains(got, "values of the document are not of the kind") {
		t.Errorf("notes: %s", got)
	}
}

// TestName checks of which map the scheduler's name is taken.
func TestName(t *testing.T) {
	chars := func(text string) string {
		var b strings.Builder
		for i := range len(text) {
			fmt.Fprintf(&b, `{"kind":"int","bits":8,"value":%d},`, int8(text[i]))
		}
		return b.String() + `{"kind":"int","bits":8,"value":0},{"kind":"int","bits":8,"value":88}`
	}
	ops := func(mapType int, typeName, member, text string) string {
		return fmt.Sprintf(`{"name":"m","map_type":%d,"value":{"kind":"struct","type_name":%q,"members":[
			{"name":"exit","value":{"kind":"array","len":1,"elements":[{"kind":"int","bits":8,"value":65}]}},
			{"name":%q,"value":{"kind":"array","len":128,"elements":[%s]}}]}}`, mapType, typeName, member, chars(text))
	}
	mine := ops(26, "sched_ext_ops", "name", "mine")
	for _, c := range []struct {
		what, maps, want string
	}{
		{"one", mine, "mine"},
		{"the same twice", mine + "," + mine, "mine"},
		{"two", mine + "," + ops(26, "sched_ext_ops", "name", "other"), ""},
		{"beside another struct_ops", ops(26, "tcp_congestion_ops", "name", "bbr") + "," + mine, "mine"},
		{"no struct_ops", ops(2, "sched_ext_ops", "name", "mine"), ""},
		{"another member", ops(26, "sched_ext_ops", "flags", "mine"), ""},
		{"not ASCII", ops(26, "sched_ext_ops", "name", "m\u00fcde"), "m\u00fcde"},
		{"long", ops(26, "sched_ext_ops", "name", strings.Repeat("n", 200)), strings.Repeat("n", 128)},
	} {
		s := readOne(t, `{"schema":"single","maps":[`+c.maps+`],"scx_sched_state":{"exit_kind":1024}}`)
		if s.Scheduler != c.want {
			t.Errorf("%s: got %q, want %q", c.what, s.Scheduler, c.want)
		}
	}
}

// withText is a document with a real log in it, as a member that ktstr does not
// write today.
func withText(t testing.TB, log string, inside string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dumps, log))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(string(b))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(document(t, "stall"))
	end := strings.LastIndexByte(doc, '}')
	return doc[:end] + `,"scheduler_log":` + strings.Replace(inside, "TEXT", string(text), 1) + "}"
}

// TestText checks that the dump in a string wins over what ktstr read, and is
// completed by that.
func TestText(t *testing.T) {
	const log = "7.3-scx_mitosis-head-cell-rt-hog.log"
	for _, c := range []struct{ inside, path string }{
		{"TEXT", "/scheduler_log"},
		{`{"parts":["no\ndump",{"log":TEXT}]}`, "/scheduler_log/parts/1/log"},
	} {
		s := readOne(t, withText(t, log, c.inside))
		if s.Source.Name != "x.json!"+c.path || !strings.HasPrefix(s.Source.Carrier, "ktstr+") || s.Source.Line != 7 {
			t.Errorf("source is %+v", s.Source)
		}
		if s.Exit.Kind.V != dump.ExitErrorStall || !s.Exit.Message.Known || s.Scheduler == "cells_1.0.2" || len(s.Tasks) < 5 {
			t.Errorf("the text is not there: exit %+v, scheduler %q, %d tasks", s.Exit, s.Scheduler, len(s.Tasks))
		}
		if task := s.Task(228); task == nil || task.TGID != dump.Of[int32](228) || task.Comm != "websrv" {
			t.Errorf("websrv[228] is not completed: %+v", task)
		}
		if len(s.DSQs) != 4 {
			t.Errorf("%d DSQs", len(s.DSQs))
		}
	}
	// another failure, or none: both are there, and neither has a part of the other
	for _, log := range []string{"7.2-scx_qmap-bpf-error.log", "7.3-scx_qmap-sysrq-D.log"} {
		all := read(t, strings.NewReader(withText(t, log, "TEXT")))
		for _, s := range all {
			if fromText := s.Raw != ""; fromText && s.Scheduler == "qmap" && len(s.DSQs) > 0 && s.DSQs[0].Name == "local cpu 0" {
				t.Errorf("%s: completed by another failure", log)
			}
		}
		if fails := all[len(all)-1]; log == "7.3-scx_qmap-sysrq-D.log" && (!fails.IsFailure() || fails.Raw != "") {
			t.Errorf("%s: the failure that ktstr saw is gone", log)
		}
	}
}

// TestCut checks that the beginning of a document is of use.
func TestCut(t *testing.T) {
	whole := document(t, "stall.repro")
	want := ids(read(t, bytes.NewReader(whole)))
	for n := 0; n < len(whole)-2; n += 97 {
		all := read(t, bytes.NewReader(whole[:n]))
		if len(all) > 2 {
			t.Fatalf("%d bytes: %d snapshots", n, len(all))
		}
		for i, s := range all {
			if !s.Ledger.Truncated && s.ID() != want[i] {
				t.Errorf("%d bytes: snapshot %d looks complete", n, i)
			}
		}
	}
	damaged := bytes.Replace(whole, []byte(`"late"`), []byte(`"late`), 1)
	all := read(t, bytes.NewReader(damaged))
	if len(all) != 1 || all[0].Source.Name != "x.json!/early" {
		t.Errorf("damaged: %d snapshots", len(all))
	}
}

// TestPieces checks that it makes no difference how a document arrives, how it
// is laid out, and what stands behind it.
func TestPieces(t *testing.T) {
	whole := document(t, "stall.repro")
	want := ids(read(t, bytes.NewReader(whole)))
	var flat bytes.Buffer
	if err := json.Compact(&flat, whole); err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string]io.Reader{
		"bytes":    iotest.OneByteReader(bytes.NewReader(whole)),
		"with EOF": iotest.DataErrReader(bytes.NewReader(whole)),
		"flat":     bytes.NewReader(flat.Bytes()),
		"blanks":   bytes.NewReader(bytes.ReplaceAll(whole, []byte("\n"), bytes.Repeat([]byte("\n \t"), 100))),
		"mark":     io.MultiReader(strings.NewReader("\ufeff"), bytes.NewReader(whole)),
	} {
		if d := cmp.Diff(want, ids(read(t, src))); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	twice := ids(read(t, io.MultiReader(bytes.NewReader(whole), bytes.NewReader(whole))))
	if d := cmp.Diff(append(want, want...), twice); d != "" {
		t.Errorf("twice:\n%s", d)
	}
}

func ids(all []*dump.Snapshot) []string {
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID())
	}
	return ids
}

func TestSourceFails(t *testing.T) {
	whole := document(t, "stall.repro")
	broken := errors.New("no more")
	r := ktstr.NewReader(io.MultiReader(bytes.NewReader(whole[:len(whole)-100]), iotest.ErrReader(broken)), ktstr.Options{})
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprintf("read at offset %d: no more", len(whole)-100)
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, broken) || err.Error() != want {
			t.Errorf("got %v", err)
		}
	}
}

// TestHostile reads documents that are made to cost memory or time.
func TestHostile(t *testing.T) {
	const size = 100 << 20
	head := `{"schema":"single","scx_sched_state":{"exit_kind":1024},"maps":[`
	for _, c := range []struct {
		name, start, repeat, note string
	}{
		{"deep", head, `[`, "objects nest deeper than 256"},
		{"deep objects", head, `{"a":`, "objects nest deeper than 256"},
		{"long string", head + `"`, `\u0041lines\n`, "longer than the reader's limit"},
		{"long key", head + `{"`, `0123456789abcdef`, "longer than the reader's limit"},
		{"long number", head, `1234567890`, "a number is longer than 64 bytes"},
		{"blanks", head, " \n\t\r    ", "ends too early"},
		{"many texts", head, `"a\nEXIT: runtime error (x)\n",`, "more than 1000 texts"},
		{"many CPUs", head + `],"rq_scx_states":[`, `{"cpu":1,"curr_pid":4,"curr_comm":"0123456789012345678901234567890123456789"},`, "beyond the reader's limits"},
		{"many tasks", head + `],"task_enrichments":[`, `{"pid":1,"comm":"a"},`, "beyond the reader's limits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			size := size
			switch {
			case strings.HasPrefix(c.name, "many"):
				size = 4 << 20
			case testing.Short():
				size = 20 << 20 // the longest limit is 16 MiB
			}
			src := io.MultiReader(strings.NewReader(c.start), &repeater{text: c.repeat, left: size})
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			all := read(t, src)
			runtime.ReadMemStats(&after)
			if len(all) == 0 {
				t.Fatal("no snapshot")
			}
			last := all[len(all)-1]
			if !last.IsFailure() || !strings.Contains(strings.Join(last.Ledger.Notes, "\n"), c.note) {
				t.Errorf("exit %+v, notes %q", last.Exit, last.Ledger.Notes)
			}
			if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 256<<20 {
				t.Errorf("the heap grew by %d MiB", grown>>20)
			}
		})
	}
}

// repeater is a text again and again, up to some bytes.
type repeater struct {
	text string
	at   int
	left int
}

func (r *repeater) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && n < r.left {
		m := copy(p[n:], r.text[r.at:])
		r.at = (r.at + m) % len(r.text)
		n += m
	}
	r.left -= n
	return n, nil
}

func TestSniff(t *testing.T) {
	for _, name := range []string{"stall", "stall.repro", "rendezvous", "not_attached"} {
		doc := document(t, name)
		if !ktstr.Sniff(doc[:min(len(doc), ktstr.SniffLen)]) {
			t.Errorf("%s is not recognised", name)
		}
	}
	for _, yes := range []string{
		`{"schema":"single","maps":[]}`, "\ufeff \n{ \"schema\" : \"single\" ,\r\n\"maps\" : [", `{"schema":"dual","late":{`,
		`{"maps":[{"name":"bpf.bss","map_type":2,"value_size":8,"max_entries":1`,
		`{"maps":[{"name":"bpf.bss","map_kva":1844,"map_type":2,"value_size":8,"max_entries":1`,
	} {
		if !ktstr.Sniff([]byte(yes)) {
			t.Errorf("%q is not recognised", yes)
		}
	}
	for _, no := range []string{
		"", "{", "{}", "[]", `{"schema":"scxdiag/1","snapshots":[`, `{"schema":"single"}`, `{"schema":"single","name":"x"`,
		`{"schema":"sin gle","maps":[`, `{"maps":[]}`, `{"maps":[{"name":"x"}]}`, `"schema":"single","maps":[`,
		`x{"schema":"single","maps":[`, `{"__CURSOR":"s=1","MESSAGE":"{\"schema\":\"single\",\"maps\":["}`,
		`{"schema":"degraded","vcpu_regs":[`, "SQLite format 3\x00",
	} {
		if ktstr.Sniff([]byte(no)) {
			t.Errorf("%q is taken for one", no)
		}
	}
	logs, err := filepath.Glob(filepath.Join(dumps, "*"))
	if err != nil || len(logs) == 0 {
		t.Fatal(err)
	}
	for _, log := range logs {
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if ktstr.Sniff(b) {
			t.Errorf("%s is taken for one", log)
		}
	}
}

// FuzzReader feeds the reader anything. It must come to an end, and what it
// gives must keep the promises of the model.
func FuzzReader(f *testing.F) {
	f.Add(document(f, "rendezvous"))
	for _, doc := range []string{ // short, for mutations to reach all of them
		`{"schema":"single","maps":[{"map_type":26,"value":{"type_name":"sched_ext_ops","members":[{"name":"name","value":{"elements":[
			{"value":65}]}}]}}],"task_enrichments":[{"pid":4,"tgid":4,"comm":"a","weight":100,"sched_class":"rt"}],
			"event_counter_timeline":[{"reenq_immed":7}],"rq_scx_states":[{"cpu":0,"nr_running":1,"curr_pid":4,"curr_comm":"a"}],
			"dsq_states":[{"id":9223372036854775809,"origin":"global node 0","nr":1}],"scx_sched_state":{"exit_kind":1026}}`,
		`{"schema":"dual","early":{"rq_scx_states":[{"cpu":1}]},"late":{"scx_sched_state":{"exit_kind":1025},
			"log":"a[1] triggered exit kind 1025:\n  scx_bpf_error (b)\n\nBacktrace:\n  c+0x1/0x2\n\nCPU states\n----------\n"}}`,
		`{"scx_sched_state":{"exit_kind":1024},"a":"\nEXIT: runtime error (x)\n"}`, `[[{"late":{"early":{"exit_kind":1}}}]]`,
		`{"rq_scx_states":[{"cpu":0,"curr_pid":0,"curr_comm":"\ud83d"}]}{"x`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		all := read(t, bytes.NewReader(doc))
		if got := ids(read(t, iotest.HalfReader(bytes.NewReader(doc)))); !cmp.Equal(ids(all), got) {
			t.Errorf("it makes a difference how the document arrives")
		}
		for _, s := range all {
			if !strings.HasPrefix(s.Source.Carrier, "ktstr") || !strings.HasPrefix(s.Source.Name, "x.json") {
				t.Errorf("source is %+v", s.Source)
			}
			if s.Raw == "" && s.Ledger.Complete() {
				t.Error("looks complete")
			}
			if s.Raw == "" && len(s.CPUs) == 0 && len(s.Tasks) == 0 && s.Exit == nil && s.Trigger != dump.TriggerSample {
				t.Error("says nothing")
			}
		}
	})
}
