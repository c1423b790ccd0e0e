// SPDX-License-Identifier: GPL-2.0-only

package metrics

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"scxdiag/dump"
)

func newMetrics(waiter func() (time.Duration, bool)) *Metrics {
	return New(Config{
		Version: "v1.2", Revision: "abc", GoVersion: "go1.26", Recording: func() Recording { return Recording{Bytes: 4096, Waiting: 2, Recorded: 30, Lost: 4, Pruned: 5} }, OldestWaiter: waiter,
		AlertKinds: []string{"exec"}, AlertResults: []string{"ok", "failed"},
	})
}

func crashOf(scheduler string, kind dump.ExitKind) *dump.Snapshot {
	return &dump.Snapshot{Trigger: dump.TriggerCrash, Scheduler: scheduler, Exit: &dump.Exit{Kind: dump.Of(kind)}}
}

// get scrapes.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
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
	return resp.StatusCode, string(b)
}

func TestWhatARecorderSawIsServed(t *testing.T) {
	waits := true
	m := newMetrics(func() (time.Duration, bool) { return 2500 * time.Millisecond, waits })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	addr, err := m.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + addr.String()
	_, before := get(t, url+"/metrics")
	for _, want := range []string{
		`scxdiag_snapshots_total{trigger="crash"} 0`, `scxdiag_snapshots_total{trigger="halfway"} 0`, `scxdiag_alerts_total{kind="exec",result="failed"} 0`, `scxdiag_lost_records_total{kind="line"} 0`,
		`scxdiag_build_info{goversion="go1.26",revision="abc",version="v1.2"} 1`, "scxdiag_oldest_waiter_seconds 2.5", "\ngo_goroutines ",
		"\nprocess_start_time_seconds ",
	} {
		if !strings.Contains(before, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(before, "scxdiag_scheduler_info{") {
		t.Error("a scheduler, and none is enabled")
	}
	m.Snapshot(crashOf("mitosis_1.2_x86_64", dump.ExitErrorStall))
	m.Snapshot(crashOf("mitosis", dump.ExitErrorStall))
	m.Snapshot(crashOf("mitosis", 77777))
	m.Snapshot(&dump.Snapshot{Trigger: dump.TriggerCrash})
	m.Snapshot(&dump.Snapshot{Trigger: dump.TriggerSysRq})
	m.Alert("exec", "ok")
	m.Lost(7, 1)
	m.Scheduler("other")
	m.Scheduler("qmap_1.2\n\xff\"")
	waits = false
	_, after := get(t, url+"/metrics")
	for _, want := range []string{
		`scxdiag_snapshots_total{trigger="crash"} 4`, `scxdiag_snapshots_total{trigger="sysrq"} 1`,
		`scxdiag_crashes_total{kind="ERROR_STALL",scheduler="mitosis"} 2`, `scxdiag_crashes_total{kind="other",scheduler="mitosis"} 1`,
		`scxdiag_crashes_total{kind="unknown",scheduler="unknown"} 1`, `scxdiag_alerts_total{kind="exec",result="ok"} 1`,
		`scxdiag_lost_records_total{kind="line"} 7`, `scxdiag_lost_records_total{kind="end"} 1`,
		`scxdiag_scheduler_info{scheduler="qmap",version="qmap_1.2\\n\\xff\""} 1`, `scxdiag_recording_bytes 4096`,
		`scxdiag_waiting_snapshots 2`, `scxdiag_recorded_total 30`, `scxdiag_unrecorded_total 4`, `scxdiag_pruned_total 5`,
	} {
		if !strings.Contains(after, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(after, "scxdiag_oldest_waiter_seconds ") || strings.Contains(after, `scxdiag_scheduler_info{scheduler="other"`) {
		t.Error("what is no more is still served")
	}
	m.Scheduler("")
	if n := testutil.CollectAndCount(m.info); n != 0 {
		t.Errorf("%d schedulers, and none is enabled", n)
	}
	for path, want := range map[string]int{"/": 200, "/debug/pprof/": 404, "/metrics/x": 404} {
		if got, _ := get(t, url+path); got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
	if _, err := m.Serve(ctx, addr.String()); err == nil {
		t.Error("two serve at one address")
	}
}

func TestNamesAreBounded(t *testing.T) {
	m := newMetrics(nil)
	for i := range 3 * maxSchedulers {
		m.Snapshot(crashOf(fmt.Sprint("s", i), dump.ExitErrorStall))
	}
	m.Snapshot(crashOf("s0", dump.ExitErrorStall))
	if n := testutil.CollectAndCount(m.crashes); n != maxSchedulers+1 {
		t.Errorf("%d series", n)
	}
	if n := testutil.ToFloat64(m.crashes.WithLabelValues(other, "ERROR_STALL")); n != 2*maxSchedulers {
		t.Errorf("%v others", n)
	}
	m.Snapshot(crashOf("s0"+strings.Repeat("ä", 200), dump.ExitErrorStall))
	m.Scheduler(strings.Repeat("ä", 200))
	if problems, err := testutil.GatherAndLint(m.registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	var nothing *Metrics
	nothing.Snapshot(crashOf("a", 1))
	nothing.Alert("", "")
	nothing.Lost(1, 1)
	nothing.Scheduler("")
}

func TestConnectionsAreBounded(t *testing.T) {
	addr, err := newMetrics(nil).Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make([]net.Conn, maxConns+1)
	for i := range conns {
		if conns[i], err = (&net.Dialer{}).DialContext(t.Context(), "tcp", addr.String()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conns[i].Close() })
		if _, err := io.WriteString(conns[i], "GET / HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if i < maxConns {
			answered(t, conns[i])
		}
	}
	last := conns[maxConns]
	if err := last.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := last.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one connection too many is served: %d bytes, %v", n, err)
	}
	_ = conns[0].Close() // its place is free then
	answered(t, last)
}

// answered reads the answer to a request.
func answered(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s, %v", resp.Status, err)
	}
}

func TestOnlyThisMachineIsServed(t *testing.T) {
	for s, want := range map[string]string{
		":9836": "127.0.0.1:9836", "127.0.0.1:9836": "127.0.0.1:9836", "[::1]:9836": "[::1]:9836", "127.1.2.3:0": "127.1.2.3:0",
		"0.0.0.0:9836": "", "[::]:9836": "", "192.0.2.1:9836": "", "9836": "", "127.0.0.1": "", "127.0.0.1:": "", ":http-no-such": "", ":99999": "",
		"name.invalid:9836": "", "": "",
	} {
		got, err := Address(t.Context(), s)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	if got, err := Address(t.Context(), "localhost:9836"); err != nil || got != "127.0.0.1:9836" && got != "[::1]:9836" {
		t.Errorf("localhost: %q, %v", got, err)
	}
}
