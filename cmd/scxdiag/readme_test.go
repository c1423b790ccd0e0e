// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
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
		if found, err := filepath.Glob(filepath.Join("..", "..", name)); err != nil || len(found) == 0 {
			t.Errorf("%s: %s is missing: %v", line, name, err)
		}
	}
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
