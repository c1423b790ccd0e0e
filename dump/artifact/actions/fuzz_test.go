// SPDX-License-Identifier: GPL-2.0-only

package actions_test

import (
	"strings"
	"testing"

	"scxdiag/dump/artifact/actions"
)

// FuzzNames takes anything for the name of a run, and of a log.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{
		"corp/sched#12", "https://github.com/corp/sched.ext/actions/runs/12/attempts/2/job/3?pr=1#step:2:3", "https://[::1]:80/a/b/actions/runs/1",
		"corp/sched#12!/logs.zip!/0_build.txt", "a!/build (1, x)/7_Run tests.txt", "12_job/3_step.txt", "/_.txt", "../1_..txt",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if r, ok := actions.ParseRun(name); ok {
			if r.ID <= 0 || r.Attempt < 0 || r.Job < 0 || r.Owner == "" || r.Repo == "" || strings.ContainsAny(r.Owner+r.Repo, "/\\%?#\n") || strings.ContainsAny(r.Host, "/@") {
				t.Errorf("%q is read as %+v", name, r)
			}
			if r.Host == "" && r.Attempt == 0 && r.Job == 0 {
				if again, ok := actions.ParseRun(r.String()); !ok || again != r {
					t.Errorf("%q, written as %q, is read as %+v", name, r, again)
				}
			}
		}
		job, step := actions.Step(name)
		if !strings.Contains(name, job) || !strings.Contains(name, step) || job == "" && step != "" {
			t.Errorf("%q is of job %q and step %q", name, job, step)
		}
	})
}
