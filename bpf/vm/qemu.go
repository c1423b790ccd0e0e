// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Config says what machine to start. Only Kernel is needed.
type Config struct {
	Kernel string // the kernel image, as Kernel finds one

	// CPUs are online from the start; 0 is 4. PossibleCPUs, where 0 is CPUs,
	// is how many there are in all. The guest turns on the others through
	// /sys/devices/system/cpu/cpuN/online.
	CPUs         int
	PossibleCPUs int
	LLCs         int // groups of possible CPUs that share a last-level cache, CPU 0 in the first; 0 is 1
	MemoryMiB    int // 0 is 1536

	// ICount makes the guest's clock count its instructions, one a
	// nanosecond, so that what something costs does not depend on the host.
	// It needs emulation.
	ICount bool

	Program string // the host's path of the guest's program; empty is the running one
	Files   []File // further files for the guest

	Say func(string) // told, in a line, that a boot failed and is tried again; nil is silent
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() (Config, error) {
	for _, d := range []struct {
		value *int
		unset int
	}{{&c.CPUs, 4}, {&c.LLCs, 1}, {&c.MemoryMiB, 1536}} {
		if *d.value == 0 {
			*d.value = d.unset
		}
	}
	if c.PossibleCPUs == 0 {
		c.PossibleCPUs = c.CPUs
	}
	switch {
	case c.Kernel == "":
		return c, errors.New("no kernel given")
	case c.CPUs < 1 || c.PossibleCPUs < c.CPUs:
		return c, fmt.Errorf("%d online of %d possible CPUs: no such machine", c.CPUs, c.PossibleCPUs)
	case c.LLCs < 1 || c.PossibleCPUs%c.LLCs != 0:
		return c, fmt.Errorf("%d CPUs cannot share %d caches evenly", c.PossibleCPUs, c.LLCs)
	case c.MemoryMiB < 128:
		return c, fmt.Errorf("%d MiB are not enough memory", c.MemoryMiB)
	}
	if c.Program == "" {
		program, err := os.Executable()
		if err != nil {
			return c, err
		}
		c.Program = program
	}
	return c, nil
}

// Accel is how a machine's instructions are executed.
type Accel string

// The ways to execute instructions.
const (
	KVM       Accel = "kvm"
	Emulation Accel = "tcg"
)

// rcuStallSeconds is how long the guest lets a grace period of RCU take. The
// kernel's own limit of 21 s is for real CPUs; sched_ext takes it for the fault
// of the scheduler.
const rcuStallSeconds = 120

// qemuArgs is QEMU's command line. Its files for the initramfs and the agent's
// port are the first two that it inherits behind the standard ones.
func qemuArgs(c *Config, accel Accel) []string {
	tsc := ""
	if accel == Emulation {
		// Emulated CPUs share the host's counter of ticks. Where the host lets QEMU
		// wait between two readings of it, the kernel takes it for broken, and
		// reads a clock from then on that takes far longer.
		tsc = "tsc=reliable"
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		"-kernel", c.Kernel,
		"-initrd", childFile(0),
		// khugepaged copies huge pages within an RCU section, at the lowest
		// priority: on busy emulated CPUs that stalls RCU.
		"-append", fmt.Sprintf("console=ttyS0 panic=-1 oops=panic mitigations=off transparent_hugepage=never "+
			"rcupdate.rcu_cpu_stall_timeout=%d maxcpus=%d %s=%s %s",
			rcuStallSeconds, c.CPUs, guestVar, guestInit, tsc),
		"-m", strconv.Itoa(c.MemoryMiB),
		// The CPUs of a socket share its last-level cache. All are plugged in:
		// where it sees no hypervisor that it knows, as with emulation, the
		// kernel makes no room for others.
		"-smp", fmt.Sprintf("cpus=%d,sockets=%d,cores=%d,threads=1",
			c.PossibleCPUs, c.LLCs, c.PossibleCPUs/c.LLCs),
		"-chardev", "stdio,id=console,signal=off",
		"-serial", "chardev:console",
		"-device", "virtio-serial-pci",
		"-chardev", "socket,id=agent,fd=" + strconv.Itoa(firstChildFile+1),
		"-device", "virtserialport,chardev=agent,name=" + portName,
	}
	if accel == KVM {
		return append(args, "-accel", "kvm", "-cpu", "host,l3-cache=on")
	}
	// With a thread for each CPU the kernel sometimes executes an instruction
	// that it is replacing: see ErrEmulation.
	args = append(args, "-accel", "tcg,thread=single", "-cpu", "max,l3-cache=on")
	if c.ICount {
		args = append(args, "-icount", "shift=0,sleep=off")
	}
	return args
}

// firstChildFile is the number that the first of exec.Cmd's ExtraFiles has in
// the child.
const firstChildFile = 3

// childFile is the path under which a child opens the i-th of its ExtraFiles.
func childFile(i int) string { return "/dev/fd/" + strconv.Itoa(firstChildFile+i) }
