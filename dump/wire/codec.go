// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"bytes"
	"encoding/binary"
)

// codec walks over the members of a record. It reads them from b, or writes
// them there, so that each record lists its members once.
type codec struct {
	b     []byte
	off   int
	write bool
}

func (c *codec) u16(v *uint16) {
	if c.write {
		binary.LittleEndian.PutUint16(c.b[c.off:], *v)
	} else {
		*v = binary.LittleEndian.Uint16(c.b[c.off:])
	}
	c.off += 2
}

func (c *codec) u32(v *uint32) {
	if c.write {
		binary.LittleEndian.PutUint32(c.b[c.off:], *v)
	} else {
		*v = binary.LittleEndian.Uint32(c.b[c.off:])
	}
	c.off += 4
}

func (c *codec) u64(v *uint64) {
	if c.write {
		binary.LittleEndian.PutUint64(c.b[c.off:], *v)
	} else {
		*v = binary.LittleEndian.Uint64(c.b[c.off:])
	}
	c.off += 8
}

func (c *codec) s32(v *int32) {
	u := uint32(*v) //nolint:gosec // the same bits
	c.u32(&u)
	*v = int32(u) //nolint:gosec // the same bits
}

func (c *codec) s64(v *int64) {
	u := uint64(*v) //nolint:gosec // the same bits
	c.u64(&u)
	*v = int64(u) //nolint:gosec // the same bits
}

func (c *codec) bytes(v []byte) {
	if c.write {
		copy(c.b[c.off:], v)
	} else {
		copy(v, c.b[c.off:])
	}
	c.off += len(v)
}

// cString is what stands in front of the first NUL of a C array.
func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
