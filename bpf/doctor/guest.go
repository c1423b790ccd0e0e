// SPDX-License-Identifier: GPL-2.0-only

package doctor

// checkGuestArch is about the program that runs in the guest: it is this one.
func (e *examination) checkGuestArch() result {
	if e.Arch != "amd64" {
		return wrong("the guest is an x86-64, and runs this program, which is built for "+e.Arch, "use an x86-64 machine, or scxdiag built for amd64")
	}
	return well(e.Arch)
}

func (e *examination) checkQEMU() result {
	if err := e.QEMU(); err != nil {
		return wrong("no qemu-system-x86_64", "install QEMU for x86-64, on Debian with sudo apt-get install qemu-system-x86")
	}
	return well("qemu-system-x86_64")
}

func (e *examination) checkGuestKernel() result {
	from, err := e.GuestKernel()
	if err != nil {
		return wrong(said(err.Error()), "set SCXDIAG_VM_KERNEL to a kernel image with CONFIG_SCHED_CLASS_EXT")
	}
	return well(said(from))
}
