// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"encoding/binary"
)

// MaxString is how many bytes of a string a Host or CgroupPath record holds; Append
// cuts what is longer. PATH_MAX is 4096.
const MaxString = 4096

// Host is what records need to be understood elsewhere and later. The collector
// writes it in front of the first dump, and again when something of it changes.
//
// Behind the header, which belongs to no dump and is of CPU -1, a host record
// has, little endian and without gaps:
//
//	s64 boot      Boot
//	u32 hz        HZ
//	u32 enabled   Enabled
//	              Name, Release, Scheduler: for each a u16 length and its bytes
//
// A later version may add members behind these.
type Host struct {
	Boot int64  // wall-clock time at bpf_ktime_get_ns 0, in ns since 1970, 0 if unknown
	HZ   uint32 // of the kernel's jiffies, 0 if unknown
	// Enabled is the number that the kernel gives the task state ENABLED, 3 or
	// 4; 0 if unknown. See dump.CalibrateTaskStates.
	Enabled   uint32
	Name      string // of the host
	Release   string // of the kernel, "7.3.4+deb13-cloud-amd64"
	Scheduler string // name in sched_ext_ops
}

// CgroupPath says which cgroup has an id. The collector writes one for each cgroup
// before the first dump that mentions it ends.
//
// Behind its header a cgroup path record has, little endian and without gaps:
//
//	u64 id
//	    Path: a u16 length and its bytes
type CgroupPath struct {
	ID   uint64
	Path string // from the root of the hierarchy, "/" or "/a/b"
}

// Append appends the record to b.
func (r Host) Append(b []byte) []byte {
	start := len(b)
	b = appendCollectorHeader(b, KindHost)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Boot)) //nolint:gosec // the same bits
	b = binary.LittleEndian.AppendUint32(b, r.HZ)
	b = binary.LittleEndian.AppendUint32(b, r.Enabled)
	b = appendString(b, r.Name)
	b = appendString(b, r.Release)
	b = appendString(b, r.Scheduler)
	return setLen(b, start)
}

// Append appends the record to b.
func (r CgroupPath) Append(b []byte) []byte {
	start := len(b)
	b = appendCollectorHeader(b, KindCgroupPath)
	b = binary.LittleEndian.AppendUint64(b, r.ID)
	b = appendString(b, r.Path)
	return setLen(b, start)
}

func appendCollectorHeader(b []byte, k Kind) []byte {
	h := Header{Magic: Magic, Version: Version, Kind: k, CPU: -1}
	start := len(b)
	b = append(b, make([]byte, headerSize)...)
	h.fields(&codec{b: b[start:], write: true})
	return b
}

// setLen writes the length of the record that starts at start and goes to the
// end of b.
func setLen(b []byte, start int) []byte {
	binary.LittleEndian.PutUint32(b[start+8:], uint32(len(b)-start)) //nolint:gosec // strings are bounded
	return b
}

func appendString(b []byte, s string) []byte {
	s = s[:min(len(s), MaxString)]
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s))) //nolint:gosec // bounded
	return append(b, s...)
}

func parseHost(record []byte) (Host, error) {
	const fixed = headerSize + 16
	if len(record) < fixed {
		return Host{}, errShort
	}
	var r Host
	c := codec{b: record, off: headerSize}
	c.s64(&r.Boot)
	c.u32(&r.HZ)
	c.u32(&r.Enabled)
	rest := record[c.off:]
	for _, s := range []*string{&r.Name, &r.Release, &r.Scheduler} {
		var ok bool
		if *s, rest, ok = cutString(rest); !ok {
			return Host{}, errShort
		}
	}
	return r, nil
}

func parseCgroupPath(record []byte) (CgroupPath, error) {
	const fixed = headerSize + 8
	if len(record) < fixed {
		return CgroupPath{}, errShort
	}
	path, _, ok := cutString(record[fixed:])
	if !ok {
		return CgroupPath{}, errShort
	}
	return CgroupPath{ID: binary.LittleEndian.Uint64(record[headerSize:]), Path: path}, nil
}

// cutString copies the string that b starts with.
func cutString(b []byte) (s string, rest []byte, ok bool) {
	if len(b) < 2 {
		return "", nil, false
	}
	n := int(binary.LittleEndian.Uint16(b))
	b = b[2:]
	if n > MaxString || n > len(b) {
		return "", nil, false
	}
	return string(b[:n]), b[n:], true
}
