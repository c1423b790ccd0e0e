// SPDX-License-Identifier: GPL-2.0-only

package wire

// DropAll forgets the open dumps without decoding them, for benchmarks.
func (a *Assembler) DropAll() {
	for len(a.open) > 0 {
		d := a.open[0]
		a.close(d)
		a.pool.put(d.chunks)
	}
	clear(a.recent[:])
}

// Held is how many bytes of records are held.
func (a *Assembler) Held() int { return a.held }
