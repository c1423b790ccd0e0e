// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"

	"scxdiag/dump"
)

// kind is the shape of a line.
type kind uint8

const (
	kindOther     kind = iota // free text: a scheduler's, or not of the dump
	kindBlank                 //
	kindSchedID               // "qmap: root", 7.1 and up
	kindTrigger               // "kworker/u8:2[311] triggered exit kind 1026:"
	kindSysRq                 // "Debug dump triggered by SysRq-D"
	kindBacktrace             // "Backtrace:"
	kindSymbol                // "scx_watchdog_workfn+0x150/0x1d0"
	kindCPUStates             // "CPU states"
	kindUnderline             // dashes
	kindCPU                   // "CPU 0   : nr_run=2 …"
	kindRescue                // "rescue=0 budget=0us …"
	kindCurr                  // "curr=stress[900] class=ext_sched_class"
	kindKick                  // "cpus_to_kick   : 2"
	kindTask                  // " *R stress[900] -12ms"
	kindState                 // "scx_state/flags=…"
	kindSticky                // "sticky/holding_cpu=…"
	kindVTime                 // "dsq_vtime=…"
	kindCPUs                  // "cpus=f no_mig=0"
	kindEvents                // "Event counters"
	kindEvent                 // "SCX_EV_…: 12"
	kindTruncated             // "~~~~ TRUNCATED ~~~~"
	kindBanner                // "DEBUG DUMP"
	kindRule                  // 80 '='
	kindExit                  // "EXIT: …", "Error: EXIT: …"
	kindSchedExt              // "sched_ext: …", the kernel log
	kindElision               // "...", somebody left lines out
	kindFence                 // a code fence
	kindLinux                 // "Linux version …"
	kinds                     // how many there are
)

// kindSet is a set of kinds, a bit for each.
type kindSet uint32

const (
	dumpKinds kindSet = 1<<kindTrigger | 1<<kindSysRq | 1<<kindCPU | 1<<kindRescue | 1<<kindCurr | 1<<kindKick | 1<<kindTask |
		1<<kindState | 1<<kindSticky | 1<<kindVTime | 1<<kindCPUs | 1<<kindEvent | 1<<kindTruncated | 1<<kindEvents |
		1<<kindCPUStates | 1<<kindBacktrace
	anchorKinds kindSet = 1<<kindTrigger | 1<<kindSysRq | 1<<kindCPU | 1<<kindState | 1<<kindEvent
	titleKinds  kindSet = 1<<kindSysRq | 1<<kindBacktrace | 1<<kindCPUStates | 1<<kindCPU | 1<<kindEvents
)

func (s kindSet) has(k kind) bool { return s>>k&1 != 0 }

// isDump reports whether lines of the kind stand in no other text than a dump.
func (k kind) isDump() bool { return dumpKinds.has(k) }

// isFrame reports whether lines of the kind belong to a dump where they stand
// near to one.
func (k kind) isFrame() bool { return k == kindSymbol || k == kindElision }

// isAnchor reports whether a line of the kind is reason enough to begin a
// region.
func (k kind) isAnchor() bool { return anchorKinds.has(k) }

// isTitle reports whether lines of the kind start in the first column, so that
// they show how far a paste was indented.
func (k kind) isTitle() bool { return titleKinds.has(k) }

const (
	triggerWords  = "] triggered exit kind "
	sysRqWords    = "Debug dump triggered by "
	backtraceWord = "Backtrace:"
)

