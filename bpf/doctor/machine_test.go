// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cilium/ebpf/btf"
)

const goodConfig = `#
# Automatically generated file; DO NOT EDIT.
#
CONFIG_BPF_SYSCALL=y
CONFIG_BPF_JIT=y
CONFIG_DEBUG_INFO_BTF=y
CONFIG_SCHED_CLASS_EXT=y
CONFIG_BPF_EVENTS=y
CONFIG_FUNCTION_TRACER=y
CONFIG_DYNAMIC_FTRACE=y
CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y
CONFIG_CGROUP_SCHED=y
CONFIG_EXT_GROUP_SCHED=y
CONFIG_MAGIC_SYSRQ=y
`

// file is a file of a machine.
func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// packed is a file that gzip made.
func packed(t testing.TB, text []byte) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

// kernelTypes are what the kernel tells of its types: those of 7.3, as far as
// anybody asks for them, without those that are named.
func kernelTypes(t testing.TB, without ...string) *fstest.MapFile {
	t.Helper()
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	proto := &btf.FuncProto{Return: &btf.Void{}}
	member := func(name string, at btf.Bits) btf.Member { return btf.Member{Name: name, Type: u32, Offset: at} }
	ops := &btf.Struct{Name: "sched_ext_ops", Size: 8, Members: []btf.Member{member("enqueue", 0), member("cgroup_init", 32)}}
	if strings.Contains(strings.Join(without, " "), "cgroup_init") {
		ops.Members = ops.Members[:1]
	}
	all := map[string]btf.Type{
		"btf_trace_sched_ext_dump": &btf.Typedef{Name: "btf_trace_sched_ext_dump", Type: u32},
		"scx_sched":                &btf.Struct{Name: "scx_sched", Size: 8, Members: []btf.Member{member("exit_info", 0), member("disable_work", 32)}},
		"sched_ext_ops":            ops,
	}
	for _, name := range []string{"scx_dump_state", "scx_disable_workfn", "bpf_scx_reg", "scx_bpf_task_cgroup", "bpf_iter_task"} {
		all[name] = &btf.Func{Name: name, Type: proto, Linkage: btf.GlobalFunc}
	}
	for _, name := range without {
		delete(all, name)
	}
	types := make([]btf.Type, 0, len(all))
	for _, name := range []string{
		"btf_trace_sched_ext_dump", "scx_sched", "sched_ext_ops", "scx_dump_state", "scx_disable_workfn", "bpf_scx_reg", "scx_bpf_task_cgroup", "bpf_iter_task",
	} {
		if typ := all[name]; typ != nil {
			types = append(types, typ)
		}
	}
	return marshalled(t, types)
}

func marshalled(t testing.TB, types []btf.Type) *fstest.MapFile {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: data}
}

const statusOfRoot = "Name:\tscxdiag\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n"

// good is the file system of a machine on which everything works.
func good(t testing.TB) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"proc/sys/kernel/osrelease":            file("7.3.4+deb13-amd64\n"),
		"proc/sys/kernel/sysrq":                file("438\n"),
		"proc/sys/kernel/kptr_restrict":        file("0\n"),
		"proc/sys/kernel/ftrace_enabled":       file("1\n"),
		"proc/sysrq-trigger":                   file(""),
		"proc/config.gz":                       packed(t, []byte(goodConfig)),
		"proc/kallsyms":                        file("0000000000000000 A fixed_percpu_data\nffffffff81000000 T _text\n"),
		"proc/self/status":                     file(statusOfRoot),
		"proc/self/uid_map":                    file("         0          0 4294967295\n"),
		"sys/kernel/btf/vmlinux":               kernelTypes(t),
		"sys/kernel/sched_ext/state":           file("disabled\n"),
		"sys/kernel/sched_ext/switch_all":      file("0\n"),
		"sys/kernel/sched_ext/enable_seq":      file("3\n"),
		"sys/kernel/sched_ext/nr_rejected":     file("0\n"),
		"sys/kernel/sched_ext/hotplug_seq":     file("2\n"),
		"sys/kernel/security/lockdown":         file("none [integrity] confidentiality\n"),
		"sys/kernel/tracing/events":            {Mode: fs.ModeDir | 0o755},
		"sys/fs/cgroup/cgroup.controllers":     file("cpuset cpu io memory pids\n"),
		"sys/fs/cgroup/cgroup.subtree_control": file("cpuset cpu memory pids\n"),
		"sys/bus/event_source/devices/kprobe":  {Mode: fs.ModeDir | 0o755},
	}
}

