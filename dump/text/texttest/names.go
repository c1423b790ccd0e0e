// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"regexp"
	"strings"

	"pgregory.net/rapid"
)

// Names says what the comms, messages and lines of text of a model are made of.
type Names uint8

// The kinds of names.
const (
	// PlainNames are what one meets: brackets and blanks, nothing invisible.
	// They survive every carrier.
	PlainNames Names = iota
	// HostileNames hold whatever the kernel lets through: newlines, escape
	// sequences, bytes that are not UTF-8, and pieces of dump text.
	HostileNames
)

var (
	plainComms = []string{
		"stress", "kworker/u8:2", "kworker/3:1H", "ksoftirqd/1", "migration/0", "irq/9-acpi", "(sd-pam)", "Web Content",
		"my task[1", "a[1] b", "a[1] -4ms", "x[1] class=y", "rcu_preempt", "tenA", "exit:", "R x", "root", "*root +1ms",
	}
	hostileComms = []string{
		"", " ", "[", "]", "[1]", " a ", "\n", "\n\n", "a\nb", "a\n", "\nb", "\nCPU 5   :", "\nEXIT: x (y)", "\x1b[31mred\x1b[0m",
		"\xff\xfe\xfd", "a\tb", "\r", "a\rb", "x] *root -4ms", "\n  R b[1] +1ms", "żółw", "\u202eevil", "(x) (y)", "a\n x\nb",
	}
	// stackSymbols are frames as kernels print them, with module and bare address.
	stackSymbols = []string{
		"scx_watchdog_workfn+0x150/0x1d0", "process_one_work+0x19c/0x350", "worker_thread+0x1af/0x320", "kthread+0xfc/0x240",
		"ret_from_fork_asm+0x1a/0x30", "finish_task_switch.isra.0+0xc9/0x3d0", "__handle_sysrq.cold+0x91/0x141",
		"bpf_prog_b59ce2368d010987_mitosis_enqueue+0x89/0x576", "kvm_vcpu_block+0x4c/0xb0 [kvm]", "0xffffffffc0a1b2c3",
		"do_syscall_64+0x84/0x2f0", "entry_SYSCALL_64_after_hwframe+0x76/0x7e",
	}
	anyTextLines = []string{
		"queue depth 12, 3 waiting", "CPU states", "Event counters", "state: ok", "key=value other=-3", "weight 100%", "R", "* idle",
		"EXIT", "cpus=zzz", "vtime 0x1234", "[hello]", "-> dsq 17", "CPU 0 is busy", "slice=5 us", "Backtrace of nothing",
	}
)

// blankBeforeNewline is what no reader can tell from the blanks and returns that
// carriers put at the ends of lines.
var blankBeforeNewline = regexp.MustCompile(`[ \t\r]+\n`)

// comm draws the name of a task: at most 15 bytes and no NUL.
func comm(t *rapid.T, n Names, label string) string {
	fixed, free := plainComms, rapid.StringMatching(`[A-Za-z0-9_/:.][A-Za-z0-9_/:. \[\]()-]{0,13}[A-Za-z0-9_/:.]`)
	if n == HostileNames && rapid.Bool().Draw(t, label+" is hostile") {
		fixed = hostileComms
		free = rapid.Custom(func(t *rapid.T) string {
			b := rapid.SliceOfN(rapid.SampledFrom([]byte(" []():=*+-\n\r\t\x1b\xff\x80019amsRCPU")), 0, 15).Draw(t, "bytes")
			return blankBeforeNewline.ReplaceAllString(string(b), "\n")
		})
	}
	if rapid.Bool().Draw(t, label+" is free") {
		return free.Draw(t, label)
	}
	return rapid.SampledFrom(fixed).Draw(t, label)
}

// message draws what a BPF scheduler says when it gives up.
func message(t *rapid.T, n Names) string {
	fixed := []string{
		"", "test triggering error", "tools/sched_ext/scx_qmap.bpf.c:434: test triggering error", "lookup failed (-2) (really)",
		"mitosis.bpf.c:634: vtime is too far in the future for 211", ")", "(", "a) b (c", "EXIT: no (yes)", strings.Repeat("long ", 204),
	}
	if n == HostileNames {
		fixed = append(fixed, "two\nlines", "ends in newline\n", "\x1b]0;title\x07", "\xff", ") (\n", "Backtrace: no", "a\n  b (c)", "tab\there")
	}
	return rapid.SampledFrom(fixed).Draw(t, "message")
}

// textLine draws a line of a scheduler that nobody knows. None looks like a
// frame of a stack, which would be ambiguous.
func textLine(t *rapid.T, n Names, label string) string {
	switch {
	case oneIn(t, 3, label+" is free"):
		return rapid.StringMatching(`[A-Za-z0-9(][A-Za-z0-9 ,:=()\[\]/-]{0,40}[a-z0-9)]`).Draw(t, label)
	case n == HostileNames && oneIn(t, 4, label+" is hostile"):
		return rapid.SampledFrom([]string{"bell \x07", "bytes \xc3\x28", "", "   indented", "tab\tin it", "CPU states ", "----------"}).Draw(t, label)
	}
	return rapid.SampledFrom(anyTextLines).Draw(t, label)
}