// classify tells the shape of a line whose carrier and trailing blanks are
// removed. It looks at words, not at columns: pastes shift those.
func classify(p []byte) kind {
	q := trimBlanks(p)
	if len(q) == 0 {
		return kindBlank
	}
	switch q[0] {
	case 's':
		switch {
		case hasPrefix(q, "scx_state/flags="):
			return kindState
		case hasPrefix(q, "sticky/holding_cpu="):
			return kindSticky
		case hasPrefix(q, "sched_ext: "):
			return kindSchedExt
		}
	case 'd':
		if hasPrefix(q, "dsq_vtime=") {
			return kindVTime
		}
	case 'c':
		switch {
		case hasPrefix(q, "cpus="):
			return kindCPUs
		case hasPrefix(q, "curr="):
			return kindCurr
		case hasPrefix(q, "cpus_to_"):
			return kindKick
		}
	case 'i':
		if hasPrefix(q, "idle_to_kick") {
			return kindKick
		}
	case 'r':
		if hasPrefix(q, "rescue=") {
			return kindRescue
		}
	case 'C':
		switch {
		case hasPrefix(q, "CPU:") && hasSuffix(q, " EVENTS]"): // "CPU:3 [LOST 12 EVENTS]"
			return kindElision
		case string(q) == "CPU states":
			return kindCPUStates
		case isCPUHeader(q):
			return kindCPU
		}
	case 'P', 'U', ' ':
		// the first character was lost
		if hasPrefix(q, "PU ") && bytes.Contains(q, []byte(": nr_run=")) {
			return kindCPU
		}
	case 'S':
		if hasPrefix(q, "SCX_EV_") {
			return kindEvent
		}
	case 'B', 'a':
		if string(q) == backtraceWord || string(q) == "acktrace:" { // the first character may be lost
			return kindBacktrace
		}
	case 'E':
		switch {
		case string(q) == "Event counters":
			return kindEvents
		case isExit(q):
			return kindExit
		}
	case 'D':
		switch {
		case hasPrefix(q, sysRqWords):
			return kindSysRq
		case string(q) == "DEBUG DUMP":
			return kindBanner
		}
	case 'L':
		if hasPrefix(q, "Linux version ") {
			return kindLinux
		}
	case '-':
		if len(q) >= 8 && all(q, '-') {
			return kindUnderline
		}
	case '~':
		if hasPrefix(q, "~~~~ TRUNCATED") {
			return kindTruncated
		}
	case '=':
		if len(q) >= 16 && all(q, '=') {
			return kindRule
		}
	case '`':
		if hasPrefix(q, "```") {
			return kindFence
		}
	case '.', '[', '<', '(', "…"[0]:
		if isElision(q) {
			return kindElision
		}
	}
	switch last := q[len(q)-1]; {
	case startsTask(q) && isTaskHeader(q):
		return kindTask
	case (isHex(last) || last == ']') && isSymbol(q):
		return kindSymbol
	case isTrigger(q):
		return kindTrigger
	case isSchedID(q):
		return kindSchedID
	}
	return kindOther
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return c-'0' < 10 }

func hasPrefix(b []byte, p string) bool { return len(b) >= len(p) && string(b[:len(p)]) == p }

func hasSuffix(b []byte, p string) bool { return len(b) >= len(p) && string(b[len(b)-len(p):]) == p }

func all(b []byte, c byte) bool {
	for _, x := range b {
		if x != c {
			return false
		}
	}
	return true
}

// isCPUHeader matches "CPU 12  : nr_run=".
func isCPUHeader(q []byte) bool {
	if !hasPrefix(q, "CPU") {
		return false
	}
	i := 3
	for i < len(q) && isBlank(q[i]) {
		i++
	}
	digits := i
	for i < len(q) && isDigit(q[i]) {
		i++
	}
	if i == digits || i == len(q) {
		return false
	}
	for i < len(q) && isBlank(q[i]) {
		i++
	}
	return i < len(q) && q[i] == ':' && hasPrefix(bytes.TrimLeft(q[i+1:], " \t"), "nr_run=")
}

// isTaskHeader matches "*R comm[12] -4ms" and "R comm[12] *root +0ms", with or
// without further fields behind.
func isTaskHeader(q []byte) bool {
	q = trimFields(q)
	n := len(q)
	if n < 9 || q[n-1] != 's' || q[n-2] != 'm' || !startsTask(q) {
		return false
	}
	i := n - 3
	for i > 0 && isDigit(q[i]) {
		i--
	}
	return i < n-3 && (q[i] == '-' || q[i] == '+') && i > 0 && isBlank(q[i-1])
}

// trimFields is q without the "key=value" fields at its end.
func trimFields(q []byte) []byte {
	for {
		i := bytes.LastIndexByte(q, ' ')
		if i < 0 || bytes.IndexByte(q[i:], '=') < 0 {
			return q
		}
		q = bytes.TrimRight(q[:i], " \t")
	}
}

// startsTask matches the marker and the state letter of a task header.
func startsTask(q []byte) bool {
	if len(q) > 0 && q[0] == '*' {
		q = q[1:]
	}
	return len(q) > 2 && isState(q[0]) && isBlank(q[1])
}

// isState matches the letters of task states.
func isState(c byte) bool {
	switch c {
	case 'R', 'S', 'D', 'T', 't', 'X', 'Z', 'P', 'I':
		return true
	}
	return false
}

