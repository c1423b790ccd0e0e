// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"scxdiag/bpf"
)

// otherKernel is what to do about a kernel that cannot do it.
const otherKernel = "boot a kernel 6.12 or later with CONFIG_SCHED_CLASS_EXT=y, which Debian's linux-image-cloud-amd64 has from 6.16 on; or use scxdiag live --vm"

// The oldest release that has sched_ext.
const oldestMajor, oldestMinor = 6, 12

func (e *examination) checkRelease() result {
	major, minor, ok := version(e.release)
	switch {
	case e.release == "":
		return warning("the kernel does not tell its release", "mount proc at /proc")
	case !ok:
		return warning(e.release+" is no release that scxdiag understands", "")
	case major > oldestMajor || major == oldestMajor && minor >= oldestMinor:
		return well(e.release)
	case e.schedExt:
		return warning(e.release+" has sched_ext, but scxdiag is made for 6.12 and later", "boot a kernel 6.12 or later")
	}
	return wrong(e.release+" is older than 6.12", otherKernel)
}

// version is what a release begins with.
func version(release string) (major, minor int, ok bool) {
	first, rest, found := strings.Cut(release, ".")
	second := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	return major, minor, found && err1 == nil && err2 == nil
}

// checkArch is about the BPF programs, which are little endian and reckon with
// pointers of 64 bits.
func (e *examination) checkArch() result {
	switch e.Arch {
	case "amd64":
		return well(e.Arch)
	case "arm64", "loong64", "mips64le", "ppc64le", "riscv64":
		return warning(e.Arch+": little endian and 64 bits, but scxdiag was tested on amd64 only", "")
	}
	return wrong(e.Arch+" is not little endian with 64 bits", "use scxdiag built for amd64 on an x86-64 machine")
}

func (e *examination) checkSchedExt() result {
	if !e.schedExt {
		return wrong("the kernel has no sched_ext", otherKernel)
	}
	const dir = "sys/kernel/sched_ext/"
	facts := []string{cmp.Or(e.line(dir+"state"), "in a state that it does not tell")}
	if ops := e.line(dir + "root/ops"); ops != "" {
		facts = append(facts, "scheduler "+quoted(ops))
	}
	for _, name := range []string{"switch_all", "enable_seq", "nr_rejected", "hotplug_seq"} {
		if v := e.line(dir + name); v != "" {
			facts = append(facts, name+" "+v)
		}
	}
	return well(strings.Join(facts, ", "))
}

// fromConfig is what the configuration says, where all of options are needed.
func (e *examination) fromConfig(options ...string) (missing []string, known bool) {
	if e.config == nil {
		return nil, false
	}
	return e.config.without(options...), true
}

// unknownConfig is a warning where nothing tells whether the options are set.
func (e *examination) unknownConfig(options string) result {
	return warning("whether the kernel has "+options+" is unknown: there is no configuration to be read",
		"sudo modprobe configs, or install what has /boot/config-"+cmp.Or(e.release, "RELEASE"))
}

// build is what to do about options that are missing.
func build(missing []string) string {
	return "boot a kernel that is built with " + join(missing)
}

func (e *examination) checkConfig() result {
	missing, known := e.fromConfig("SCHED_CLASS_EXT", "BPF_SYSCALL", "BPF_JIT", "DEBUG_INFO_BTF")
	switch {
	case e.schedExt:
		// It depends on all others.
		return well("sched_ext is there, and with it BPF_SYSCALL, BPF_JIT and DEBUG_INFO_BTF")
	case !known:
		return e.unknownConfig("CONFIG_SCHED_CLASS_EXT")
	case len(missing) > 0:
		return wrong(e.configFile+" is without "+join(missing), build(missing))
	}
	return well("all in " + e.configFile)
}

// checkEvents is about the programs that are attached to tracepoints and
// functions, of which live has some as well.
func (e *examination) checkEvents() result {
	missing, known := e.fromConfig("BPF_EVENTS")
	switch {
	// The kernel sets BPF_EVENTS by itself where there are BPF and one of these.
	case e.schedExt && (e.exists("sys/bus/event_source/devices/kprobe") || e.exists("sys/bus/event_source/devices/uprobe")):
		return well("the kernel has kprobes or uprobes, and with them and BPF also CONFIG_BPF_EVENTS")
	case !known:
		return e.unknownConfig("CONFIG_BPF_EVENTS")
	case len(missing) > 0:
		return wrong(e.configFile+" is without CONFIG_BPF_EVENTS", build(missing))
	}
	return well("CONFIG_BPF_EVENTS in " + e.configFile)
}

