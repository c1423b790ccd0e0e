// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"strconv"

	"scxdiag/dump"
)

// The parts of a DSQ id of scx_layered: fallback queues have a bit of their
// own, others the layer from bit 16 up.
const (
	layeredHigh = 0x4000_0000
	layeredLow  = 0x8000_0000
)

// layered prints the layers with a line for the DSQ of each LLC, and the
// fallback queues. The model's DSQs come in the order of the text; their name
// is that of the layer.
func (r *renderer) layered(o *opsText) {
	r.build(o)
	var masks []*dump.Span // of the queues of the layer so far
	for i := range r.s.DSQs {
		d := &r.s.DSQs[i]
		marks := at(&d.At, &d.Queued.At, &d.NrCPUs.At, &d.HeadWait.At)
		id := strconv.FormatUint(uint64(d.ID.V), 16)
		wait := fmt.Sprintf("%+dms", -d.HeadWait.V.Milliseconds())
		high := "HI_"
		switch r.Format {
		case Layered:
			marks = append(marks, &d.ID.At)
		case LayeredNoName:
			id = strconv.FormatUint(uint64(d.ID.V), 10)
			fallthrough
		default:
			// Nothing tells in which base the id is, so ID.At stays nowhere.
			// The delay is unsigned, behind a minus.
			wait = fmt.Sprintf("-%dms", d.HeadWait.V.Milliseconds())
			high = "HI_FALLBACK"
		}
		layer := uint64(d.ID.V) >> 16
		switch {
		case d.ID.V&layeredLow != 0:
			o.print(marks, "LO_FALLBACK[%s] nr_queued=%d %s\n", id, d.Queued.V, wait)
		case d.ID.V&layeredHigh != 0:
			o.print(marks, "%s[%s] nr_queued=%d %s\n", high, id, d.Queued.V, wait)
		case r.Format == Layered:
			o.print(marks, "LAYER[%d](%s)-DSQ[%s] nr_cpus=%d nr_queued=%d %s\n", layer, d.Name, id, d.NrCPUs.V, d.Queued.V, wait)
			masks = append(masks, &d.CPUs.At)
			if i+1 == len(r.s.DSQs) || uint64(r.s.DSQs[i+1].ID.V)>>16 != layer {
				o.print(masks, "LAYER[%d](%s) CPUS=%s\n", layer, d.Name, r.fullMask(d.CPUs))
				masks = nil
			}
		default:
			name := ""
			if r.Format == LayeredDelta {
				name = "[" + d.Name + "]"
			}
			o.print(append(marks, &d.CPUs.At), "LAYER[%d]%sDSQ[%s] nr_cpus=%d nr_queued=%d %s cpus=%s\n",
				layer, name, id, d.NrCPUs.V, d.Queued.V, wait, r.fullMask(d.CPUs))
		}
	}
}
