// SPDX-License-Identifier: GPL-2.0-only

package actions

import (
	"path"
	"regexp"
	"strings"
)

// numbered is a name in an archive of logs, behind the number that it is sorted by.
var numbered = regexp.MustCompile(`^\d+_(.+)$`)

// Step reads from the name of a log which job and which of its steps it is of, ""
// for what it does not tell. An archive of logs has a file "0_JOB.txt" for each job,
// and a folder for each with a file "7_STEP.txt" for each step.
func Step(name string) (job, step string) {
	if i := strings.LastIndex(name, "!/"); i >= 0 {
		name = name[i+len("!/"):]
	}
	dir, file := path.Split(name)
	file, is := strings.CutSuffix(file, ".txt")
	m := numbered.FindStringSubmatch(file)
	switch {
	case !is:
		return "", ""
	case dir == "" && m != nil:
		return m[1], ""
	case m == nil:
		return file, "" // the log of a job that was asked for
	}
	job = path.Base(dir)
	if m := numbered.FindStringSubmatch(job); m != nil {
		job = m[1]
	}
	return job, m[1]
}