func isLetter(c byte) bool { return c|0x20-'a' < 26 }

// isSymbol matches "name+0x1a/0x20", with or without " [module]", and a raw
// address.
func isSymbol(q []byte) bool {
	if isPlainSymbol(q) { // most are of no module
		return true
	}
	if hasPrefix(q, "0x") && len(q) > 2 {
		return len(hexRun(q[2:])) == len(q)-2
	}
	plus := bytes.IndexByte(q, '+')
	if plus < 1 || !hasPrefix(q[plus:], "+0x") || bytes.IndexByte(q[:plus], ' ') >= 0 {
		return false
	}
	rest := q[plus+3:]
	run := hexRun(rest)
	rest = rest[len(run):]
	if len(run) == 0 || !hasPrefix(rest, "/0x") {
		return false
	}
	rest = rest[3:]
	run = hexRun(rest)
	rest = rest[len(run):]
	if len(run) == 0 {
		return false
	}
	return len(rest) == 0 || hasPrefix(rest, " [") && rest[len(rest)-1] == ']'
}

// isPlainSymbol matches "name+0x1a/0x20", the name without '='.
func isPlainSymbol(q []byte) bool {
	i := 0
	for i < len(q) && q[i] != '+' && q[i] != ' ' && q[i] != '=' {
		i++
	}
	if i == 0 {
		return false
	}
	_, s := scanner{rest: q[i:]}.lit("+0x").hex()
	_, s = s.lit("/0x").hex()
	return s.whole()
}

// hexRun is the hexadecimal digits that b starts with.
func hexRun(b []byte) []byte {
	for i, c := range b {
		if !isHex(c) {
			return b[:i]
		}
	}
	return b
}

func isHex(c byte) bool { return isDigit(c) || c|0x20-'a' < 6 }

// isSchedID matches "name: root" and "name: sub1-28 /path".
func isSchedID(q []byte) bool {
	i := 0
	for i < len(q) && i < 128 && (isLetter(q[i]) || isDigit(q[i]) || q[i] == '_' || q[i] == '.') {
		i++
	}
	if i == 0 || !hasPrefix(q[i:], ": ") {
		return false
	}
	rest := q[i+2:]
	if string(rest) == "root" {
		return true
	}
	if !hasPrefix(rest, "sub") {
		return false
	}
	level, rest, ok := bytes.Cut(rest[3:], []byte("-"))
	cgroup, _, ok2 := bytes.Cut(rest, []byte(" "))
	return ok && ok2 && len(level) > 0 && len(cgroup) > 0 && allDigits(level) && allDigits(cgroup)
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// isSchedText matches text that schedulers which this package knows print about
// themselves, in the first column.
func isSchedText(p []byte) bool {
	for _, words := range []string{"CELL[", "CPU[", "QMAP FIFO[", "LAYER[", "HI_", "LO_FALLBACK[", "kernel: ", "cc: "} {
		if hasPrefix(p, words) {
			return true
		}
	}
	return false
}

// isTrigger matches "comm[12] triggered exit kind 1026".
func isTrigger(q []byte) bool {
	i := bytes.IndexByte(q, triggerWords[0]) // which most lines do not have
	return i >= 0 && bytes.Contains(q[i:], []byte(triggerWords))
}

// isExit matches "EXIT: reason (message)" and "Error: EXIT: reason", for the
// reasons that there are.
func isExit(q []byte) bool {
	q, ok := bytes.CutPrefix(bytes.TrimPrefix(q, []byte("Error: ")), []byte("EXIT: "))
	if !ok {
		return false
	}
	reason := exitReason(q)
	_, known := dump.KindOfReason(string(reason))
	return known || string(reason) == "<UNKNOWN>"
}

// exitReason is the reason that "reason (message) on CPU 3" starts with.
func exitReason(b []byte) []byte {
	reason, _, _ := bytes.Cut(b, []byte(" ("))
	reason, _, _ = bytes.Cut(reason, []byte(" on CPU "))
	return reason
}

// isElision matches what people put in the place of lines that they leave out.
func isElision(q []byte) bool {
	switch string(q) {
	case "…", "...", "....", ".....", "[...]", "<...>", "[…]", "(...)", "[snip]", "<snip>":
		return true
	}
	return false
}

// trimBlanks is b without the blanks at its start.
func trimBlanks(b []byte) []byte { return b[leadingBlanks(b):] }
