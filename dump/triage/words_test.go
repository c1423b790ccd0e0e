// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"regexp"
	"strings"
	"testing"
)

// What findings say of the real dumps is in whole sentences, and one or several of a
// thing in the words for that.
func TestSentences(t *testing.T) {
	broken := regexp.MustCompile(`: \.|\bCPU \d+[-,]\d|\bCPUs \d+ |\b1 tasks|\b1 (?:task|worker)[^.,;:]* wait\b|\b1 task waits[^.]*oldest|%!| $|  `)
	for name, log := range realLogs(t, "*") {
		for _, s := range snapshotsOf(t, log) {
			for _, f := range s.Findings {
				for _, words := range []string{f.Title, f.Explanation, f.Next} {
					if s.Exit != nil && s.Exit.Message.V != "" {
						words = strings.ReplaceAll(words, s.Exit.Message.V, "what the kernel said")
					}
					if m := broken.FindString(words); m != "" {
						t.Errorf("%s: %s: %q in %q", name, f.Rule, m, words)
					}
				}
			}
		}
	}
}
