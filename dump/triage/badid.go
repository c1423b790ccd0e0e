// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"scxdiag/dump"
)

var badID = Rule{
	Name:  "bad-id",
	Title: "the scheduler used a wrong CPU, DSQ or value",
	Page: Page{
		Happened: "The scheduler handed the kernel a CPU or DSQ that does not exist, or a callback returned a value that means nothing. Often it is the negative errno of a call that failed, used as if it were an id.",
		Shows:    "The message says \"invalid CPU\", \"non-existent DSQ\", \"invalid DSQ ID\" or \"returned\" with a number. -22 is EINVAL, 0xfffffffffffffffe is -2, 4294967295 is -1.",
		Confirm:  "Read the number as a signed one of 32 and of 64 bits, and compare a CPU with the number of CPUs of the machine.",
		Fix:      "Check every return value for being negative before it is used as an id; create a DSQ before anything can queue on it.",
	},
	check: checkBadID,
}

func checkBadID(v *view) []*finding {
	if !v.s.IsFailure() || v.isStall() ||
		!v.says("invalid CPU", "invalid cpu", "invalid CID", "non-existent DSQ", "invalid DSQ", "invalid dsq", "nonexistent DSQ", "unknown DSQ", "does not exist", "returned an invalid", "returned invalid", "invalid cgroup", "out of range") {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceHigh, "%s: the scheduler used an id that does not exist", v.message()).
		because("The kernel refused it: %s.", v.message()).hurts(v.subjects()...).explains(true)
	if words := decodeNumbers(v.message()); words != "" {
		f.because("%s.", words)
	}
	f.exit(v)
	if l, ok := v.callback(); ok {
		f.because("The scheduler did so in %s.", l.Text).backtrace(v, l)
	}
	return []*finding{f.then("find where the scheduler takes that number from")}
}

var numbers = regexp.MustCompile(`-?\b(?:0x[0-9a-fA-F]+|[0-9]+)\b`)

// decodeNumbers says which numbers of a message are negative ones, and which errno
// those are.
func decodeNumbers(message string) string {
	var words []string
	for _, text := range numbers.FindAllString(message, 16) {
		n, ok := signed(text)
		if !ok || n >= 0 {
			continue
		}
		w := fmt.Sprintf("%s is %d", text, n)
		if text == strconv.FormatInt(n, 10) {
			w = text + " is negative"
		}
		if n >= -133 && n < 0 {
			w += " (" + errnoName(-n) + ")"
		}
		words = append(words, w)
	}
	return strings.Join(words, ", ")
}

// signed reads a number as the signed one that it may have been: of 64 bits, or of
// 32 if it fits into those.
func signed(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		if n > 1<<32-4096 && n < 1<<32 {
			return n - 1<<32, true
		}
		return n, true
	}
	n, err := strconv.ParseUint(text, 0, 64)
	return int64(n), err == nil //nolint:gosec // meant to wrap
}

// errnoName says what an errno means.
func errnoName(n int64) string {
	switch n {
	case 1:
		return "EPERM"
	case 2:
		return "ENOENT"
	case 7:
		return "E2BIG"
	case 11:
		return "EAGAIN"
	case 12:
		return "ENOMEM"
	case 13:
		return "EACCES"
	case 16:
		return "EBUSY"
	case 17:
		return "EEXIST"
	case 19:
		return "ENODEV"
	case 22:
		return "EINVAL"
	case 28:
		return "ENOSPC"
	case 34:
		return "ERANGE"
	case 95:
		return "EOPNOTSUPP"
	}
	return syscall.Errno(n).Error() //nolint:gosec // below 134
}

// errnoWords says which errno a message has in brackets, "" if it has none.
func errnoWords(message string) string {
	open := strings.LastIndex(message, "(-")
	if open < 0 {
		return ""
	}
	digits, _, _ := strings.Cut(message[open+2:], ")")
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n <= 0 || n > 133 {
		return ""
	}
	return fmt.Sprintf(", -%d (%s)", n, errnoName(n))
}
