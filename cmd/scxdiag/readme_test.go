// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/dump/store"
	"scxdiag/dump/wire/wiretest"
)

// TestTheCommandsOfTheReadmeExist looks that every command line of the README's
// code blocks, and of the help texts, is one that the program takes, that its
// files are in testdata if they are said to be, and that make knows the targets.
func TestTheCommandsOfTheReadmeExist(t *testing.T) {
	readme := readProjectFile(t, "README.md")
	blocks := regexp.MustCompile("(?s)\n```sh\n(.*?)\n```\n").FindAllStringSubmatch(readme, -1)
	var lines []string
	for _, b := range blocks {
		lines = append(lines, strings.Split(b[1], "\n")...)
	}
	for _, code := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(readme, -1) {
		lines = append(lines, code[1])
	}
	for _, c := range newRoot().Commands() {
		lines = append(lines, strings.Split(c.Example, "\n")...)
	}
	seen, targets := 0, 0
	for _, l := range lines {
		for _, c := range commandsOf(l) {
			switch {
			case c[0] == "scxdiag":
				seen++
				checkCommand(t, l, c[1:])
			case len(c) > 3 && slices.Equal(c[:3], []string{"go", "run", "./cmd/scxdiag"}):
				seen++
				checkCommand(t, l, c[3:])
			case c[0] == "make" && len(c) > 1:
				targets++
				makefile := readProjectFile(t, "Makefile")
				if !strings.Contains(makefile, "\n"+c[1]+":") {
					t.Errorf("%s: the Makefile has no such target", l)
				}
			}
		}
	}
	if seen < 15 || targets < 5 {
		t.Errorf("found only %d commands and %d make targets: does the test still understand the README?", seen, targets)
	}
}

// checkCommand looks that the program takes the arguments.
func checkCommand(t *testing.T, line string, args []string) {
	t.Helper()
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(args)
	if err != nil {
		t.Errorf("%s: %v", line, err)
		return
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: %v", line, err)
		return
	}
	if help, err := cmd.Flags().GetBool("help"); err == nil && help {
		return
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%s: %v", line, err)
	}
	for _, name := range cmd.Flags().Args() {
		if !strings.HasPrefix(name, "testdata/") {
			continue
		}
		name, _, _ = strings.Cut(name, "#") // the number of a snapshot
		if found, err := filepath.Glob(filepath.Join("..", "..", name)); err != nil || len(found) == 0 {
			t.Errorf("%s: %s is missing: %v", line, name, err)
		}
	}
}

// TestTheReadmeKeepsAndShares runs the commands of the README's section about
// recordings, but those that run a scheduler or never end, each with the files
// that it talks of.
func TestTheReadmeKeepsAndShares(t *testing.T) {
	_, section, found := strings.Cut(readProjectFile(t, "README.md"), "\n### Keep and share what was seen\n")
	section, _, ends := strings.Cut(section, "\n### ")
	if !found || !ends {
		t.Fatal("the README has no such section")
	}
	testdata, err := filepath.Abs(filepath.Join("..", "..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, b := range regexp.MustCompile("(?s)\n```sh\n(.*?)\n```\n").FindAllStringSubmatch(section, -1) {
		for line := range strings.Lines(b[1]) {
			for _, c := range commandsOf(strings.TrimSpace(line)) {
				if c[0] != "scxdiag" || c[1] == "live" || slices.Contains(c, "--follow") {
					continue
				}
				ran++
				t.Run(strings.Join(c, " "), func(t *testing.T) {
					crash := layOut(t, testdata)
					var stdout, stderr bytes.Buffer
					code := run(c[1:], bytes.NewReader(crash), &stdout, &stderr)
					if code != exitOK && (code != exitFailure || c[1] != "open") || stdout.Len() == 0 {
						t.Errorf("exit code %d, printed %d bytes: %s", code, stdout.Len(), stderr.String())
					}
				})
			}
		}
	}
	if ran < 20 {
		t.Errorf("ran only %d commands", ran)
	}
}

// TestTheUnitOfTheReadme has systemd look at the unit, and the program at the command in
// it. That it works with these rights is tested in a virtual machine.
func TestTheUnitOfTheReadme(t *testing.T) {
	m := regexp.MustCompile("(?s)\n```ini\n(.*?)\n```\n").FindStringSubmatch(readProjectFile(t, "README.md"))
	if m == nil {
		t.Fatal("the README has no unit")
	}
	unit, settings := m[1], make(map[string]string)
	for line := range strings.Lines(unit) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		settings[name] = value
	}
	command := strings.Fields(settings["ExecStart"])
	if len(command) < 2 {
		t.Fatalf("it starts %q", command)
	}
	checkCommand(t, settings["ExecStart"], command[1:])
	want := slices.Sorted(maps.Keys(serviceCaps))
	for _, name := range []string{"CapabilityBoundingSet", "AmbientCapabilities"} {
		if got := slices.Sorted(slices.Values(strings.Fields(settings[name]))); !slices.Equal(got, want) {
			t.Errorf("%s is %q, tested are %q", name, got, want)
		}
	}
	systemd, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not there")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "scxdiag.service")
	if err := os.WriteFile(path, []byte(strings.Replace(unit, command[0], self, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), systemd, "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// layOut goes to a new directory that has what the README's commands are about:
// a catalogue and some files. It returns one of the logs.
func layOut(t *testing.T, testdata string) []byte {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv(store.EnvPath, "catalogue.scxdiag")
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scxdiag := func(args ...string) {
		var stderr bytes.Buffer
		if code := run(args, nil, io.Discard, &stderr); code != exitOK {
			t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
		}
	}
	if err := os.Symlink(testdata, "testdata"); err != nil {
		t.Fatal(err)
	}
	crash := read("testdata/dumps/7.3-scx_mitosis-head-cell-rt-hog.log")
	for _, name := range []string{"crash.log", "before.log", "after.log"} {
		write(name, crash)
	}
	host := wiretest.Host
	host.Boot = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() // before every time that the README names
	write("night.records", records(host))
	scxdiag("import", "--record", "night.scxdiag", "night.records")
	scxdiag("import", "crash.log", "testdata/dumps/7.3-scx_mitosis-head-sysrq-D.log")
	if !strings.Contains(t.Name(), "export") {
		scxdiag("export", "--all", "-o", "stall.scxdiag")
		whole := read("stall.scxdiag")
		write("damaged.scxdiag", whole[:len(whole)/2])
	}
	return crash
}

func readProjectFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// commandsOf splits a line of shell into commands and those into words, as far
// as the README goes: quotes, and what stands between commands. A file after >
// counts as a command, too.
func commandsOf(line string) [][]string {
	var commands [][]string
	var words []string
	var word strings.Builder
	quote, inWord := byte(0), false
	endWord := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t':
			endWord()
		case strings.IndexByte("|;&<>()", c) >= 0:
			endCommand()
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	endCommand()
	return commands
}
