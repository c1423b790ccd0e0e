// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"slices"

	"scxdiag/dump"
)

// masks is a matrix with a column for each CPU, or for a few of them: which CPUs
// the cells have, and below them on which the tasks may run. What is wrong with
// the masks stands above it in words.
type masks struct {
	x *index
	// These are made when the masks are first shown: the snapshots of a live
	// session that are not looked at cost nothing.
	ready    bool
	cells    []int        // those in use
	tasks    []int        // all, in the order of their rows
	several  dump.CPUMask // CPUs in more than one cell
	none     dump.CPUMask // and in none
	problems []text
	n        int // CPU ids, at most dump.MaxCPUs

	shape  maskShape
	cursor int   // row
	picked bool  // the cursor follows what it is on
	at     place // what it was on
	column int   // CPU that the column with the cursor has, or one of those
	left   int   // first CPU shown
	top    int   // first row shown
	rows   int   // rows that fit
	label  int   // columns in front of the matrix
	per    int   // CPUs a column
	pitch  int   // columns of the screen that a column takes
	fit    int   // columns that fit
	said   []line
}

// maskShape is a way to show the masks.
type maskShape uint8

const (
	fitted    maskShape = iota // all CPUs on the screen
	wideShape                  // a CPU a column, as far as there is room
	tasksOnly                  // all CPUs on the screen, without the cells
	nrMaskShapes
)

// show takes another snapshot. The cursor stays on what it was put on.
func (v *masks) show(x *index) {
	if v.ready && v.picked {
		v.at = v.selection().place
	}
	v.x, v.ready = x, false
	v.cells, v.tasks, v.problems = nil, nil, nil
}

// toSubject has the cursor go to the task that the verdict is about, and to its CPU.
func (v *masks) toSubject() {
	x := v.x
	t := x.task(x.subject)
	if t == nil {
		return
	}
	if x.tie != longest {
		v.at, v.picked = x.placeOfTask(x.subject), true
		v.ready = false
	}
	if t.CPU.Known && t.CPU.V >= 0 {
		v.column = int(t.CPU.V)
	}
}

// prepare looks at all masks of the snapshot.
func (v *masks) prepare() {
	x := v.x
	v.ready = true
	v.n = x.cpuIDs()
	v.cells = nil
	for i := range x.s.Cells {
		c := &x.s.Cells[i]
		if c.State.V != dump.CellFree || !c.CPUs.V.IsEmpty() {
			v.cells = append(v.cells, i)
		}
	}
	v.findProblems()
	v.order()
	if v.shape == tasksOnly && len(v.cells) == 0 {
		v.shape = fitted
	}
	v.seek()
}

// order sorts the tasks: the subject first, then by wait, and behind those that
// wait the ones that run and then all others.
func (v *masks) order() {
	x := v.x
	type keyed struct {
		rank uint8
		wait int64
		i    int
	}
	keys := make([]keyed, len(x.s.Tasks))
	for i := range x.s.Tasks {
		t := &x.s.Tasks[i]
		k := keyed{i: i}
		if w, ok := t.WaitingFor(); ok {
			k.wait = int64(w)
		} else {
			k.rank = 1 + uint8(standingOf(t))
		}
		if i == x.subject && x.tie != longest {
			k.rank, k.wait = 0, 1<<62
		}
		keys[i] = k
	}
	slices.SortStableFunc(keys, func(a, b keyed) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.wait, a.wait)) })
	v.tasks = make([]int, len(keys))
	for k := range keys {
		v.tasks[k] = keys[k].i
	}
}

// seek puts the cursor on what it was on, if the snapshot has it.
func (v *masks) seek() {
	if !v.picked {
		v.clamp()
		return
	}
	want := -1
	switch v.at.view {
	case viewTask:
		if i := v.x.findTask(v.at); i >= 0 {
			want = v.firstTask() + slices.Index(v.tasks, i)
		}
	default:
		for r := range v.firstTask() {
			if v.placeOf(r) == v.at {
				want = r
				break
			}
		}
	}
	if want >= 0 {
		v.cursor = want
	}
	v.clamp()
}

