// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// SetOnline turns a CPU of the guest on or off, which the kernel refuses for
// the last one that is on, and for CPU 0. To turn a CPU on that is on is no
// error, nor to turn one off that is off.
func SetOnline(cpu int, online bool) error {
	value := "0"
	if online {
		value = "1"
	}
	name := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", cpu)
	if err := writeText(name, value); err != nil {
		return fmt.Errorf("turn CPU %d on or off: %w", cpu, err)
	}
	return nil
}

// cpuList is a list of CPUs as the kernel reads it.
func cpuList(cpus []int) string {
	list := make([]string, len(cpus))
	for i, cpu := range cpus {
		list[i] = strconv.Itoa(cpu)
	}
	return strings.Join(list, ",")
}

// writeText writes to a file of the kernel's, which has to be there. The line
// ends, because the kernel never sees a write of nothing.
func writeText(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // its callers make names of theirs
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
