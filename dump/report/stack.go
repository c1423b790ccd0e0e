// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"slices"
	"strings"

	"scxdiag/dump"
)

// errorPath are the functions of the kernel through which every error goes.
var errorPath = []string{
	"scx_vexit", "__scx_exit", "scx_exit", "scx_kf_exit", "scx_exit_bstr", "scx_bpf_error_bstr",
	"scx_bpf_exit_bstr", "scx_ops_exit_kind", "scx_ops_error_kind",
}

// errorFrames is the number of frames at the top of a backtrace that say
// nothing of the error.
func errorFrames(backtrace []dump.Line) int {
	n := 0
	for n < len(backtrace) && slices.Contains(errorPath, function(backtrace[n])) {
		n++
	}
	return n
}

// function is the function of a frame: "worker_thread" of
// "worker_thread+0x1af/0x320".
func function(frame dump.Line) string {
	name, _, _ := strings.Cut(frame.Text, "+")
	return name
}

func printableLines(lines []dump.Line) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = dump.Printable(l.Text)
	}
	return out
}
