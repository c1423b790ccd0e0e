// SPDX-License-Identifier: GPL-2.0-only

package texttest

// qmapFIFOs prints the FIFOs of scx_qmap, one print for each task in them, so
// that a long one runs into the limit of the line buffer. The model's DSQs are
// the FIFOs.
func (r *renderer) qmapFIFOs(o *opsText) {
	for i := range r.s.DSQs {
		d := &r.s.DSQs[i]
		o.print(at(&d.At, &d.Queued.At), "QMAP FIFO[%d]:", i)
		for n, pid := range d.PIDs {
			if r.Format == Qmap {
				o.print(nil, " %d:%d", pid, 1000*(n%4)+n)
			} else {
				o.print(nil, " %d", pid)
			}
		}
		o.print(nil, "\n")
	}
}
