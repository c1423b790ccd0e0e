// SPDX-License-Identifier: GPL-2.0-only

package texttest

import "pgregory.net/rapid"

// cpuIDs are widths of the kernel's masks that matter: around the groups of 32,
// and beyond what a mask holds without allocating.
var cpuIDs = []int{1, 2, 4, 12, 31, 32, 33, 64, 65, 240, 4096}

// Configs draws configurations that exist: a scheduler's text goes with kernels
// that it ran on. The dump buffer is unlimited.
func Configs() *rapid.Generator[Config] {
	return rapid.Custom(func(t *rapid.T) Config {
		k := Config{Series: rapid.SampledFrom(AllSeries()).Draw(t, "series")}
		k.Format = rapid.SampledFrom(AllFormats()).Draw(t, "format")
		if k.Format == Qmap && !k.Series.has(7, 2) {
			k.Format = QmapPID
		}
		// The widest is slow, so it comes up less often.
		k.CPUIDs = rapid.SampledFrom(append(cpuIDs[:len(cpuIDs):len(cpuIDs)], cpuIDs[:len(cpuIDs)-1]...)).Draw(t, "nr_cpu_ids")
		if k.Series.Owner {
			k.SubSched = rapid.Bool().Draw(t, "sub-schedulers")
		}
		if oneIn(t, 4, "class addresses") {
			k.ClassBase = 0xffffffff_82000000 + uint64(rapid.Uint32Range(0, 1<<20).Draw(t, "class base"))*16
		}
		if k.Format >= MitosisV5 && k.Format <= MitosisV7 {
			k.LLC = rapid.Bool().Draw(t, "LLC")
		}
		if k.Format >= MitosisV2 && k.Format <= MitosisV6 {
			k.Events = rapid.Bool().Draw(t, "debug events")
		}
		k.DumpCPU = k.Format.IsQmap() || k.Format == AnyText && rapid.Bool().Draw(t, "per-CPU callback")
		return k
	})
}

// oneIn draws true once in n times; it shrinks to false.
func oneIn(t *rapid.T, n int, label string) bool {
	return rapid.IntRange(0, n-1).Draw(t, label) == n-1
}
