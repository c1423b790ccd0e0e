// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

const (
	qemuProgram = "qemu-system-x86_64"
	qemuPackage = "qemu-system-x86"
)

// CheckQEMU tells in its error what to install if QEMU is missing.
func CheckQEMU() error {
	if _, err := exec.LookPath(qemuProgram); err != nil {
		return fmt.Errorf("%s not found: install the package %s: %w", qemuProgram, qemuPackage, err)
	}
	return nil
}

const (
	// probeExit is what QEMU exits with after the guest of probeKVM wrote
	// probeValue to the port of isa-debug-exit.
	probeExit  = probeValue<<1 | 1
	probeValue = 0x2a
	probeTime  = 5 * time.Second
)

// probeROM is firmware whose first instructions end QEMU.
func probeROM() []byte {
	rom := make([]byte, 64<<10)
	copy(rom[len(rom)-16:], []byte{
		0xb0, probeValue, // mov al, probeValue
		0xe6, 0xf4, // out 0xf4, al
		0xf4,       // hlt
		0xeb, 0xfd, // jmp back to hlt
	})
	return rom
}

// probeKVM tells whether a guest really runs with KVM. There are machines that
// have the device and where QEMU fails all the same.
func probeKVM(ctx context.Context) bool {
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = device.Close() // nothing was done with it
	rom, err := memfile("rom")
	if err != nil {
		return false
	}
	defer func() { _ = rom.Close() }() // it is in memory
	if _, err := rom.Write(probeROM()); err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemuProgram, "-accel", "kvm", "-cpu", "host", "-m", "16", //nolint:gosec // no input is among them
		"-nodefaults", "-no-user-config", "-display", "none", "-bios", childFile(0),
		"-device", "isa-debug-exit,iobase=0xf4,iosize=4")
	cmd.ExtraFiles = []*os.File{rom}
	var exit *exec.ExitError
	return errors.As(cmd.Run(), &exit) && exit.ExitCode() == probeExit
}