func (e *examination) checkTypes() result {
	switch {
	case errors.Is(e.typesErr, fs.ErrNotExist):
		return wrong("no /"+typesFile, "boot a kernel that is built with CONFIG_DEBUG_INFO_BTF")
	case e.typesErr != nil:
		return wrong("/"+typesFile+" cannot be read: "+said(e.typesErr.Error()), "boot another build of the kernel")
	}
	return well(fmt.Sprintf("/%s, %d KiB", typesFile, (e.typesSize+1023)>>10))
}

// checkFentry is about the ends of functions, without which record and live do
// part of what they do.
func (e *examination) checkFentry() result {
	const lost = "record learns neither where a dump ends nor why a scheduler ended, live finds out late that a cpuset was written"
	enabled := e.line("proc/sys/kernel/ftrace_enabled")
	missing, known := e.fromConfig("FUNCTION_TRACER", "DYNAMIC_FTRACE", "DYNAMIC_FTRACE_WITH_DIRECT_CALLS")
	switch {
	case enabled == "0":
		return warning("kernel.ftrace_enabled is 0: "+lost, "sudo sysctl kernel.ftrace_enabled=1")
	case known && len(missing) > 0:
		return warning(e.configFile+" is without "+join(missing)+": "+lost, build(missing))
	case known:
		return well("CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS in " + e.configFile)
	case enabled != "":
		return well("kernel.ftrace_enabled is " + enabled)
	}
	return e.unknownConfig("CONFIG_DYNAMIC_FTRACE")
}

// noTypes is a result where there are no types to look at, or where it is known
// what is not in them.
func (e *examination) noTypes() (result, bool) {
	switch {
	case !e.schedExt:
		return skipped("the kernel has no sched_ext"), true
	case e.types == nil:
		return skipped("the kernel's types are unknown"), true
	}
	return result{}, false
}

func (e *examination) checkPoints() result {
	if r, ok := e.noTypes(); ok {
		return r
	}
	points, err := bpf.RecorderPoints(e.types)
	if err != nil {
		return wrong(said(err.Error()), "build scxdiag anew")
	}
	const fix = "boot a kernel that has them, as 7.3 does"
	var have, lack []string
	for _, p := range points {
		if p.Err == nil {
			have = append(have, p.Name)
		} else {
			lack = append(lack, p.Name+" ("+p.Use+")")
		}
	}
	switch {
	case points[0].Err != nil:
		return wrong("the kernel is without "+join(lack), fix)
	case len(lack) > 0:
		return warning("the kernel is without "+join(lack), fix)
	}
	return well(join(have))
}

func (e *examination) checkScheduler() result {
	if r, ok := e.noTypes(); ok {
		return r
	}
	if err := bpf.SchedulerFits(e.types); err != nil {
		return wrong(said(err.Error()), "boot another build of the kernel, or use scxdiag live --vm")
	}
	return well("the kernel has the types that it is written for")
}

// checkVacancy is about the scheduler that the machine has: there can be but one.
func (e *examination) checkVacancy() result {
	if !e.schedExt {
		return skipped("the kernel has no sched_ext")
	}
	state := e.line("sys/kernel/sched_ext/state")
	switch state {
	case "":
		return skipped("the kernel does not tell")
	case "disabled":
		return well("none")
	}
	name := "another one"
	if ops := e.line("sys/kernel/sched_ext/root/ops"); ops != "" {
		name = quoted(ops)
	}
	return wrong(name+" is "+state+", and there can be only one",
		"end it, as by stopping its service or with echo S | sudo tee /proc/sysrq-trigger; scxdiag record watches it as it is")
}

// checkCgroupCallbacks is about what tells a scheduler of cgroups. The kernel's
// types have it or not, whatever the configuration says.
func (e *examination) checkCgroupCallbacks() result {
	if r, ok := e.noTypes(); ok {
		return r
	}
	var ops *btf.Struct
	if err := e.types.TypeByName("sched_ext_ops", &ops); err != nil {
		return skipped("the kernel's types have no sched_ext_ops")
	}
	for _, m := range ops.Members {
		if m.Name == "cgroup_init" {
			return well("CONFIG_CGROUP_SCHED and CONFIG_EXT_GROUP_SCHED")
		}
	}
	fix := build([]string{"CONFIG_CGROUP_SCHED", "CONFIG_EXT_GROUP_SCHED"})
	// The one function that the scheduler calls without which it is not loaded.
	var fn *btf.Func
	if err := e.types.TypeByName("scx_bpf_task_cgroup", &fn); err != nil {
		return wrong("the kernel has no scx_bpf_task_cgroup", fix)
	}
	return warning("the kernel tells schedulers nothing of cgroups: there will be no cell but the root cell", fix)
}
