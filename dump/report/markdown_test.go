// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/dumptest"
	"scxdiag/dump/triage"
)

// TestMarkdownFitsIntoAnIssue is about documents that would be longer than an
// issue may be.
func TestMarkdownFitsIntoAnIssue(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "dumps", "*.log"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dumps: %v", err)
	}
	var all []*dump.Snapshot
	for _, path := range paths {
		for _, s := range readDump(t, path) {
			triage.Apply(s, nil)
			all = append(all, s)
		}
	}
	monster := cellRTHog()
	monster.Exit.Message = dump.Of(strings.Repeat("long ", 1e5))
	for i := range 3000 {
		monster.Findings = append(monster.Findings, dump.Finding{
			Title: fmt.Sprint("finding ", i), Explanation: strings.Repeat("a b `c` ", 2000),
			Evidence: make([]dump.Evidence, 500), Victims: make([]string, 10000),
		})
		monster.Exit.Backtrace = append(monster.Exit.Backtrace, dump.Line{Text: strings.Repeat("frame", 1000)})
		monster.Ledger.Notes = append(monster.Ledger.Notes, strings.Repeat("note", 1000))
	}
	for name, snapshots := range map[string][]*dump.Snapshot{
		"every real dump": append(append(all, all...), all...),
		"monsters":        {monster, monster, monster},
		"ticks":           {dumptest.Filled(strings.Repeat("`", 1e4))},
		"one":             {cellRTHog()},
	} {
		for _, total := range []int{0, len(snapshots)} {
			doc := string(render(t, "md", Options{Total: total}, snapshots...))
			if len(doc) > 65000 {
				t.Errorf("%s: %d bytes", name, len(doc))
			}
			withoutCode(t, doc)
			shown := strings.Count(doc, "### sched_ext scheduler")
			if m := regexp.MustCompile(`(\d+) more snapshots? left out`).FindStringSubmatch(doc); m != nil {
				left, err := strconv.Atoi(m[1])
				if err != nil {
					t.Fatal(err)
				}
				shown += left
			}
			if shown != len(snapshots) || !strings.HasPrefix(doc, "### ") && !strings.HasPrefix(doc, "**snapshot 1 of") {
				t.Errorf("%s: %d of %d snapshots are shown or said to be left out:\n%.200s", name, shown, len(snapshots), doc)
			}
		}
	}
}
