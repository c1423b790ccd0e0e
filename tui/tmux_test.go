// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// patience is how long a screen may take to show what is awaited. It is only
// reached when something is wrong.
const patience = 20 * time.Second

// terminal is a tmux server with one window, for one test.
type terminal struct {
	tb            testing.TB
	socket        string
	width, height int
	patience      time.Duration
}

// newTerminal starts a shell in tmux, without any configuration.
func newTerminal(tb testing.TB, width, height int, env ...string) *terminal {
	tb.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal("tmux is missing")
		}
		tb.Skip("tmux is missing")
	}
	t := &terminal{tb, filepath.Join(tb.TempDir(), "tmux"), width, height, patience}
	args := []string{"-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height)}
	env = append([]string{"XDG_CONFIG_HOME=" + tb.TempDir()}, env...) // not that of who runs the tests
	for _, e := range env {
		args = append(args, "-e", e)
	}
	t.tmux(append(args, "sh")...)
	tb.Cleanup(func() { t.tmux("kill-server") })
	// Split, so that what is typed is not taken for the prompt.
	t.typeText(`PS1='she''ll> '`).press("Enter").waitFor("shell>")
	return t
}

func (t *terminal) tmux(args ...string) string {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-S", t.socket}, args...)...)
	// tmux is to take the locale from here and not to know of a tmux around it.
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMUX=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.tb.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// screen is what the terminal shows, after a look that it fits.
func (t *terminal) screen() string {
	t.tb.Helper()
	s := t.tmux("capture-pane", "-p")
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	if len(lines) > t.height {
		t.tb.Fatalf("%d lines on a screen of %d", len(lines), t.height)
	}
	for _, l := range lines {
		if w := ansi.StringWidth(l); w > t.width {
			t.tb.Fatalf("%d columns on a screen of %d: %q", w, t.width, l)
		}
	}
	return s
}

// waitFor waits until the screen shows all of the texts.
func (t *terminal) waitFor(texts ...string) string {
	t.tb.Helper()
	return t.until(fmt.Sprintf("%q", texts), func(s string) bool {
		for _, text := range texts {
			if !strings.Contains(s, text) {
				return false
			}
		}
		return true
	})
}

// until polls the screen. There is nothing to be woken by: tmux cannot tell
// when a program has drawn.
func (t *terminal) until(what string, ok func(screen string) bool) string {
	t.tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(t.patience)
	for {
		s := t.screen()
		if ok(s) {
			return s
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.tb.Fatalf("the screen never showed %s:\n%s", what, s)
		}
	}
}

// press sends keys as tmux names them.
func (t *terminal) press(keys ...string) *terminal {
	t.tb.Helper()
	t.tmux(append([]string{"send-keys"}, keys...)...)
	return t
}

// typeText sends text as it is.
func (t *terminal) typeText(s string) *terminal {
	t.tb.Helper()
	t.tmux("send-keys", "-l", s)
	return t
}

func (t *terminal) resize(width, height int) {
	t.tb.Helper()
	// The screen may have either size until the window has changed.
	t.width, t.height = max(t.width, width), max(t.height, height)
	t.tmux("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
	t.width, t.height = width, height
}

// binary builds scxdiag.
func binary(tb testing.TB) string {
	tb.Helper()
	path, err := program()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// programDir is where the program is built, once for all tests.
var programDir string

var program = sync.OnceValues(func() (path string, err error) {
	if programDir, err = os.MkdirTemp("", "scxdiag"); err != nil {
		return "", err
	}
	path = filepath.Join(programDir, "scxdiag")
	cmd := exec.Command("go", "build", "-o", path, "../cmd/scxdiag")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if programDir != "" {
		_ = os.RemoveAll(programDir) // it is in the temporary folder
	}
	os.Exit(code)
}

// realDump is the path of a dump of testdata.
func realDump(tb testing.TB, name string) string {
	tb.Helper()
	path, err := filepath.Abs(filepath.Join("..", "testdata", "dumps", name))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		tb.Fatal(err)
	}
	return path
}

const (
	rtHog = "7.3-scx_mitosis-head-cell-rt-hog.log"
	sysRq = "7.3-scx_qmap-sysrq-D.log"
)

// TestTmux drives the real program in a real terminal through all views. Each
// key waits for something that the screen before did not have: an escape that
// arrives together with the next key is another key.
func TestTmux(t *testing.T) {
	scxdiag := binary(t)
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			term := newTerminal(t, size[0], size[1])
			term.typeText("cd " + filepath.Dir(realDump(t, rtHog)) + "; " + scxdiag + " open " + rtHog + "; echo status=$?").press("Enter")
			term.waitFor("[1 Triage]", "FAILED ERROR_STALL", "rt_hog[259], class rt, holds CPU 1", "q quit")
			term.press("3").waitFor("[3 CPUs]", "! rt", "rt_hog[259]")
			term.press("Enter").waitFor("class rt, above sched_ext", "ksync")
			term.press("T").waitFor("tasks of CPU 1, by wait", "websrv[228]", "ksoftirqd/1[25]")
			term.press("Escape").waitFor("class rt, above sched_ext", "ksync")
			term.press("4").waitFor("[4 Tasks]", "by wait", ">  35.652s")
			term.press("/").waitFor("filter:")
			term.typeText("dbsrv").waitFor("filter: dbsrv", "with dbsrv")
			term.press("Enter").waitFor("with dbsrv", "q quit")
			term.press("Escape").until("no filter", func(s string) bool { return !strings.Contains(s, "with dbsrv") })
			term.press("s").waitFor("by task")
			term.press("s", "s", "S").waitFor("by st ↓")
			term.press("/").typeText("websrv[228]").press("Enter").waitFor("1 of ")
			term.press("Enter").waitFor("Task websrv[228]", "waits", "35.652s")
			term.press("r").waitFor("[9 Raw]", "  R websrv[228] *root -35652ms", "> ")
			term.press("/").typeText("rt_sched").waitFor("search: rt_sched")
			term.press("Enter").waitFor("curr=rt_hog[259] class=rt_sched_class", "q quit")
			term.press("2").waitFor("[2 Cells]", "3 cells, by cell")
			term.press("?").waitFor("Cells", "esc close")
			term.press("Escape").waitFor("[2 Cells]", "enter open")
			resizeInTheRun(term, size)
			term.press("q").waitFor("shell>", "status=0")
			term.until("no trace of the program", func(s string) bool { return !strings.Contains(s, "[2 Cells]") })
		})
	}
}

