// SPDX-License-Identifier: GPL-2.0-only

// Package section tests how grace periods wait for sections, as the scheduler's
// gp.bpf.h does it, outside the kernel: in every order of the steps, and with
// two threads on two real CPUs, because emulated CPUs that take turns hide that
// a CPU's stores come late. It has nothing but these tests.
package section