// machine is one with a file system, and all else as it should be.
func machine(root fs.FS) *Machine {
	return &Machine{
		Root: root, Arch: "amd64", Program: "/usr/bin/scxdiag",
		Catalogue:   func() (string, error) { return "/root/.local/state/scxdiag/catalogue.scxdiag", nil },
		QEMU:        func() error { return nil },
		GuestKernel: func() (string, error) { return "/root/.cache/scxdiag/kernels/vmlinuz-7.3", nil },
	}
}

// removed takes away files, and what is in a folder.
func removed(root fstest.MapFS, names ...string) {
	maps.DeleteFunc(root, func(path string, _ *fstest.MapFile) bool {
		for _, n := range names {
			if path == n || strings.HasPrefix(path, n+"/") {
				return true
			}
		}
		return false
	})
}

var errNothing = errors.New("there is none")

// machines are whole machines, each unlike the good one in what its name says.
// want has the checks that are not well, works what works.
var machines = []struct {
	name   string
	change func(testing.TB, fstest.MapFS, *Machine)
	want   map[string]Status
	works  []Use
}{
	{
		name:   "all is well",
		change: func(testing.TB, fstest.MapFS, *Machine) {},
		works:  []Use{Record, Live, LiveVM},
	},
	{
		name: "no sched_ext",
		change: func(t testing.TB, root fstest.MapFS, _ *Machine) {
			removed(root, "sys/kernel/sched_ext")
			root["proc/sys/kernel/osrelease"] = file("6.1.0-13-amd64\n")
			root["proc/config.gz"] = packed(t, []byte(strings.Replace(goodConfig,
				"CONFIG_SCHED_CLASS_EXT=y", "# CONFIG_SCHED_CLASS_EXT is not set", 1)))
		},
		want: map[string]Status{
			"release": Error, "sched-ext": Error, "config": Error,
			"attach-points": Skipped, "scheduler": Skipped, "vacancy": Skipped, "config-cgroups": Skipped,
		},
		works: []Use{LiveVM},
	},
	{
		// As in a virtual machine of scxdiag's own: what runs tells enough.
		name:   "no configuration",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) { removed(root, "proc/config.gz") },
		works:  []Use{Record, Live, LiveVM},
	},
	{
		name: "no configuration and nothing that tells",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			removed(root, "proc/config.gz", "proc/sys/kernel/ftrace_enabled", "sys/bus")
		},
		want:  map[string]Status{"config-events": Warning, "fentry": Warning},
		works: []Use{Record, Live, LiveVM},
	},
	{
		name: "configuration in boot without tracing",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			removed(root, "proc/config.gz", "sys/bus")
			config := strings.Replace(goodConfig, "CONFIG_BPF_EVENTS=y\n", "", 1)
			config = strings.Replace(config, "CONFIG_FUNCTION_TRACER=y", "# CONFIG_FUNCTION_TRACER is not set", 1)
			root["boot/config-7.3.4+deb13-amd64"] = file(config)
		},
		want:  map[string]Status{"config-events": Error, "fentry": Warning},
		works: []Use{LiveVM},
	},
	{
		name:   "no BTF",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) { removed(root, typesFile) },
		want: map[string]Status{
			"btf": Error, "attach-points": Skipped, "scheduler": Skipped, "config-cgroups": Skipped,
		},
		works: []Use{LiveVM},
	},
	{
		name:   "damaged BTF",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) { root[typesFile].Data = root[typesFile].Data[:40] },
		want: map[string]Status{
			"btf": Error, "attach-points": Skipped, "scheduler": Skipped, "config-cgroups": Skipped,
		},
		works: []Use{LiveVM},
	},
	{
		name: "a kernel without some places",
		change: func(t testing.TB, root fstest.MapFS, _ *Machine) {
			root[typesFile] = kernelTypes(t, "scx_disable_workfn", "scx_dump_state", "cgroup_init")
		},
		want:  map[string]Status{"attach-points": Warning, "config-cgroups": Warning},
		works: []Use{Record, Live, LiveVM},
	},
	{
		name: "a kernel without the lines of dumps and groups",
		change: func(t testing.TB, root fstest.MapFS, _ *Machine) {
			root[typesFile] = kernelTypes(t, "btf_trace_sched_ext_dump", "cgroup_init", "scx_bpf_task_cgroup")
		},
		want:  map[string]Status{"attach-points": Error, "config-cgroups": Error},
		works: []Use{LiveVM},
	},
	{
		name: "lockdown",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["sys/kernel/security/lockdown"] = file("none integrity [confidentiality]\n")
		},
		want:  map[string]Status{"lockdown": Error},
		works: []Use{LiveVM},
	},
	{
		name: "no capabilities",
		change: func(_ testing.TB, root fstest.MapFS, m *Machine) {
			root["proc/self/status"] = file("Name:\tscxdiag\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n")
			root["proc/kallsyms"] = file("0000000000000000 A fixed_percpu_data\n0000000000000000 T _text\n")
			m.Program = "/home/a b/scxdiag"
		},
		want:  map[string]Status{"capabilities": Error, "realtime": Warning, "addresses": Error, "samples": Warning},
		works: []Use{LiveVM},
	},
	{
		name: "those that record takes",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["proc/self/status"] = file("CapEff:\t000000c000000000\n")
			root["proc/kallsyms"] = file("0000000000000000 T _text\n")
		},
		want:  map[string]Status{"realtime": Warning, "addresses": Error, "samples": Warning},
		works: []Use{Record, LiveVM},
	},
	{
		name: "in a user namespace",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["proc/self/uid_map"] = file("         0       1000          1\n")
		},
		want:  map[string]Status{"capabilities": Error, "realtime": Warning},
		works: []Use{LiveVM},
	},
	{
		name: "addresses hidden from root",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["proc/sys/kernel/kptr_restrict"] = file("2\n")
			root["proc/kallsyms"] = file("0000000000000000 T _text\n")
		},
		want:  map[string]Status{"addresses": Error, "samples": Warning},
		works: []Use{Record, LiveVM},
	},
	{
		// A name that the kernel would not take: the file is trusted with nothing.
		name: "a hostile name",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["sys/kernel/sched_ext/state"] = file("enabled\n")
			root["sys/kernel/sched_ext/root/ops"] = file("\x1b]0;owned\x07\x1b[2J\r\nrecord: works\u202e\xff" + strings.Repeat("x", 1<<20))
		},
		want:  map[string]Status{"vacancy": Error},
		works: []Use{Record, LiveVM},
	},
	{
		name: "cgroup v1",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			removed(root, "sys/fs/cgroup")
			root["sys/fs/cgroup/cpu/tasks"] = file("1\n")
		},
		want:  map[string]Status{"cgroups": Error},
		works: []Use{Record, LiveVM},
	},
	{
		name: "controllers kept back",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["sys/fs/cgroup/cgroup.subtree_control"] = file("cpu memory pids\n")
		},
		want:  map[string]Status{"cgroups": Warning},
		works: []Use{Record, Live, LiveVM},
	},
	{
		name: "no controllers",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["sys/fs/cgroup/cgroup.controllers"] = file("\n")
		},
		want:  map[string]Status{"cgroups": Warning},
		works: []Use{Record, Live, LiveVM},
	},
	{
		name: "switches off",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["proc/sys/kernel/sysrq"] = file("8\n") // the dumps of others
			root["proc/sys/kernel/ftrace_enabled"] = file("0\n")
			removed(root, "sys/kernel/tracing", "sys/kernel/security")
		},
		want:  map[string]Status{"sysrq": Warning, "fentry": Warning, "tracefs": Skipped, "lockdown": Skipped},
		works: []Use{Record, Live, LiveVM},
	},
	{
		name: "no room and no QEMU",
		change: func(_ testing.TB, root fstest.MapFS, m *Machine) {
			removed(root, "proc/sysrq-trigger")
			m.Catalogue = func() (string, error) { return "", errors.New("/var/empty cannot be written: read-only file system") }
			m.QEMU = func() error { return errNothing }
			m.GuestKernel = func() (string, error) { return "", errors.New("get a kernel 7.3: this machine has no apt") }
		},
		want:  map[string]Status{"sysrq": Warning, "catalogue": Error, "qemu": Error, "vm-kernel": Error},
		works: []Use{Live},
	},
	{
		name:   "arm64",
		change: func(_ testing.TB, _ fstest.MapFS, m *Machine) { m.Arch = "arm64" },
		want:   map[string]Status{"arch": Warning, "vm-arch": Error},
		works:  []Use{Record, Live},
	},
	{
		name:   "32 bits",
		change: func(_ testing.TB, _ fstest.MapFS, m *Machine) { m.Arch = "386" },
		want:   map[string]Status{"arch": Error, "vm-arch": Error},
	},
	{
		name: "an older kernel that has it all the same",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) {
			root["proc/sys/kernel/osrelease"] = file("6.6.30-scx1\n")
		},
		want:  map[string]Status{"release": Warning},
		works: []Use{Record, Live, LiveVM},
	},
	{
		name:   "nothing",
		change: func(_ testing.TB, root fstest.MapFS, _ *Machine) { clear(root) },
		want: map[string]Status{
			"release": Warning, "sched-ext": Error, "config": Warning, "config-events": Warning, "btf": Error,
			"capabilities": Warning, "lockdown": Skipped, "realtime": Skipped, "fentry": Warning, "sysrq": Warning,
			"attach-points": Skipped, "tracefs": Skipped, "scheduler": Skipped, "vacancy": Skipped, "addresses": Error, "samples": Warning,
			"config-cgroups": Skipped, "cgroups": Error,
		},
		works: []Use{LiveVM},
	},
}
