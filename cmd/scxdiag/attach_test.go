// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
)

// nightTree writes what a night of CI leaves behind: folders of logs, most of them
// packed, archives in archives, and in some of them a dump, each another one. It
// returns how many dumps there are.
func nightTree(tb testing.TB, dir string, files int, total int64) (dumps int) {
	tb.Helper()
	const every = 200 // files for a dump
	crash, err := os.ReadFile(filepath.Join("..", "..", "testdata", "dumps", "7.3-scx_mitosis-head-cell-rt-hog.log"))
	if err != nil {
		tb.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("test building kernel step ok passed in seconds run the of sched cpu warning note time cargo compiling 12 345 0x7f3a")
	log := func(i int) []byte {
		var b bytes.Buffer
		for size := int(total) / files; b.Len() < size; {
			fmt.Fprintf(&b, "2026-11-27T02:%02d:%02d.%07dZ ", rnd.IntN(60), rnd.IntN(60), rnd.IntN(1e7))
			for range 3 + rnd.IntN(12) {
				b.WriteString(words[rnd.IntN(len(words))] + " ")
			}
			b.WriteByte('\n')
			if i%every == 0 && b.Len() > size/2 && !bytes.Contains(b.Bytes(), []byte("triggered exit kind")) {
				b.Write(bytes.ReplaceAll(crash, []byte("35.632s"), fmt.Appendf(nil, "35.%03ds", i/every))) // another one
			}
		}
		return b.Bytes()
	}
	var inZip, inTar []int
	for i := range files {
		if i%every == 0 {
			dumps++
		}
		name := filepath.Join(dir, strconv.Itoa(i/100), strconv.Itoa(i)+".log")
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			tb.Fatal(err)
		}
		switch i % 4 {
		case 0:
			inZip = append(inZip, i)
		case 1:
			inTar = append(inTar, i)
		case 2:
			writeFile(tb, name+".gz", func(w io.Writer) error {
				z := gzip.NewWriter(w)
				_, err := z.Write(log(i))
				return errors.Join(err, z.Close())
			})
		default:
			writeFile(tb, name, func(w io.Writer) error { _, err := w.Write(log(i)); return err })
		}
	}
	for n := 0; len(inZip) > 0; n++ {
		part := inZip[:min(50, len(inZip))]
		inZip = inZip[len(part):]
		writeFile(tb, filepath.Join(dir, fmt.Sprintf("run%d.zip", n)), func(w io.Writer) error {
			z := zip.NewWriter(w)
			for _, i := range part {
				f, err := z.Create(fmt.Sprintf("job %d/%d_run.txt", n, i))
				if err != nil {
					return err
				}
				if _, err := f.Write(log(i)); err != nil {
					return err
				}
			}
			return z.Close()
		})
	}
	for n := 0; len(inTar) > 0; n++ {
		part := inTar[:min(50, len(inTar))]
		inTar = inTar[len(part):]
		writeFile(tb, filepath.Join(dir, fmt.Sprintf("artifact%d.tar.gz", n)), func(w io.Writer) error {
			z := gzip.NewWriter(w)
			a := tar.NewWriter(z)
			for _, i := range part {
				data := log(i)
				if err := a.WriteHeader(&tar.Header{Name: fmt.Sprint(i, ".txt"), Size: int64(len(data)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
					return err
				}
				if _, err := a.Write(data); err != nil {
					return err
				}
			}
			return errors.Join(a.Close(), z.Close())
		})
	}
	return dumps
}

func writeFile(tb testing.TB, name string, write func(io.Writer) error) {
	tb.Helper()
	f, err := os.Create(name)
	if err != nil {
		tb.Fatal(err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		tb.Fatal(err)
	}
}

// TestInterruptedAttachKeepsWhatItRecorded interrupts the program while it waits for
// more on standard input.
func TestInterruptedAttachKeepsWhatItRecorded(t *testing.T) {
	const within = 20 * time.Second
	const dumps = 150 // the reader holds 1 MiB of them back, for their copies, until it ends
	crash, err := os.ReadFile(crashLog)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "night"+store.Ext)
	recording, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, "scxdiag", "attach", "--format", "text", "--record", path, "-") // see TestMain
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range dumps {
		if _, err := stdin.Write(bytes.ReplaceAll(crash, []byte("35.632s"), fmt.Appendf(nil, "35.%03ds", i))); err != nil {
			t.Fatalf("%v: %s", err, &stderr)
		}
	}
	var kept store.Entry
	for kept, err = range recording.Follow(ctx, 0) {
		break
	}
	if err != nil || kept.ID == "" {
		t.Fatalf("nothing was recorded: %v; %s", err, &stderr)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitError {
		t.Errorf("ended with %v", err)
	}
	if want := "scxdiag: attach: interrupted after 1 file; what was found so far is recorded\n"; stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("said %q, want %q; printed %q", &stderr, want, &stdout)
	}
	entries, err := recording.List(t.Context(), store.Filter{})
	if err != nil || len(entries) < 20 || entries[0].ID != kept.ID {
		t.Errorf("%d of %d dumps were recorded, %v", len(entries), dumps, err)
	}
	for _, e := range entries {
		if s, err := recording.Get(t.Context(), e.ID); err != nil || !s.IsFailure() {
			t.Errorf("what was recorded is no failure: %v", err)
		}
	}
}

// BenchmarkAttach goes through a tree of 10,000 files, of 128 MiB unless
// SCXDIAG_BENCH_MIB says otherwise, and compares that with unpacking them into a
// line counter, one after the other, as a shell does.
func BenchmarkAttach(b *testing.B) {
	mib := int64(128)
	if s := os.Getenv("SCXDIAG_BENCH_MIB"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		mib = n
	}
	program := filepath.Join(b.TempDir(), "scxdiag")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	dir := b.TempDir()
	dumps := nightTree(b, dir, 10_000, mib<<20)
	var full, bare time.Duration
	var peak int64
	for b.Loop() {
		start := time.Now()
		lines := exec.Command("sh", "-c", `{ find . -name '*.log' -exec cat {} +; find . -name '*.gz' ! -name '*.tar.gz' -exec zcat {} +;
			find . -name '*.tar.gz' -exec sh -c 'for f; do tar -xOzf "$f"; done' sh {} +; find . -name '*.zip' -exec sh -c 'for f; do unzip -p "$f"; done' sh {} +; } | wc -l`)
		lines.Dir = dir
		if out, err := lines.CombinedOutput(); err != nil || len(out) < 5 {
			b.Skipf("what unpacks is missing here: %v %s", err, out)
		}
		bare += time.Since(start)

		start = time.Now()
		attach := exec.Command(program, "attach", "--format", "json", ".")
		attach.Dir = dir
		out, err := attach.Output()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailure {
			b.Fatalf("%v\n%.1000s", err, out)
		}
		full += time.Since(start)
		if u, ok := attach.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = max(peak, u.Maxrss)
		}
		var doc struct {
			Groups []struct {
				Snapshots []struct{ Places []json.RawMessage }
			}
		}
		if err := json.Unmarshal(out, &doc); err != nil {
			b.Fatal(err)
		}
		found := 0
		for _, g := range doc.Groups {
			for _, s := range g.Snapshots {
				if found++; len(s.Places) != 1 {
					b.Errorf("a dump was found %d times", len(s.Places))
				}
			}
		}
		if found != dumps {
			b.Fatalf("%d of %d dumps were found", found, dumps)
		}
	}
	b.ReportMetric(full.Seconds()/bare.Seconds(), "x-unpack")
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
	b.ReportMetric(float64(dumps), "dumps")
}

