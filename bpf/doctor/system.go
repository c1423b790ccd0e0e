// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// outside is what to do in a user namespace.
const outside = "run it outside of the container"

// checkCapabilities is about what the kernel asks for to load a program: CAP_BPF
// for each, and CAP_PERFMON for those that trace and those of a scheduler. It asks
// for nothing else to make one the scheduler of the machine.
func (e *examination) checkCapabilities() result {
	missing := e.caps.without(unix.CAP_BPF, unix.CAP_PERFMON)
	switch {
	case !e.caps.known:
		return warning("/proc does not tell those of this process", "mount proc at /proc")
	case e.caps.confined:
		return wrong("this process is in a user namespace, where capabilities do not count for BPF", outside)
	case len(missing) > 0:
		return wrong("without "+join(missing), e.giveCapabilities())
	}
	return well("CAP_BPF and CAP_PERFMON")
}

// checkRealtime is about leaving the reach of sched_ext, which see realtime.Enter.
func (e *examination) checkRealtime() result {
	const without = ": a scheduler that fails may hold up scxdiag, too"
	missing := e.caps.without(unix.CAP_SYS_NICE, unix.CAP_IPC_LOCK)
	switch {
	case !e.caps.known:
		return skipped("/proc does not tell the capabilities of this process")
	case e.caps.confined:
		return warning("in a user namespace no capability counts for that"+without, outside)
	case len(missing) > 0:
		return warning("without "+join(missing)+without, e.giveCapabilities())
	}
	return well("CAP_SYS_NICE and CAP_IPC_LOCK, for a real-time priority and locked memory")
}

// checkLockdown is about a mode of the kernel in which no BPF program may read
// the kernel's memory; those that do are then not loaded.
func (e *examination) checkLockdown() result {
	modes := e.line("sys/kernel/security/lockdown")
	_, mode, _ := strings.Cut(modes, "[")
	mode, _, ok := strings.Cut(mode, "]")
	switch {
	case !ok:
		return skipped("the kernel does not tell of any")
	case mode == "confidentiality":
		return wrong("lockdown is confidentiality: BPF must not read the kernel's memory",
			"boot with lockdown=integrity, or without lockdown= on the kernel's command line")
	}
	return well(mode)
}

// sysrqNice is the bit of kernel.sysrq that the kernel asks for on SysRq-D: not
// that of dumps, but that of "nicing of RT tasks".
const sysrqNice = 0x100

func (e *examination) checkSysRq() result {
	if !e.exists("proc/sysrq-trigger") {
		return warning("the kernel has no SysRq, and so no dump of a scheduler that goes on running", build([]string{"CONFIG_MAGIC_SYSRQ"}))
	}
	mask, err := strconv.ParseUint(e.line("proc/sys/kernel/sysrq"), 0, 32)
	switch {
	case err != nil:
		return well("by /proc/sysrq-trigger")
	case mask == 1 || mask&sysrqNice != 0:
		return well(fmt.Sprintf("kernel.sysrq is %d: by keyboard and /proc/sysrq-trigger", mask))
	}
	return warning(fmt.Sprintf("kernel.sysrq is %d: not by keyboard, only by /proc/sysrq-trigger", mask),
		fmt.Sprintf("sudo sysctl kernel.sysrq=%d", mask|sysrqNice))
}

// checkAddresses is about the addresses of symbols of the kernel, which the
// scheduler's object asks for when it is loaded. Who may not see them sees zeros.
func (e *examination) checkAddresses() result {
	data, err := e.read("proc/kallsyms", maxFile)
	if err != nil {
		return wrong("/proc/kallsyms cannot be read", build([]string{"CONFIG_KALLSYMS"}))
	}
	for line := range strings.Lines(string(data)) {
		address, _, _ := strings.Cut(line, " ")
		if strings.Trim(address, "0") != "" {
			return well("/proc/kallsyms has them")
		}
	}
	if e.line("proc/sys/kernel/kptr_restrict") == "2" {
		return wrong("/proc/kallsyms has no addresses: kernel.kptr_restrict is 2", "sudo sysctl kernel.kptr_restrict=1")
	}
	return wrong("/proc/kallsyms has no addresses: without CAP_SYSLOG", e.giveCapabilities())
}

// checkSamples is about the programs that read tasks and CPUs, which ask for addresses
// too; all else that is recorded does without.
func (e *examination) checkSamples() result {
	r := e.checkAddresses()
	if r.status == Error {
		return warning(r.found+": no samples of a scheduler that works, and none halfway to a stall", r.fix)
	}
	return r
}

func (e *examination) checkCatalogue() result {
	path, err := e.Catalogue()
	if err != nil {
		return wrong(said(err.Error()), "scxdiag record --record FILE; or name another file in SCXDIAG_STORE")
	}
	return well(said(path) + " can be written")
}

// checkTracefs says that scxdiag does without: who reads that it is missing need
// not look for it here.
func (e *examination) checkTracefs() result {
	const dir = "sys/kernel/tracing/events"
	_, err := fs.Stat(e.Root, dir)
	if err == nil || errors.Is(err, fs.ErrPermission) {
		return well("mounted at /sys/kernel/tracing; scxdiag does without")
	}
	return skipped("not mounted; scxdiag does without")
}

// cgroupControllers are those that cells are made of.
var cgroupControllers = []string{"cpu", "cpuset"}

func (e *examination) checkCgroups() result {
	const dir = "sys/fs/cgroup/"
	if !e.exists(dir + "cgroup.controllers") {
		return wrong("/sys/fs/cgroup is not cgroup v2",
			"boot with systemd.unified_cgroup_hierarchy=1; or without systemd sudo mount -t cgroup2 none /sys/fs/cgroup")
	}
	if missing := lack(e.text(dir+"cgroup.controllers"), cgroupControllers); len(missing) > 0 {
		return warning("without the controllers "+join(missing)+": there will be no cell but the root cell",
			"boot a kernel that is built with CONFIG_CGROUP_SCHED and CONFIG_CPUSETS, and leave them to cgroup v2")
	}
	if missing := lack(e.text(dir+"cgroup.subtree_control"), cgroupControllers); len(missing) > 0 {
		return warning("the root hands down no "+join(missing)+": there will be no cell but the root cell",
			`echo "+cpu +cpuset" | sudo tee /sys/fs/cgroup/cgroup.subtree_control`)
	}
	return well("at /sys/fs/cgroup, which hands down cpu and cpuset")
}

// lack is what of wanted is not among words.
func lack(words string, wanted []string) []string {
	have := strings.Fields(words)
	return slices.DeleteFunc(slices.Clone(wanted), func(w string) bool { return slices.Contains(have, w) })
}