func (v *masks) clamp() {
	v.cursor = max(0, min(v.cursor, v.total()-1))
	if v.kind(v.cursor) == rowHead {
		v.cursor++
	}
	v.column = max(0, min(v.column, v.n-1))
}

// rowKind is what a row is of.
type rowKind uint8

const (
	rowCell    rowKind = iota
	rowSeveral         // CPUs in several cells
	rowNone            // CPUs in no cell
	rowHead            // the title of the tasks, which the cursor passes over
	rowTask
)

// special are the rows between the cells and the tasks.
func (v *masks) special() []rowKind {
	if v.shape == tasksOnly || len(v.cells) == 0 {
		return nil
	}
	var out []rowKind
	if !v.several.IsEmpty() {
		out = append(out, rowSeveral)
	}
	if !v.none.IsEmpty() {
		out = append(out, rowNone)
	}
	if len(v.tasks) > 0 {
		out = append(out, rowHead)
	}
	return out
}

// cellRows is how many rows the cells take.
func (v *masks) cellRows() int {
	if v.shape == tasksOnly {
		return 0
	}
	return len(v.cells)
}

func (v *masks) firstTask() int { return v.cellRows() + len(v.special()) }
func (v *masks) total() int     { return v.firstTask() + len(v.tasks) }

func (v *masks) kind(row int) rowKind {
	switch k := row - v.cellRows(); {
	case k < 0:
		return rowCell
	case row < v.firstTask():
		return v.special()[k]
	}
	return rowTask
}

// placeOf is where a row leads.
func (v *masks) placeOf(row int) place {
	if row < 0 || row >= v.total() {
		return nowhere
	}
	switch v.kind(row) {
	case rowCell:
		return placeOfCell(v.x.s.Cells[v.cells[row]].ID)
	case rowSeveral:
		return placeOfCPU(v.cpuOf(v.several))
	case rowNone:
		return placeOfCPU(v.cpuOf(v.none))
	case rowTask:
		return v.x.placeOfTask(v.tasks[row-v.firstTask()])
	}
	return nowhere
}

// cpuOf is the CPU of a mask that the column with the cursor is of, or else the
// first.
func (v *masks) cpuOf(m dump.CPUMask) int32 {
	if m.Has(v.column) {
		return int32(v.column) //nolint:gosec // below MaxCPUs
	}
	return int32(m.First()) //nolint:gosec // below MaxCPUs
}

func (v *masks) selection() selection {
	s := selection{place: v.placeOf(v.cursor)}
	s.at = v.x.span(s.place)
	return s
}

func (v *masks) sideways() bool { return true }

func (v *masks) position() text {
	if v.total() == 0 {
		return ""
	}
	at, all := v.cursor+1, v.total()
	if slices.Contains(v.special(), rowHead) {
		all--
		if at > v.firstTask() {
			at--
		}
	}
	return number(at) + "/" + number(all)
}

func (v *masks) move(to motion) {
	switch to {
	case moveUp:
		v.step(-1)
	case moveDown:
		v.step(1)
	case movePageUp:
		v.step(-v.rows)
	case movePageDown:
		v.step(v.rows)
	case moveFirst:
		v.step(-v.cursor)
	case moveLast:
		v.step(v.total())
	case moveLeft:
		v.column = max(v.column-v.per, 0)
	case moveRight:
		if v.column-v.column%v.per+v.per < v.n {
			v.column = min(v.column+v.per, v.n-1)
		}
	}
}

// step moves the cursor by n rows, and off the title of the tasks.
func (v *masks) step(n int) {
	v.cursor = max(0, min(v.cursor+n, v.total()-1))
	if v.total() > 0 && v.kind(v.cursor) == rowHead {
		switch {
		case n < 0 && v.cursor > 0:
			v.cursor--
		default:
			v.cursor++
		}
	}
	v.picked = n > 0 || v.cursor > 0
}

