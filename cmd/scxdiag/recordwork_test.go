// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"scxdiag/bpf"
	"scxdiag/dump"
	"scxdiag/dump/alert"
	"scxdiag/dump/store"
)

// work starts what record does with what it sees, without a recorder. What it prints and
// says is there when it is closed.
func work(t *testing.T, f *recordFlags) (w *recordWork, out, said *bytes.Buffer) {
	t.Helper()
	out, said = &bytes.Buffer{}, &bytes.Buffer{}
	cmd := &cobra.Command{}
	cmd.SetOut(out)
	cmd.SetErr(said)
	if err := f.check(t.Context()); err != nil {
		t.Fatal(err)
	}
	w, err := f.startWork(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	return w, out, said
}

func seenCrash(dumped bool) *dump.Snapshot {
	s := &dump.Snapshot{
		Trigger: dump.TriggerCrash, Scheduler: "evil\x1b[2J", Time: time.Now(),
		Exit: &dump.Exit{Kind: dump.Of(dump.ExitErrorStall), Message: dump.Of("stalled")},
	}
	if dumped {
		s.Raw = "the dump"
		s.Ledger.Records = []dump.RecordCount{{Kind: "line", Expected: 1, Received: 1}}
	}
	return s
}

// TestARecorderRecordsCountsAndTells has every way to tell, and a program that is
// started again between a dump and the end of its scheduler.
func TestARecorderRecordsCountsAndTells(t *testing.T) {
	c := listen(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "a"+store.Ext)
	posted := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { posted <- r.Header.Get("X-Scxdiag-Id") }))
	defer server.Close()
	// The crash is in the recording by the time that the command runs.
	f := &recordFlags{file: path, webhook: server.URL, metrics: "127.0.0.1:0", exec: `head -c 16 "$SCXDIAG_RECORDING" > ` + dir + `/$SCXDIAG_ID`}
	w, out, said := work(t, f)
	w.ready()
	w.oldest.Store(&bpf.Waiting{Task: dump.TaskRef{PID: 7}, For: 1500 * time.Millisecond})
	w.turn(func() (bpf.Lost, error) { return bpf.Lost{Lines: 3}, nil })
	crash := seenCrash(true)
	for _, s := range []*dump.Snapshot{crash, {Trigger: dump.TriggerSysRq, Time: time.Now()}} {
		w.take(s)
	}
	if id := <-posted; id != crash.ID() {
		t.Errorf("posted %s, want %s", id, crash.ID())
	}
	page := scrape(t, w)
	for _, want := range []string{
		`scxdiag_snapshots_total{trigger="sysrq"} 1`, `scxdiag_crashes_total{kind="ERROR_STALL",scheduler="evil\\x1b[2J"} 1`,
		`scxdiag_lost_records_total{kind="line"} 3`, "scxdiag_recording_bytes ", "scxdiag_waiting_snapshots ", "scxdiag_oldest_waiter_seconds 1.5", `scxdiag_build_info{goversion="go`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "metrics are at http://127.0.0.1:") {
		t.Errorf("said %s", said)
	}
	if b, err := os.ReadFile(filepath.Join(dir, crash.ID())); err != nil || !bytes.HasPrefix(b, []byte("SQLite format 3")) {
		t.Errorf("the command found %q, %v", b, err)
	}
	if len(posted) != 0 || strings.Count(out.String(), "\n") != 2 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("posted %d more, printed %q", len(posted), out.String())
	}
	told := received(t, c, 4)
	if told[0] != "READY=1" || !strings.HasSuffix(told[1], "; 0 snapshots, 0 of failures") || !strings.HasSuffix(told[3], "; 2 snapshots, 1 of failures") {
		t.Errorf("told %q", told)
	}

	w, out, said = work(t, &recordFlags{file: path, exec: "echo again"})
	w.take(seenCrash(false))
	if err := w.close(); err != nil || w.crashes != 0 || out.Len() != 0 || !strings.Contains(said.String(), "recorded already") || strings.Contains(said.String(), "again") {
		t.Errorf("%v, %d crashes, printed %q, said %q", err, w.crashes, out, said)
	}
	if n := recordedIn(t, path); n != 2 {
		t.Errorf("%d snapshots are recorded", n)
	}
}

func TestOnlyAFileHasABoundOfItself(t *testing.T) {
	for _, c := range []struct {
		file, maxSize, maxAge string
		size                  int64
		age                   time.Duration
	}{
		{"", "", "", 0, 0},
		{"", "2MiB", "1h", 2 << 20, time.Hour},
		{"a.scxdiag", "", "", 1 << 30, 0},
		{"a.scxdiag", "none", "0", 0, 0},
		{"a.scxdiag", "0", "none", 0, 0},
		{"a.scxdiag", "2MiB", "", 2 << 20, 0},
	} {
		f := recordFlags{file: c.file, bounds: bounds{maxSize: c.maxSize, maxAge: c.maxAge}}
		if err := f.check(t.Context()); err != nil || f.policy.MaxSize != c.size || f.policy.MaxAge != c.age {
			t.Errorf("%+v: %d bytes, %v, %v", c, f.policy.MaxSize, f.policy.MaxAge, err)
		}
	}
}