// resizeInTheRun makes the terminal other sizes, one of them too small.
func resizeInTheRun(term *terminal, size [2]int) {
	for _, to := range [][2]int{{200, 60}, {60, 15}, {40, 10}, {100, 30}, size} {
		term.resize(to[0], to[1])
		switch {
		case to[0] < minWidth:
			term.waitFor("scxdiag needs 60x15")
		default:
			term.until("the whole screen", func(s string) bool {
				lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
				return len(lines) == to[1] && strings.Contains(s, "[2 Cells]") && strings.Contains(lines[to[1]-1], "q quit")
			})
		}
	}
}

// TestTmuxWithoutColour looks that NO_COLOR is heard, and that several
// snapshots of several files are one session.
func TestTmuxWithoutColour(t *testing.T) {
	scxdiag := binary(t)
	for _, env := range []string{"NO_COLOR=1", "NO_COLOR="} {
		t.Run(env, func(t *testing.T) {
			term := newTerminal(t, 80, 24, env)
			term.typeText(scxdiag + " open " + realDump(t, rtHog) + " " + realDump(t, sysRq)).press("Enter")
			term.waitFor("[1 Triage]", "1/")
			term.press("]").waitFor("2/", "qmap")
			term.press("L").waitFor("snapshots", "mitosis", "qmap", "RUNNING (SysRq-D)")
			term.press("Up", "Enter").waitFor("1/", "mitosis", "[1 Triage]")
			styled := strings.Contains(term.tmux("capture-pane", "-p", "-e"), "\x1b[")
			if styled != (env == "NO_COLOR=") {
				t.Errorf("with %s the screen has styles: %v", env, styled)
			}
			term.press("C-c").waitFor("shell>")
		})
	}
}

// TestTmuxReadsADumpFromAPipe looks that the keyboard works while standard
// input is the dump.
func TestTmuxReadsADumpFromAPipe(t *testing.T) {
	scxdiag := binary(t)
	term := newTerminal(t, 80, 24)
	term.typeText("cat " + realDump(t, sysRq) + " | " + scxdiag + " open -; echo status=$?").press("Enter")
	term.waitFor("[1 Triage]", "qmap", "RUNNING")
	term.press("4").waitFor("[4 Tasks]")
	term.press("q").waitFor("shell>", "status=0")
}