// tasksOf is what the tasks of the row with the cursor have in common: the cell, or
// the CPU.
func (v *masks) tasksOf() place {
	p := v.placeOf(v.cursor)
	if t := v.x.task(v.x.findTask(p)); p.view == viewTask && t != nil && t.Cell.Known {
		return placeOfCell(t.Cell.V)
	}
	return p
}

// reshape takes the next shape that differs from the present one, and reports
// whether there is any.
func (v *masks) reshape() bool {
	old := v.shape
	on := v.placeOf(v.cursor)
	packed := v.per > 1 || v.shape == wideShape
	for {
		v.shape = (v.shape + 1) % nrMaskShapes
		if v.shape == fitted || v.shape == wideShape && packed || v.shape == tasksOnly && len(v.cells) > 0 {
			break
		}
	}
	was := v.picked
	v.at, v.picked = on, true
	v.seek()
	v.picked = was
	return v.shape != old
}

// The columns of the screen in front of the matrix, which are more where it leaves them.
const (
	minLabel = 24
	midLabel = 28
	maxLabel = 40
)

// headRows is the lines of the screen around the rows: the ruler of two, what the
// cursor is on, and the legend.
const headRows = 4

// layout chooses how many CPUs a column has, and scrolls.
func (v *masks) layout(width, height int) {
	if !v.ready {
		v.prepare()
	}
	v.say(width, height)
	v.label = minLabel
	if width >= 70 {
		v.label = midLabel
	}
	room := max(width-gutter-v.label-1, 1)
	v.per, v.pitch = 1, 1
	for v.shape != wideShape && v.n > room*v.per {
		v.per *= 2
	}
	columns := (v.n + v.per - 1) / v.per
	more := max(0, min(room-columns, maxLabel-v.label))
	v.label, room = v.label+more, room-more
	if v.per == 1 {
		v.pitch = max(min(room/v.n, 4), 1)
	}
	v.fit = min(room/v.pitch, columns)
	v.rows = max(height-headRows-len(v.said), 1)
	v.top = max(min(v.top, v.cursor), v.cursor-v.rows+1)
	if v.cursor < v.rows { // with the cells where they have room
		v.top = 0
	}
	v.top = max(0, min(v.top, v.total()-v.rows))
	v.column = max(0, min(v.column, v.n-1))
	span := v.fit * v.per
	at := v.column - v.column%v.per
	v.left = max(min(v.left, at), at-span+v.per)
	v.left = max(0, min(v.left, v.n-span))
	if v.per > 1 || v.n <= span {
		v.left = 0
	}
}

// say makes the lines above the matrix: what there is, and what is wrong.
func (v *masks) say(width, height int) {
	var l line
	if n := v.cellRows(); n > 0 {
		l.list(plain, count(n, "cell"))
	}
	l.list(plain, count(len(v.tasks), "task"))
	cpus := len(v.x.s.CPUs)
	if cpus == 0 { // only the masks tell
		cpus = v.n
	}
	l.list(plain, count(cpus, "CPU"))
	switch {
	case len(v.problems) > 0:
		l = line{}
		for i, p := range v.problems {
			if i > 0 {
				l.add(plain, "; ")
			} else {
				l.add(warning, "! ")
			}
			l.add(warning, p)
		}
		l.add(plain, ".")
	case len(v.cells) > 0 && v.x.s.Ledger.Complete():
		l.add(plain, ". Each CPU is in one cell, and all tasks may run on CPUs of their cells.")
	case v.total() == 0:
		l = line{{plain, "This snapshot tells of no cells and no tasks."}}
	case len(v.cells) == 0:
		l.add(plain, ". The snapshot tells of no cells: only of where the tasks may run.")
	}
	most := 2
	if height > 16 {
		most = 3
	}
	v.said = nil
	lines := l.wrap(max(width-gutter-1, 1))
	for k, l := range lines[:min(len(lines), most)] {
		if k == most-1 && len(lines) > most {
			l.add(warning, ellipsis)
		}
		v.said = append(v.said, append(line{{plain, "  "}}, l...))
	}
}

