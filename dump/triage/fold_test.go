// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"slices"
	"testing"

	"scxdiag/dump"
)

// What follows from a consequence stands under the cause, with its victims.
func TestFoldTwice(t *testing.T) {
	of := func(r *Rule, tasks ...*dump.Task) *finding {
		f := finds(dump.SeverityError, dump.ConfidenceHigh, "x").hurts(tasks...)
		f.Rule, f.rule = r.Name, r
		return f
	}
	kept := fold([]*finding{of(&gpParity), of(&configPending), of(&cellLeak, &dump.Task{TaskRef: dump.TaskRef{PID: 7}})})
	if len(kept) != 1 || !slices.Equal(kept[0].Follows, []string{"cfg-pending", "cell-leak"}) || !slices.Equal(kept[0].Victims, []string{"task:7"}) {
		t.Errorf("kept %d: follows %v, victims %v", len(kept), kept[0].Follows, kept[0].Victims)
	}
}
