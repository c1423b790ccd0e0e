// SPDX-License-Identifier: GPL-2.0-only

package diff

import "scxdiag/dump"

// The fields of a cell that are compared.
const (
	CellCPUs int = iota
	CellState
	CellOwner
	CellDSQ
	NrCellFields
)

var cellFields = [NrCellFields]compare[dump.Cell]{
	CellCPUs:  by(func(c *dump.Cell) *dump.Value[dump.CPUMask] { return &c.CPUs }),
	CellState: by(func(c *dump.Cell) *dump.Value[dump.CellState] { return &c.State }),
	CellOwner: by(func(c *dump.Cell) *dump.Value[uint64] { return &c.OwnerCgroup }),
	CellDSQ:   by(func(c *dump.Cell) *dump.Value[dump.DSQID] { return &c.DSQ }),
}

// Cells is what became of the cells. A cell is told from the next one of its id
// by its generation.
type Cells struct {
	Before, After  Coverage
	Matched        int
	Created, Ended []*dump.Cell
	// OnlyBefore and OnlyAfter count the cells of one snapshot of which the
	// other does not tell whether it had them.
	OnlyBefore, OnlyAfter int
	Changed               []Cell // those of which a field changed
	Fields                [NrCellFields]Tally
	Progress              []CellProgress // every matched cell, by id

	moved int // clocks
}

// Cell is a cell of both snapshots.
type Cell struct {
	Before, After    *dump.Cell
	Changed, Unknown Fields // numbered CellCPUs and so on
}

// Gained is the CPUs that the cell has got, and Lost those that it gave up.
func (c *Cell) Gained() dump.CPUMask { return c.After.CPUs.V.AndNot(c.Before.CPUs.V) }

// Lost is the counterpart of Gained.
func (c *Cell) Lost() dump.CPUMask { return c.Before.CPUs.V.AndNot(c.After.CPUs.V) }

// CellProgress is how a cell got on.
type CellProgress struct {
	Before, After *dump.Cell
	VTime         dump.Value[int64] // how far its clock moved
	Waited        int               // its tasks that waited all the time
	WaitUnknown   int               // those of which that is not known
}

// cells compares the cells. It needs the tasks to have been compared.
func (d *Diff) cells() {
	r := &d.Cells
	r.Before, r.After = cellCoverage(d.Before), cellCoverage(d.After)
	before, after := usedCells(d.Before), usedCells(d.After)
	waits := d.cellWaits()
	for i := range d.Before.Cells {
		b := &d.Before.Cells[i]
		if before[b.ID] != b {
			continue
		}
		a := after[b.ID]
		switch {
		case a != nil && !d.otherCell(b, a):
			w := waits[b.ID]
			d.matchedCell(CellProgress{Before: b, After: a, Waited: w.waited, WaitUnknown: w.unknown})
		case a != nil, r.After == CoversAll, listsFree(d.After, b.ID):
			r.Ended = append(r.Ended, b)
		default:
			r.OnlyBefore++
		}
	}
	for i := range d.After.Cells {
		a := &d.After.Cells[i]
		if after[a.ID] != a {
			continue
		}
		b := before[a.ID]
		switch {
		case b != nil && !d.otherCell(b, a):
		case b != nil, r.Before == CoversAll, listsFree(d.Before, a.ID):
			r.Created = append(r.Created, a)
		default:
			r.OnlyAfter++
		}
	}
}

func (d *Diff) matchedCell(p CellProgress) {
	r := &d.Cells
	r.Matched++
	changed, unknown := compareAll(cellFields[:], r.Fields[:], p.Before, p.After)
	if changed != 0 {
		r.Changed = append(r.Changed, Cell{p.Before, p.After, changed, unknown})
	}
	if d.SameRun {
		p.VTime = progress(p.Before.VTime, p.After.VTime)
	}
	if p.VTime.V != 0 {
		r.moved++
	}
	r.Progress = append(r.Progress, p)
}

// usedCells finds cells by id, without those that are free. Of several of one
// id the first counts.
func usedCells(s *dump.Snapshot) map[int32]*dump.Cell {
	cells := make(map[int32]*dump.Cell, len(s.Cells))
	for i := range s.Cells {
		if c := &s.Cells[i]; cells[c.ID] == nil && c.State.V != dump.CellFree {
			cells[c.ID] = c
		}
	}
	return cells
}

// listsFree reports whether the snapshot says that a cell is free.
func listsFree(s *dump.Snapshot, id int32) bool {
	c := s.Cell(id)
	return c != nil && c.State.V == dump.CellFree
}

// otherCell reports whether two cells of one id are not the same cell.
// Generations start anew with the scheduler.
func (d *Diff) otherCell(b, a *dump.Cell) bool {
	return d.SameRun && b.Generation.Known && a.Generation.Known && b.Generation.V != a.Generation.V
}

// cellWait counts tasks of a cell.
type cellWait struct{ waited, unknown int }

// cellWaits counts the tasks that waited by the cell that they were in at both
// times.
func (d *Diff) cellWaits() map[int32]cellWait {
	waits := make(map[int32]cellWait)
	for i := range d.Tasks.Progress {
		p := &d.Tasks.Progress[i]
		if !p.Before.Cell.Known || !p.After.Cell.Known || p.Before.Cell.V != p.After.Cell.V {
			continue
		}
		w := waits[p.After.Cell.V]
		switch {
		case !p.Waited.Known:
			w.unknown++
		case p.Waited.V:
			w.waited++
		}
		waits[p.After.Cell.V] = w
	}
	return waits
}