// Render gives what is wrong, the numbers of the CPUs, the visible rows, what the
// cursor is on, and the legend.
func (v *masks) Render(st *styles, width, height int) []string {
	out := make([]string, 0, height)
	put := func(l line, on style) {
		if len(out) < height {
			out = append(out, l.render(st, on, width))
		}
	}
	for _, l := range v.said {
		put(l, plain)
	}
	for _, l := range v.ruler() {
		put(l, plain)
	}
	for r := v.top; r < min(v.top+v.rows, v.total()); r++ {
		l, on := v.row(r), plain
		mark := text("  ")
		if r == v.cursor {
			mark, on = "> ", selected
		}
		put(append(line{{plain, mark}}, l...), on)
	}
	for len(out) < height-2 {
		out = append(out, "")
	}
	put(append(line{{plain, "  "}}, v.about()...), plain)
	put(v.legend(width), plain)
	return out
}

// ruler is the numbers of the CPUs and below them where each is, with the column of
// the cursor.
func (v *masks) ruler() []line {
	digits := number(v.n - 1).width()
	step := 1
	for step*v.pitch < digits+1 && v.pitch*v.n > digits {
		step *= 2
	}
	if v.n <= 10 && v.pitch == 1 {
		step = 1
	}
	title := text("CPU")
	if v.per > 1 {
		title = number(v.per) + " CPUs a column"
	} else if v.fit < v.n {
		title = "CPUs " + number(v.left) + "-" + number(min(v.left+v.fit, v.n)-1) + " of " + number(v.n)
	}
	head := line{{muted, spaces(gutter) + title.clip(v.label).pad(v.label, false) + " "}}
	ticks := line{{plain, spaces(gutter + v.label + 1)}}
	at := v.columnOf(v.column)
	for k := 0; k < v.fit; {
		n := min(step-(k+v.left)%step, v.fit-k)
		label := text("")
		tick := spaces(n * v.pitch)
		if (k+v.left)%step == 0 {
			label = number(v.left + k*v.per)
			if step > 1 {
				tick = "'" + tick.skip(1)
			}
		}
		if at >= k && at < k+n {
			tick = tick.take((at-k)*v.pitch) + "▼" + tick.skip((at-k)*v.pitch+1)
		}
		head.add(muted, label.take(n*v.pitch).pad(n*v.pitch, false))
		ticks.add(plain, tick)
		k += n
	}
	return []line{head, ticks}
}

// columnOf is the column of the matrix that a CPU is in.
func (v *masks) columnOf(cpu int) int { return (cpu - v.left) / v.per }

// bounds are the CPUs of a column.
func (v *masks) bounds(column int) (first, last int) {
	first = v.left + column*v.per
	return first, min(first+v.per, v.n) - 1
}

// row is a row without the mark of the cursor.
func (v *masks) row(r int) line {
	switch v.kind(r) {
	case rowHead:
		if v.x.subject >= 0 && v.x.tie != longest {
			return line{{heading, "Tasks: that of the verdict, then by wait"}}
		}
		return line{{heading, "Tasks, by wait"}}
	case rowSeveral:
		return v.problemRow("! in several cells", "X", v.several)
	case rowNone:
		return v.problemRow("! in no cell", "!", v.none)
	case rowCell:
		return v.cellRow(v.cells[r])
	}
	return v.taskRow(&v.x.s.Tasks[v.tasks[r-v.firstTask()]])
}

// glyphs appends the columns of a row, each as glyph says.
func (v *masks) glyphs(l *line, glyph func(first, last int) span) {
	var run span // of columns that look the same, and how many they are
	n := 0
	flush := func() {
		t := run.text
		if v.pitch > 1 {
			t = repeat(t, v.pitch-1) + " "
		}
		l.add(run.style, repeat(t, n))
		n = 0
	}
	for k := range v.fit {
		s := glyph(v.bounds(k))
		if n > 0 && s != run {
			flush()
		}
		run = s
		n++
	}
	flush()
}

func (v *masks) problemRow(label, glyph text, m dump.CPUMask) line {
	l := line{{bad, label.pad(v.label, false)}, {plain, " "}}
	v.glyphs(&l, func(first, last int) span {
		if m.CountRange(first, last) > 0 {
			return span{bad, glyph}
		}
		return span{plain, " "}
	})
	return l
}

