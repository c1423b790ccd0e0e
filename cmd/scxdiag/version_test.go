// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionText(t *testing.T) {
	system := " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	for name, tc := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"nothing recorded": {
			debug.BuildInfo{GoVersion: "go1.26.8"},
			"scxdiag (devel)\ngo1.26.8" + system,
		},
		"a release": {
			debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}},
			"scxdiag v1.2.3\ngo1.26.8" + system,
		},
		"a changed work tree": {
			debug.BuildInfo{
				GoVersion: "go1.26.8", Main: debug.Module{Version: "(devel)"},
				Settings: []debug.BuildSetting{
					{Key: "vcs.revision", Value: "1dd7bda"}, {Key: "vcs.time", Value: "2026-08-07T12:00:00Z"},
					{Key: "vcs.modified", Value: "true"},
				},
			},
			"scxdiag (devel)\ncommit 1dd7bda of 2026-08-07T12:00:00Z, with local changes\ngo1.26.8" + system,
		},
	} {
		if got := versionText(&tc.info); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