// TestTmuxCopies looks that what is copied comes to the clipboard of the terminal.
func TestTmuxCopies(t *testing.T) {
	scxdiag := binary(t)
	term := newTerminal(t, 80, 24)
	term.tmux("set-option", "-s", "set-clipboard", "on")
	term.typeText("cd " + t.TempDir() + "; " + scxdiag + " open " + realDump(t, rtHog)).press("Enter")
	term.waitFor("[1 Triage]")
	term.press("4").waitFor("[4 Tasks]")
	term.press("y").waitFor("Copied task websrv[228]")
	term.clipboardHas("Task websrv[228]\nwaits           for 35.652s")
	term.press("Y").waitFor("Copied the text of an issue")
	term.clipboardHas("**`rt_hog[259]`, class rt, holds CPU 1")
	term.press("w").waitFor("write to: scxdiag-mitosis-")
	term.press("Enter").waitFor("Written to scxdiag-mitosis-")
	term.press("w", "Enter").waitFor("file exists")
	term.press("w", "C-u").typeText("kept.scxdiag").press("Enter").waitFor("Written to kept.scxdiag")
	term.press("q").waitFor("shell>")
	term.typeText(scxdiag + " open --format text kept.scxdiag | head -n 3").press("Enter").waitFor("sched_ext scheduler mitosis failed")
}

// clipboardHas waits for text to come to the clipboard: it may be after what the
// screen says.
func (t *terminal) clipboardHas(text string) {
	t.tb.Helper()
	var got string
	for deadline := time.Now().Add(t.patience); time.Now().Before(deadline); {
		if got = t.tmux("show-buffer"); strings.Contains(got, text) {
			return
		}
	}
	t.tb.Fatalf("the clipboard has %q, not %q", got, text)
}

// TestTmuxTour goes through every view of a session of several snapshots, with the
// timeline, the mark, the columns, the palette and the mouse.
func TestTmuxTour(t *testing.T) {
	scxdiag := binary(t)
	for _, size := range frameSizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			term := newTerminal(t, size[0], size[1])
			term.typeText(scxdiag + " open " + realDump(t, rtHog) + " " + realDump(t, sysRq) + "; echo status=$?").press("Enter")
			term.waitFor("[1", "FAILED ERROR_STALL", "rt_hog[259], class rt, holds CPU 1", "✗")
			for _, view := range []struct {
				key  string
				want []string
			}{
				{"2", []string{"3 cells, by cell"}},
				{"3", []string{"4 CPUs, 1 stalled", "CPU 1  cell 1"}},
				{"v", []string{"4 CPUs", "nr_run"}},
				{"v", []string{"1 stalled"}},
				{"4", []string{"13 tasks", "websrv[228]"}},
				{"5", []string{"DSQs", "cell 1 (0x20010000)"}},
				{"6", []string{"cell 0", "websrv[228]"}},
				{"7", []string{"no history of the scheduler"}},
				{"8", []string{"counters, by value"}},
				{"9", []string{"lines "}},
			} {
				term.press(view.key).waitFor(append(view.want, "q quit")...)
			}
			term.press("4").waitFor("13 tasks")
			term.press("/").typeText("cell:1 wait>1s").waitFor("3 of 13 tasks with cell:1 wait>1s")
			term.press("Enter").waitFor("q quit")
			term.press("Escape").waitFor("13 tasks, by wait")
			term.press("c").waitFor("Columns of the tasks")
			term.press("Down", "Down", "Down", "s").waitFor("sorted")
			term.press("Escape").waitFor("by st")
			term.press("d").waitFor("(")
			term.press("}").waitFor("2/")
			term.press(">").waitFor("qmap", "Δ to 1")
			term.press("<").waitFor("mitosis")
			term.press("d").waitFor("13 tasks, by st")
			term.press("t").typeText("#2").press("Enter").waitFor("2/")
			term.press("[").waitFor("1/")
			term.press(":").typeText("task 228").waitFor("task websrv[228]")
			term.press("Enter").waitFor("Task websrv[228]", "35.652s")
			term.press("r").waitFor("R websrv[228] *root -35652ms")
			// A click on the first view, as a terminal reports it.
			term.tmux("send-keys", "-H", "1b", "5b", "3c", "30", "3b", "32", "3b", "32", "4d")
			term.waitFor("[1", "rt_hog[259], class rt, holds CPU 1")
			term.resize(60, 15)
			term.waitFor("[1", "q quit")
			term.resize(size[0], size[1])
			term.waitFor("[1", "q quit")
			term.press(":").typeText("quit").press("Enter").waitFor("shell>", "status=0")
			isClean(t, term)
		})
	}
}