// quantity is the glyph for n of all CPUs of a column: for all, some, or none.
func quantity(n, all int, on style) span {
	switch n {
	case 0:
		return span{muted, "·"}
	case all:
		return span{on, "█"}
	}
	return span{on, "▄"}
}

func (v *masks) cellRow(i int) line {
	c := &v.x.s.Cells[i]
	on := cellStyle(c.ID)
	label := line{{on, "cell " + number(c.ID)}}
	if c.State.Known && c.State.V != dump.CellLive {
		label.add(warning, " "+clean(string(c.State.V)))
	}
	if c.OwnerPath.Known {
		label.add(plain, "  "+clean(c.OwnerPath.V).clipLeft(max(v.label-label.width()-2, 1)))
	}
	l := append(padded(label.clip(v.label), v.label), span{plain, " "})
	differs, overlap := cpusetDiffers(c), v.several.And(c.CPUs.V)
	v.glyphs(&l, func(first, last int) span {
		if !c.CPUs.Known {
			return span{muted, "?"}
		}
		n := c.CPUs.V.CountRange(first, last)
		if n > 0 && overlap.CountRange(first, last) > 0 {
			return span{bad, "X"}
		}
		if asked := c.CpusetCPUs.V.CountRange(first, last) > 0; differs && asked != (n > 0) {
			if asked {
				return span{warning, "o"}
			}
			return span{warning, "+"}
		}
		return quantity(n, last-first+1, on)
	})
	return l
}

// maskOf is where a task may run.
func maskOf(t *dump.Task) dump.Value[dump.CPUMask] {
	if t.CPUs.Known {
		return t.CPUs
	}
	return t.AllowedCPUs
}

// cellMask is the CPUs of a task's cell, as far as they are known.
func (v *masks) cellMask(t *dump.Task) dump.Value[dump.CPUMask] {
	if c := v.x.cellOf(t); c != nil {
		return c.CPUs
	}
	return dump.Value[dump.CPUMask]{}
}

func (v *masks) taskRow(t *dump.Task) line {
	wait := taskWait(t)
	cell := text("")
	if t.Cell.Known && len(v.cells) > 0 {
		cell = " c" + number(t.Cell.V)
	}
	right := line{{wait.style, wait.text.pad(8, true)}, {cellStyle(t.Cell.V), cell.clip(4).pad(4, false)}}
	left := line{{name, clean(t.TaskRef.String()).clip(v.label - right.width() - 1)}}
	l := append(padded(sides(left, right, v.label), v.label), span{plain, " "})
	allowed, within := maskOf(t), v.cellMask(t)
	on := cellStyle(t.Cell.V)
	if !t.Cell.Known {
		on = plain
	}
	both, either := allowed.V.And(within.V), allowed.V.Or(within.V)
	v.glyphs(&l, func(first, last int) span {
		if !allowed.Known {
			return span{muted, "?"}
		}
		all := last - first + 1
		if t.CPU.Known && int(t.CPU.V) >= first && int(t.CPU.V) <= last {
			switch cpu := int(t.CPU.V); {
			case !allowed.V.Has(cpu):
				return span{bad, "!"}
			case within.Known && !within.V.Has(cpu):
				return span{warning, "%"}
			}
			return span{good, "@"}
		}
		if either.CountRange(first, last) == 0 { // most of a large machine
			return span{muted, "·"}
		}
		if !within.Known {
			return quantity(allowed.V.CountRange(first, last), all, on)
		}
		if n := both.CountRange(first, last); n > 0 {
			return quantity(n, all, on)
		}
		if allowed.V.CountRange(first, last) > 0 {
			return span{warning, "▒"}
		}
		return span{muted, "_"}
	})
	return l
}

