// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// capabilities are those of this process.
type capabilities struct {
	effective uint64 // a bit for each
	known     bool
	confined  bool // in a user namespace, outside of which they count for nothing
}

// The capabilities that are asked for.
var capabilityNames = map[uint]string{
	unix.CAP_BPF:      "CAP_BPF",
	unix.CAP_PERFMON:  "CAP_PERFMON",
	unix.CAP_SYS_NICE: "CAP_SYS_NICE",
	unix.CAP_IPC_LOCK: "CAP_IPC_LOCK",
}

// readCapabilities reads them from proc.
func (e *examination) readCapabilities() capabilities {
	var c capabilities
	for line := range strings.Lines(e.text("proc/self/status")) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			c.effective, c.known = n, err == nil
		}
	}
	// All ids, each as itself: that is the namespace that the machine started with.
	ids := strings.Fields(e.text("proc/self/uid_map"))
	c.confined = len(ids) > 0 && strings.Join(ids, " ") != "0 0 4294967295"
	return c
}

// without are the names of those that this process does not have.
func (c capabilities) without(all ...uint) []string {
	var missing []string
	for _, n := range all {
		stands := c.effective&(1<<unix.CAP_SYS_ADMIN) != 0 && (n == unix.CAP_BPF || n == unix.CAP_PERFMON)
		if c.effective&(1<<n) == 0 && !stands {
			missing = append(missing, capabilityNames[n])
		}
	}
	return missing
}

// giveCapabilities says how the program gets what it needs.
func (e *examination) giveCapabilities() string {
	return "run it as root; or sudo setcap cap_bpf,cap_perfmon,cap_syslog,cap_sys_nice,cap_ipc_lock+ep " + e.program() +
		"; or in a systemd unit AmbientCapabilities=CAP_BPF CAP_PERFMON CAP_SYSLOG CAP_SYS_NICE CAP_IPC_LOCK"
}

// program is the program's path as a shell takes it.
func (e *examination) program() string {
	for _, c := range e.Program {
		if !strings.ContainsRune("/._-+,:@", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "PATH-OF-SCXDIAG"
		}
	}
	return e.Program
}
