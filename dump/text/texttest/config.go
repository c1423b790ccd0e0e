// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"

	"scxdiag/dump"
)

// Config says how a kernel and a scheduler print a model.
type Config struct {
	Series Series
	// SubSched is set for kernels that were built with support for
	// sub-schedulers, 7.1 and up: they print the name of the scheduler.
	SubSched bool
	CPUIDs   int // nr_cpu_ids, the width of the kernel's masks
	// ClassBase, if not 0, is where the kernel's scheduling classes lie: it
	// has no data symbols and prints addresses.
	ClassBase uint64
	// DumpLen is the size of the dump buffer, exit_dump_len; 0 is unlimited.
	DumpLen int
	// Trace asks for the text that the tracepoint carries: unlimited, with
	// the headers of idle CPUs, each line cut at 1023 bytes.
	Trace bool

	Format Format
	LLC    bool // mitosis: LLC awareness is on (V5 and up)
	Events bool // mitosis: the debug events are on (V2 to V6)
	// DumpCPU is set if the scheduler has a callback for each CPU. It is what
	// makes the kernel format idle CPUs, and drop them again.
	DumpCPU bool
}

// String describes the configuration for the message of a failed test.
func (k Config) String() string {
	s := fmt.Sprintf("%s, %d CPU ids, %s", k.Series.Name, k.CPUIDs, k.Format)
	for _, o := range []struct {
		on   bool
		name string
	}{
		{k.SubSched, "sub-schedulers"}, {k.ClassBase != 0, "class addresses"}, {k.Trace, "trace"},
		{k.LLC, "LLC"}, {k.Events, "debug events"}, {k.DumpCPU, "per-CPU callback"},
		{k.DumpLen > 0, fmt.Sprintf("buffer of %d", k.DumpLen)},
	} {
		if o.on {
			s += ", " + o.name
		}
	}
	return s
}

// GoString is String, so that a failed property test prints it.
func (k Config) GoString() string { return k.String() }

// Format is the shape of a scheduler's own text.
type Format uint8

// The formats.
const (
	NoText  Format = iota // the scheduler prints nothing
	AnyText               // the Text fields of the model, verbatim
	MitosisV1
	MitosisV2
	MitosisV3
	MitosisV4
	MitosisV5
	MitosisV6
	MitosisV7
	Layered       // since 2025-04-16
	LayeredDelta  // 2024-12-06 to 2025-04-16: name in brackets, unsigned delta, mask on the line
	LayeredNoName // up to 2024-10-31: no name, decimal id
	Lavd          // since 2026-06-15
	LavdNoDDSP    // 2026-04-02 to 2026-06-15
	LavdFirst     // March 2026
	Qmap          // with pid:tid, 7.2 and up
	QmapPID       // with pids
	numFormats
)

var formatNames = [numFormats]string{
	"no text", "any text", "mitosis V1", "mitosis V2", "mitosis V3", "mitosis V4", "mitosis V5", "mitosis V6",
	"mitosis V7", "layered", "layered with unsigned delta", "layered without names", "lavd", "lavd without ddsp",
	"lavd, first form", "qmap", "qmap with pids",
}

// AllFormats are the formats of scheduler text.
func AllFormats() []Format {
	all := make([]Format, numFormats)
	for i := range all {
		all[i] = Format(i)
	}
	return all
}

func (f Format) String() string { return formatNames[f] }

// IsMitosis reports whether scx_mitosis prints the format.
func (f Format) IsMitosis() bool { return f >= MitosisV1 && f <= MitosisV7 }

// IsLayered reports whether scx_layered prints the format.
func (f Format) IsLayered() bool { return f >= Layered && f <= LayeredNoName }

// IsLavd reports whether scx_lavd prints the format.
func (f Format) IsLavd() bool { return f >= Lavd && f <= LavdFirst }

// IsQmap reports whether scx_qmap prints the format.
func (f Format) IsQmap() bool { return f == Qmap || f == QmapPID }

// hasLLC reports whether task lines name an LLC.
func (f Format) hasLLC() bool { return f >= MitosisV4 && f <= MitosisV7 }

// classStride is how far apart the kernel's scheduling classes lie; the value
// does not matter, its constancy does.
const classStride = 0xe8

// className is what the kernel prints for a class. Model classes that are not
// one of the kernel's are printed as they are.
func (k Config) className(c dump.Class) string {
	order := []dump.Class{dump.ClassStop, dump.ClassDL, dump.ClassRT, dump.ClassFair, dump.ClassExt, dump.ClassIdle}
	for i, known := range order {
		switch {
		case c != known:
		case k.ClassBase != 0:
			return fmt.Sprintf("0x%x", k.ClassBase+uint64(i)*classStride)
		default:
			return string(c) + "_sched_class"
		}
	}
	return string(c)
}
