// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What findings say of the real dumps is in whole sentences, and one or several of a
// thing in the words for that.
func TestSentences(t *testing.T) {
	broken := regexp.MustCompile(`: \.|\bCPU \d+[-,]\d|\bCPUs \d+ |\b1 tasks|\b1 (?:task|worker)[^.,;:]* wait\b|\b1 task waits[^.]*oldest|%!| $|  `)
	files, err := filepath.Glob("../../testdata/*/*.log")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		log, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range snapshotsOf(t, log) {
			for _, f := range s.Findings {
				for _, words := range []string{f.Title, f.Explanation, f.Next} {
					if s.Exit != nil && s.Exit.Message.V != "" {
						words = strings.ReplaceAll(words, s.Exit.Message.V, "what the kernel said")
					}
					if m := broken.FindString(words); m != "" {
						t.Errorf("%s: %s: %q in %q", filepath.Base(file), f.Rule, m, words)
					}
				}
			}
		}
	}
}
