// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/dumptest"
)

// paths lists the fields of a JSON value with their types.
func paths(v any, at string, out map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			paths(e, at+"."+k, out)
		}
	case []any:
		for _, e := range v {
			paths(e, at+"[]", out)
		}
	case string:
		out[at+" string"] = true
	case json.Number:
		out[at+" number"] = true
	case bool:
		out[at+" bool"] = true
	}
}

func decode(t *testing.T, doc []byte) map[string]any {
	t.Helper()
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchema fails when a field of the contract changes its name or type, and
// shows what a new one is called.
func TestSchema(t *testing.T) {
	all := dumptest.Filled("key")
	for _, kind := range []dump.DSQKind{dump.DSQKindCell, dump.DSQKindCPU} {
		all.Tasks = append(all.Tasks, dump.Task{DSQ: dump.Of(dump.DSQRef{Kind: kind, LLC: 1})})
	}
	all.Tasks = append(all.Tasks, dump.Task{RunnableAt: all.Tasks[0].RunnableAt})
	found := map[string]bool{}
	paths(decode(t, render(t, "json", Options{}, all)), "", found)
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintln(&b, p)
	}
	golden(t, "schema", []byte(b.String()))
}

func TestUnknownIsAbsent(t *testing.T) {
	s := &dump.Snapshot{
		Exit: &dump.Exit{}, Cells: make([]dump.Cell, 1), CPUs: make([]dump.CPU, 1), Tasks: make([]dump.Task, 1),
		DSQs: make([]dump.DSQ, 1), Events: make([]dump.Event, 1), Cgroups: make([]dump.Cgroup, 1),
		Status: &dump.Status{HeldCPU: -1},
	}
	got := render(t, "json", Options{}, s)
	want := `{"schema":"scxdiag/1","snapshots":[
{"id":"` + s.ID() + `","source":{"name":"","reversed":false},"exit":{},` +
		`"ledger":{"complete":true,"truncated":false,"dropped":0,"not_understood":0,"notes":[]},` +
		`"status":{"config_seq":0,"applied_seq":0,"slice_ns":0,"max_cells":0,"nr_events":0,"enq_fallback":0,` +
		`"time_clamped":0,"faults":[],"cpuset_begun":0,"cpuset_ended":0,"alloc_fail":0,"late_inserts":0,"rescued":0,` +
		`"max_used":0,"queues":0,"nr_cgroups":0,"grace":{"active":false,"seq":0},"apply":{"rc":0},` +
		`"timer":{"armed":false,"rc":0,"runs":0,"period_ns":0,"max_run_ns":0},"exiting":{"count":0}},` +
		`"cells":[{"id":0}],"cgroups":[{"id":0,"level":0,"has_context":false,"dying":false,"populated":false,` +
		`"cpu_controller":false}],"cpus":[{"id":0,"listed":false}],"tasks":[{"pid":0,"comm":"","current":false}],` +
		`"dsqs":[{}],"events":[{"seq":0,"kind":""}]}
]}
`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestZeroIsPresent(t *testing.T) {
	s := &dump.Snapshot{
		CPUs: []dump.CPU{{Flags: dump.Of[uint32](0), Queued: dump.Of[int64](0), CPUsToKick: dump.Of(dump.CPUMask{})}},
	}
	got := string(render(t, "json", Options{}, s))
	want := `"cpus":[{"id":0,"listed":false,"flags":[],"cpus_to_kick":"","queued":0}]`
	if !strings.Contains(got, want) {
		t.Errorf("got %s, want it to have %s", got, want)
	}
}

func TestRepeatedKeysAreKept(t *testing.T) {
	s := &dump.Snapshot{Build: []dump.KV{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}, {Key: "b", Value: "3"}}}
	got := string(render(t, "json", Options{}, s))
	if want := `"build":{"b":"1\n3","a":"2"}`; !strings.Contains(got, want) {
		t.Errorf("got %s, want it to have %s", got, want)
	}
}

// failing is a writer that is broken.
type failing struct{}

var errBroken = errors.New("broken")

func (failing) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrorsComeBack(t *testing.T) {
	for format, newWriter := range formats {
		if err := newWriter(failing{}, Options{}).Add(cellRTHog()); !errors.Is(err, errBroken) {
			t.Errorf("%s: got error %v, want %v", format, err, errBroken)
		}
	}
}

func BenchmarkWriters(b *testing.B) {
	s := cellRTHog()
	for len(s.Tasks) < 100 {
		s.Tasks = append(s.Tasks, s.Tasks[0])
	}
	for _, format := range []string{"txt", "md", "json"} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				render(b, format, Options{}, s)
			}
		})
	}
}
