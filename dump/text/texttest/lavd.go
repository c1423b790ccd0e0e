// SPDX-License-Identifier: GPL-2.0-only

package texttest

import "scxdiag/dump"

// lavdTask prints the lines of scx_lavd: the fields that the model has as those
// of the scheduler, in their order, three blanks apart.
func (r *renderer) lavdTask(o *opsText, t *dump.Task) {
	bullet := `  \_ `
	if r.Format == LavdFirst {
		bullet = "  + "
	}
	for i := range t.Scheduler {
		kv := &t.Scheduler[i]
		marks := at(&kv.At)
		if kv.Key == "cgroup" {
			marks = append(marks, &t.CgroupName.At, &t.CgroupID.At)
		}
		switch {
		case i == 0:
			o.print(nil, "%s", bullet)
		case kv.Key == "cpdom_id" || kv.Key == "ddsp_dsq_id":
			o.print(nil, "\n")
			o.print(nil, "%s", bullet)
		default:
			o.print(nil, "   ")
		}
		o.print(marks, "%s: %s", kv.Key, kv.Value)
	}
	if len(t.Scheduler) > 0 {
		o.print(nil, "\n")
	}
}