// about says what the row and the column of the cursor have to do with each other.
func (v *masks) about() line {
	if v.total() == 0 {
		return nil
	}
	first, last := v.bounds(v.columnOf(v.column))
	l := line{{name, cpusPhrase(dump.MaskRange(first, last))}}
	all := last - first + 1
	// share is how many of the CPUs of the column are in a mask.
	share := func(m dump.CPUMask, what text) text {
		n := m.CountRange(first, last)
		switch {
		case n == 0:
			return "not " + what
		case all == 1:
			return what
		case n == all:
			return "all " + what
		}
		return number(n) + " " + what
	}
	l.add(plain, ": ")
	switch v.kind(v.cursor) {
	case rowCell:
		c := &v.x.s.Cells[v.cells[v.cursor]]
		l.add(plain, share(c.CPUs.V, "in cell "+number(c.ID)))
		if c.CpusetCPUs.Known {
			l.add(plain, ", "+share(c.CpusetCPUs.V, "in its cpuset"))
		}
		l.add(muted, "  the cell has "+cpusPhrase(c.CPUs.V))
		if cpusetDiffers(c) {
			l.add(warning, ", its cpuset "+cpusPhrase(c.CpusetCPUs.V))
		}
	case rowSeveral:
		l.add(plain, v.cellsWith(first, last))
		l.add(muted, "  in several cells: "+cpusPhrase(v.several))
	case rowNone:
		l.add(plain, v.cellsWith(first, last))
		l.add(muted, "  in no cell: "+cpusPhrase(v.none))
	case rowTask:
		t := &v.x.s.Tasks[v.tasks[v.cursor-v.firstTask()]]
		l.add(plain, share(maskOf(t).V, "allowed"))
		cell := v.cellMask(t)
		if cell.Known {
			l.add(plain, ", "+share(cell.V, "in cell "+number(t.Cell.V)))
		}
		l.add(muted, "  the task has "+cpusPhrase(maskOf(t).V))
		if t.CPU.Known {
			l.add(muted, " and is on "+number(t.CPU.V))
		}
		if cell.Known {
			l.add(muted, ", the cell has "+cpusPhrase(cell.V))
		}
	}
	return l
}

// cellsWith names the cells that have CPUs of first..last.
func (v *masks) cellsWith(first, last int) text {
	var ids []int32
	for _, i := range v.cells {
		if v.x.s.Cells[i].CPUs.V.CountRange(first, last) > 0 {
			ids = append(ids, v.x.s.Cells[i].ID)
		}
	}
	if len(ids) == 0 {
		return "in no cell"
	}
	return "in " + cellsPhrase(ids)
}

// legend says what the glyphs of the row with the cursor mean.
func (v *masks) legend(width int) line {
	if v.total() == 0 {
		return nil
	}
	type entry struct {
		on          style
		glyph, word text
	}
	entries := []entry{{plain, "█", "in the cell"}, {muted, "·", "not"}, {bad, "X", "in several"}, {warning, "+", "not of its cpuset"}, {warning, "o", "of its cpuset only"}}
	if v.kind(v.cursor) == rowTask {
		entries = []entry{{plain, "█", "allowed and in the cell"}, {warning, "▒", "allowed outside"}, {muted, "_", "cell only"}, {good, "@", "is on it"}, {warning, "%", "is on it, outside"}, {bad, "!", "is on it, not allowed"}}
		if width < 100 {
			entries = []entry{{plain, "█", "both"}, {warning, "▒", "allowed"}, {muted, "_", "cell"}, {good, "@", "on it"}, {warning, "%", "outside"}, {bad, "!", "wrong"}}
		}
		if len(v.cells) == 0 {
			entries = []entry{{plain, "█", "allowed"}, {muted, "·", "not"}, {good, "@", "is on it"}, {bad, "!", "is on it and not allowed"}}
		}
	} else if width < 100 {
		entries = []entry{{plain, "█", "cell"}, {bad, "X", "several"}, {warning, "+", "not in cpuset"}, {warning, "o", "cpuset only"}}
	}
	if v.per > 1 {
		entries = slices.Insert(entries, 1, entry{plain, "▄", "some"})
	}
	l := line{{plain, " "}}
	for _, e := range entries {
		l.add(e.on, " "+e.glyph)
		l.add(muted, " "+e.word)
	}
	return l
}
