// SPDX-License-Identifier: GPL-2.0-only

package actions

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Run names a run of a workflow.
type Run struct {
	Host        string // "" for that of the gh command
	Owner, Repo string
	ID          int64
	Attempt     int64 // from 1; 0 for the last one
	Job         int64 // 0 for all jobs, and the artifacts
}

// String is the short name of a run, "OWNER/REPO#ID".
func (r Run) String() string { return fmt.Sprintf("%s/%s#%d", r.Owner, r.Repo, r.ID) }

// api is the address of something of the repository, below that of the API.
func (r Run) api(format string, args ...any) string {
	return fmt.Sprintf("repos/%s/%s/actions/", url.PathEscape(r.Owner), url.PathEscape(r.Repo)) + fmt.Sprintf(format, args...)
}

var (
	shortName = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9-]*)/([A-Za-z0-9._-]+)#(\d+)$`)
	runPath   = regexp.MustCompile(`^/([A-Za-z0-9][A-Za-z0-9-]*)/([A-Za-z0-9._-]+)/actions/runs/(\d+)(?:/attempts/(\d+))?(?:/job/(\d+))?/?$`)
)

// ParseRun reads the name of a run: the address of its page in a browser, or
// "OWNER/REPO#ID". It reports false if name is neither.
func ParseRun(name string) (Run, bool) {
	if m := shortName.FindStringSubmatch(name); m != nil {
		r := Run{Owner: m[1], Repo: m[2]}
		return r, number(m[3], &r.ID) && r.ID > 0 && isRepo(r.Repo)
	}
	if !IsAddress(name) {
		return Run{}, false
	}
	u, err := url.Parse(name)
	if err != nil || u.Host == "" || u.User != nil {
		return Run{}, false
	}
	m := runPath.FindStringSubmatch(u.Path)
	if m == nil {
		return Run{}, false
	}
	r := Run{Host: strings.ToLower(u.Host), Owner: m[1], Repo: m[2]}
	ok := number(m[3], &r.ID) && number(m[4], &r.Attempt) && number(m[5], &r.Job)
	return r, ok && r.ID > 0 && isRepo(r.Repo)
}

// IsAddress reports whether a name is the address of a page, and so of no file.
func IsAddress(name string) bool {
	return strings.HasPrefix(name, "https://")
}

// isRepo reports whether a repository can be named so.
func isRepo(name string) bool { return name != "." && name != ".." }

// number reads a number of an address, 0 if it is not there.
func number(digits string, n *int64) bool {
	if digits == "" {
		return true
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	*n = v
	return err == nil
}