// TestOfManySamplesMostAreOnlyCounted looks that a long recording does not fill the
// memory, and that no failure in it is left out.
func TestOfManySamplesMostAreOnlyCounted(t *testing.T) {
	c := collection{stderr: io.Discard, record: &recorder{}, byID: make(map[string]int)}
	for i := range maxWhole + 50 {
		s := &dump.Snapshot{Source: dump.Source{Name: "r.scxdiag"}, Trigger: dump.TriggerSample, Time: time.Unix(int64(i), 0), Raw: "x"}
		for range 2 { // the same again is no other
			if err := c.add(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	failure := &dump.Snapshot{Source: dump.Source{Name: "r.scxdiag"}, Trigger: dump.TriggerCrash, Exit: &dump.Exit{Kind: dump.Of(dump.ExitErrorStall)}}
	if err := c.add(t.Context(), failure); err != nil {
		t.Fatal(err)
	}
	if len(c.found) != maxWhole+1 || c.more != 50 || c.found[maxWhole].Snapshot != failure {
		t.Errorf("kept %d, counted %d", len(c.found), c.more)
	}
	survey := &report.Survey{Groups: report.Groups(c.found, nil), More: c.more}
	var out strings.Builder
	if err := report.SurveyText(&out, survey, report.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 scheduler failure of 1 kind, 250 dumps without one", "and 230 more dumps"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, out.String())
		}
	}
}
