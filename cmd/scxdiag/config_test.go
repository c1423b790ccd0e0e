// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"scxdiag/tui"
)

// TestTheConfigurationOfTheReadmeIsOne reads it as the program does.
func TestTheConfigurationOfTheReadmeIsOne(t *testing.T) {
	blocks := regexp.MustCompile("(?s)\n```toml\n(.*?)\n```\n").FindAllStringSubmatch(readProjectFile(t, "README.md"), -1)
	if len(blocks) != 1 {
		t.Fatalf("%d configurations", len(blocks))
	}
	if _, err := tui.ParseConfig("README.md", strings.NewReader(blocks[0][1])); err != nil {
		t.Error(err)
	}
	// All colours are there: the error names those that there are.
	_, err := tui.ParseConfig("", strings.NewReader("[colors]\nx = 1"))
	if err == nil {
		t.Fatal("a colour x is taken")
	}
	_, names, _ := strings.Cut(err.Error(), "there are ")
	for _, name := range strings.FieldsFunc(strings.ReplaceAll(names, " and ", ","), func(r rune) bool { return r == ',' || r == ' ' }) {
		if !strings.Contains(blocks[0][1], "\n"+name+" = ") {
			t.Errorf("the README lacks the color %s", name)
		}
	}
}

func TestWhereTheConfigurationIs(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	for xdg, want := range map[string]string{"": dir + "/.config", "relative": dir + "/.config", "/x": "/x"} {
		t.Setenv("XDG_CONFIG_HOME", xdg)
		if got := configFile(); got != filepath.Join(want, "scxdiag", "config.toml") {
			t.Errorf("XDG_CONFIG_HOME=%s: %s", xdg, got)
		}
	}
	if _, err := readConfig(); err != nil {
		t.Errorf("without a configuration: %v", err)
	}
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("HOME", "")
	if _, err := readConfig(); err != nil {
		t.Errorf("without a home: %v", err)
	}
}

func TestAConfigurationThatIsNoFileIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	name := filepath.Join(dir, "scxdiag", "config.toml")
	if err := os.Mkdir(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a pipe: %v", err)
	}
}
