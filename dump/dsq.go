// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"strconv"
	"time"
)

// DSQID is the id of a dispatch queue, the kernel's u64 dsq_id. With bit 63
// clear it is a number that the scheduler chose.
type DSQID uint64

// The kernel's built-in DSQ ids (enum scx_dsq_id_flags).
const (
	DSQInvalid DSQID = 1 << 63
	DSQGlobal  DSQID = DSQInvalid | 1
	DSQLocal   DSQID = DSQInvalid | 2 // of the CPU that the task is listed under
	DSQBypass  DSQID = DSQInvalid | 3
	DSQReject  DSQID = DSQInvalid | 4 // 7.3
	DSQRescue  DSQID = DSQInvalid | 5 // 7.3
	// DSQLocalOn is the base of a request for the local DSQ of the CPU in the
	// lower 32 bits. A task never sits on such an id.
	DSQLocalOn DSQID = DSQInvalid | 1<<62
)

// IsBuiltin reports whether the kernel, not the scheduler, owns the id.
func (id DSQID) IsBuiltin() bool { return id&DSQInvalid != 0 }

// String is the id as the kernel prints it, "0x8000000000000002".
func (id DSQID) String() string { return "0x" + strconv.FormatUint(uint64(id), 16) }

// DSQKind says what sort of queue a DSQ is.
type DSQKind string

// The kinds of DSQ. Cell and CPU are user DSQs whose id this program can
// decode, because it knows the scheduler.
const (
	DSQKindNone    DSQKind = "none" // on no DSQ: the kernel printed (n/a)
	DSQKindInvalid DSQKind = "invalid"
	DSQKindLocal   DSQKind = "local"
	DSQKindLocalOn DSQKind = "local-on"
	DSQKindGlobal  DSQKind = "global"
	DSQKindBypass  DSQKind = "bypass"
	DSQKindReject  DSQKind = "reject"
	DSQKindRescue  DSQKind = "rescue"
	DSQKindUser    DSQKind = "user"
	DSQKindCell    DSQKind = "cell"
	DSQKindCPU     DSQKind = "cpu"
)

// DSQRef says which DSQ a task is on, or was assigned to. The zero DSQRef is
// no DSQ.
type DSQRef struct {
	ID   DSQID   // meaningless if Kind is none
	Kind DSQKind // "" counts as none
	Cell int32   // for kind cell
	LLC  int32   // for kind cell, in schedulers that split cells by LLC
	CPU  int32   // for kinds cpu, local and local-on
}

// IsNone reports whether the task is on no DSQ at all: it runs, is in transit,
// or sits in the BPF scheduler's own structures.
func (d DSQRef) IsNone() bool { return d.Kind == "" || d.Kind == DSQKindNone }

// String names the DSQ for people: "(n/a)", "local of CPU 3", "cell 1",
// "0x10000".
func (d DSQRef) String() string {
	switch d.Kind {
	case "", DSQKindNone:
		return "(n/a)"
	case DSQKindLocal:
		if d.CPU < 0 {
			return "local"
		}
		return "local of CPU " + strconv.Itoa(int(d.CPU))
	case DSQKindLocalOn:
		return "local on CPU " + strconv.Itoa(int(d.CPU))
	case DSQKindCPU:
		return "CPU " + strconv.Itoa(int(d.CPU))
	case DSQKindCell:
		s := "cell " + strconv.Itoa(int(d.Cell))
		if d.LLC > 0 {
			s += " LLC " + strconv.Itoa(int(d.LLC))
		}
		return s
	case DSQKindUser:
		return d.ID.String()
	default:
		return string(d.Kind)
	}
}

// BuiltinDSQ decodes the ids that mean the same in every scheduler; cpu is the
// CPU that the task is listed under, or -1. Any other id is a user DSQ.
func BuiltinDSQ(id DSQID, cpu int32) DSQRef {
	r := DSQRef{ID: id, Kind: DSQKindUser}
	switch {
	case id == DSQInvalid:
		r.Kind = DSQKindInvalid
	case id == DSQGlobal:
		r.Kind = DSQKindGlobal
	case id == DSQLocal:
		r.Kind, r.CPU = DSQKindLocal, cpu
	case id == DSQBypass:
		r.Kind = DSQKindBypass
	case id == DSQReject:
		r.Kind = DSQKindReject
	case id == DSQRescue:
		r.Kind = DSQKindRescue
	case id&DSQLocalOn == DSQLocalOn:
		r.Kind, r.CPU = DSQKindLocalOn, int32(uint32(id)) //nolint:gosec // the kernel's encoding
	}
	return r
}

// TypedDSQ decodes the ids of schedulers with one queue for each CPU and one
// for each cell, such as scx_mitosis from v1.0.19 on: bits 28 to 31 hold a
// type, 1 for a CPU in the bits below, 2 for a cell in bits 16 to 27 and its
// LLC below. It returns false for any other id.
func TypedDSQ(id DSQID) (DSQRef, bool) {
	switch id >> 28 {
	case 1:
		return DSQRef{ID: id, Kind: DSQKindCPU, CPU: int32(id & (1<<28 - 1))}, true
	case 2:
		return DSQRef{ID: id, Kind: DSQKindCell, Cell: int32(id >> 16 & 0xfff), LLC: int32(id & 0xffff)}, true
	}
	return DSQRef{}, false
}

// DSQ is a queue that the scheduler describes: a DSQ, or a list of the
// scheduler's own such as the FIFOs of scx_qmap, which has no id.
type DSQ struct {
	ID       Value[DSQID]
	Name     string               // as the scheduler calls it
	Queued   Value[int64]         // tasks in it; negative values are the scheduler's errno
	NrCPUs   Value[uint32]        // CPUs that serve it
	CPUs     Value[CPUMask]       // CPUs that serve it
	HeadWait Value[time.Duration] // how long its first task has been runnable
	PIDs     []int32              // its tasks in order, or the first ones, where the source lists them
	At       Span
}
