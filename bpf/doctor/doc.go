// SPDX-License-Identifier: GPL-2.0-only

// Package doctor tells whether a machine can do what scxdiag does with kernels, and
// what to do where it cannot. It looks, and changes nothing: no program is loaded,
// no file is written.
//
// A [Machine] is its file system and a few questions that no file answers, so a
// test can describe any. [Examine] goes through the checks, which are a table in
// checks.go, and makes a [Report] of them.
//
// Where the kernel's configuration and the running kernel say different things of
// the same, the kernel is right: the configuration may be of another build.
package doctor
