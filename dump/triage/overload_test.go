// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"os"
	"strings"
	"testing"
)

// What a dump is cut off after is no number of what there was.
func TestOverloadOfPart(t *testing.T) {
	log, err := os.ReadFile("../../testdata/dumps/7.3-scx_qmap-many500-err-trunc.log")
	if err != nil {
		t.Fatal(err)
	}
	f := find(snapshotsOf(t, log)[0], "overload")
	if f == nil || !strings.HasPrefix(f.Title, "overload: at least 98 tasks wait, ") || !strings.Contains(f.Explanation, "cut off after them") {
		t.Errorf("got %+v", f)
	}
	whole := stall(all(crowdOn(0, 20, "0x9"), crowdOn(1, 20, "0x9"), crowdOn(2, 20, "0x9"), crowdOn(3, 20, "0x9"))...)
	whole.cpus[0].tasks = append(whole.cpus[0].tasks, web(genTask{dsq: "0x9"}))
	f = find(triaged(t, whole.String()), "overload")
	if f == nil || !strings.HasPrefix(f.Title, "overload: 81 tasks wait, ") || strings.Contains(f.Explanation, "cut off") {
		t.Errorf("of all: got %+v", f)
	}
}