func TestTheWebhookMayBeInTheEnvironment(t *testing.T) {
	t.Setenv(alert.EnvURL, "https://example.com/a")
	for flag, want := range map[string]string{"": "https://example.com/a", "https://example.com/b": "https://example.com/b"} {
		f := recordFlags{webhook: flag}
		if err := f.check(t.Context()); err != nil || f.webhook != want {
			t.Errorf("%q: %s, %v", flag, f.webhook, err)
		}
	}
}

func scrape(t *testing.T, w *recordWork) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s/metrics", w.metricsAt), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func recordedIn(t *testing.T, path string) int {
	t.Helper()
	st, err := store.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	list, err := st.List(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestADamagedRecordingDoesNotEndTheRecorder prints and tells all the same.
func TestADamagedRecordingDoesNotEndTheRecorder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	st, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(b); i++ {
		b[i] = 0xff
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(told) }))
	defer server.Close()
	w, out, said := work(t, &recordFlags{file: path, format: formatJSON, exec: "echo $SCXDIAG_KIND", webhook: server.URL})
	w.take(seenCrash(true))
	<-told
	if text := w.statusText(); text != "cannot record: no scheduler is enabled; 1 snapshot, 1 of failures; 1 wait, 0 are lost" {
		t.Errorf("status %q", text)
	}
	if err := w.close(); err == nil || !strings.Contains(said.String(), "snapshots that could not be recorded: 1") ||
		!strings.Contains(said.String(), "exec: ERROR_STALL") || strings.Count(said.String(), "wait in memory") != 1 {
		t.Errorf("%v, said %s", err, said)
	}
	var d document
	if err := json.Unmarshal(out.Bytes(), &d); err != nil || len(d.Snapshots) != 1 {
		t.Errorf("printed %q, %v", out, err)
	}
	// What never was a recording stays as it is.
	other := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(other, []byte(strings.Repeat("my notes ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &recordFlags{file: other}
	var errs bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&errs)
	if _, err := f.startWork(t.Context(), cmd); err != errReported || !strings.Contains(errs.String(), "not a recording") { //nolint:errorlint // exact
		t.Errorf("started with %v, said %s", err, &errs)
	}
}

// envBroken has the test program be a recorder that writes to a pipe nobody reads.
const envBroken = "SCXDIAG_TEST_BROKEN"

// TestACrashIsRecordedThoughNobodyReads has the reader of standard output gone, which
// ends a program as a rule.
func TestACrashIsRecordedThoughNobodyReads(t *testing.T) {
	if path := os.Getenv(envBroken); path != "" {
		ignoreBrokenPipes()
		w, err := (&recordFlags{file: path}).startWork(t.Context(), &cobra.Command{})
		if err != nil {
			os.Exit(exitFailure)
		}
		w.take(seenCrash(true))
		if err := w.end(nil); err != nil {
			os.Exit(exitError)
		}
		os.Exit(exitOK)
	}
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestACrashIsRecordedThoughNobodyReads$")
	cmd.Env = append(os.Environ(), envBroken+"="+path)
	cmd.Stdout, cmd.Stderr = pipe, &said
	err = cmd.Run()
	if err != nil || strings.Count(said.String(), "broken pipe; recording goes on") != 1 {
		t.Errorf("%v, said %s", err, &said)
	}
	if n := recordedIn(t, path); n != 1 {
		t.Errorf("%d snapshots are recorded", n)
	}
}

func TestAnAddressInUse(t *testing.T) {
	w, _, _ := work(t, &recordFlags{file: filepath.Join(t.TempDir(), "a"+store.Ext), metrics: "127.0.0.1:0"})
	defer func() { _ = w.close() }()
	f := &recordFlags{file: w.path, metrics: w.metricsAt.String()}
	var errs bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&errs)
	if _, err := f.startWork(t.Context(), cmd); err == nil || !strings.HasSuffix(errs.String(), "address already in use; --metrics ADDRESS chooses another\n") {
		t.Errorf("%v, said %s", err, &errs)
	}
}

// TestACrashIsRecordedThoughOutputHangs has both outputs take nothing, until all is
// recorded and told.
func TestACrashIsRecordedThoughOutputHangs(t *testing.T) {
	told := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(told) }))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	out, errs := taken{wrote: make(chan string)}, taken{wrote: make(chan string)}
	cmd := &cobra.Command{}
	cmd.SetOut(out)
	cmd.SetErr(errs)
	w, err := (&recordFlags{file: path, webhook: server.URL}).startWork(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	w.ready()
	w.take(seenCrash(true))
	<-told
	if n := recordedIn(t, path); n != 1 {
		t.Errorf("%d snapshots are recorded", n)
	}
	if got := <-errs.wrote; !strings.Contains(got, "recording; ctrl+c ends it") {
		t.Errorf("said %q", got)
	}
	if got := <-out.wrote; !strings.Contains(got, "ERROR_STALL") {
		t.Errorf("printed %q", got)
	}
	if err := w.end(nil); err != nil {
		t.Error(err)
	}
}
