// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"scxdiag/dump"
)

// grid is the CPUs side by side. It is another shape of their table, whose
// cursor and filter it has: what the filter leaves out is faint, and the cursor
// passes over it.
type grid struct {
	x     *index
	l     *list  // the table
	tiles []tile // by number of the CPU
	nth   []int  // of each CPU of the snapshot: its tile
	table bool   // the table is shown instead
	// hasCells is set if the cell of any CPU is known.
	hasCells bool

	form    *form
	width   int // columns of a tile
	perRow  int // tiles side by side
	rows    int // rows of tiles that fit
	top     int // first row shown
	bodyRow int // lines of the screen that the tiles have
	detail  int // lines of the screen about the CPU with the cursor
	shown   []bool
	queue   waiters
}

// tile is what the grid shows of one CPU.
type tile struct {
	cpu     int // index in Snapshot.CPUs
	id      int32
	mark    badge
	higher  bool // a class above sched_ext has it
	load    int  // tasks that wait for the CPU
	idle    bool
	unknown bool // what it runs: its lines may be missing
	cell    int32
	hasCell bool
}

// badge is what is out of the ordinary with a CPU, the worst last.
type badge uint8

const (
	unmarked badge = iota
	outranked
	stalled
	offline
	nrMarks
)

// marks are how they are written.
var marks = [nrMarks]struct {
	glyph, word text
	brief       text // in the legend
	on          style
}{
	unmarked:  {" ", "", "", plain},
	outranked: {"^", "with a class above ext", "rt/dl", higher},
	stalled:   {"!", "stalled", "stalled", bad},
	offline:   {"x", "offline", "off", warning},
}

// longestTimeout is what the kernel allows a watchdog at most, and what it has
// unless the scheduler asks for less.
const longestTimeout = 30 * time.Second

// stallLimit is the wait from which on a CPU is marked: half of what the
// watchdog allows. That is what it found too long in a stall.
func (x *index) stallLimit() time.Duration {
	limit := longestTimeout
	if !x.isStall() {
		return limit / 2
	}
	w, ok := x.all.wait()
	if t := x.stalledTask(); t != nil {
		w, ok = t.WaitingFor()
	}
	if ok {
		limit = min(limit, w)
	}
	return limit / 2
}

func (x *index) isStall() bool {
	return x.s.IsFailure() && x.s.Exit.Kind.V == dump.ExitErrorStall
}

// stalledTask is the task that the verdict names if that is a stall, or nil.
func (x *index) stalledTask() *dump.Task {
	if x.tie != named || !x.isStall() {
		return nil
	}
	return x.task(x.subject)
}

// show takes the CPUs of a snapshot, and the table of them.
func (g *grid) show(x *index, l *list) {
	g.x, g.l = x, l
	n := len(x.s.CPUs)
	g.tiles, g.nth, g.shown = make([]tile, n), make([]int, n), make([]bool, n)
	g.hasCells = false
	limit, victim := x.stallLimit(), x.stalledTask()
	for i := range x.s.CPUs {
		c := &x.s.CPUs[i]
		t := tile{cpu: i, id: c.ID, cell: c.Cell.V, hasCell: c.Cell.Known, load: x.load(c), higher: c.Class.V.IsHigher()}
		t.idle, _ = x.s.IsIdle(c)
		t.unknown = x.s.IsUnseen(c)
		wait, waits := x.byCPU[c.ID].wait()
		switch {
		case c.Online.Known && !c.Online.V:
			t.mark = offline
		case waits && wait > limit, victim != nil && victim.CPU.Known && victim.CPU.V == c.ID:
			t.mark = stalled
		case t.higher:
			t.mark = outranked
		}
		g.tiles[i] = t
		g.hasCells = g.hasCells || t.hasCell
	}
	slices.SortStableFunc(g.tiles, func(a, b tile) int { return cmp.Compare(a.id, b.id) })
	for k := range g.tiles {
		g.nth[g.tiles[k].cpu] = k
	}
	g.queue = waiters{}
}

// load is how many tasks wait for a CPU: by the tasks of the snapshot, by what the
// scheduler counts on the CPU's own queue, or by the kernel's count, whichever has
// most. Each may have what the others have not.
func (x *index) load(c *dump.CPU) int {
	n := 0
	if g := x.byCPU[c.ID]; g != nil {
		n = g.n[waits]
	}
	n = max(n, int(min(c.Queued.V, 1<<30)))
	running := int(min(c.NrRunning.V, 1<<30))
	if g := x.byCPU[c.ID]; c.Class.V == dump.ClassExt || g != nil && g.n[runs] > 0 { // it may run behind a class above
		running--
	}
	return max(n, running)
}

// cursor is the tile with the cursor, -1 if the filter leaves none, or if that is
// on a CPU of the marked snapshot that this one does not have.
func (g *grid) cursor() int {
	if i, ok := g.l.current(); ok && i < len(g.nth) {
		return g.nth[i]
	}
	return -1
}

// put puts the cursor on tile k.
func (g *grid) put(k int) {
	g.l.seek(g.tiles[k].cpu)
	g.l.picked = true
}

func (g *grid) move(to motion) {
	k := g.cursor()
	if k < 0 {
		g.along(0, 1)
		return
	}
	page := max(g.rows-1, 1)
	switch to {
	case moveLeft:
		g.along(k-1, -1)
	case moveRight:
		g.along(k+1, 1)
	case moveUp:
		g.across(k, -1, 1)
	case moveDown:
		g.across(k, 1, 1)
	case movePageUp:
		g.across(k, -1, page)
	case movePageDown:
		g.across(k, 1, page)
	case moveFirst:
		g.along(0, 1)
	case moveLast:
		g.along(len(g.tiles)-1, -1)
	}
}

// along puts the cursor on the first tile from k on that the filter shows, going
// on by step.
func (g *grid) along(k, step int) {
	for ; k >= 0 && k < len(g.tiles); k += step {
		if g.shown[k] {
			g.put(k)
			return
		}
	}
}

// across moves the cursor from tile k by n rows, or by fewer if there are no more:
// to the tile of that row that is closest to its column, of those that the filter
// shows.
func (g *grid) across(k, step, n int) {
	column, best := k%g.perRow, -1
	for row := k/g.perRow + step; row >= 0 && row*g.perRow < len(g.tiles); row += step {
		near := -1
		for t := row * g.perRow; t < min((row+1)*g.perRow, len(g.tiles)); t++ {
			if g.shown[t] && (near < 0 || distance(t%g.perRow, column) < distance(near%g.perRow, column)) {
				near = t
			}
		}
		if near >= 0 {
			best = near
		}
		if n--; n <= 0 && best >= 0 {
			break
		}
	}
	if best >= 0 {
		g.put(best)
	}
}

func distance(a, b int) int { return max(a-b, b-a) }

func (g *grid) sideways() bool { return true }

// selection is the CPU with the cursor, if there is one: the table may have it on one
// that is gone.
func (g *grid) selection() selection {
	if g.cursor() < 0 {
		return selection{}
	}
	return g.l.selection()
}

// position is which of the CPUs that the filter shows has the cursor.
func (g *grid) position() text {
	at := g.cursor()
	if at < 0 {
		return ""
	}
	n := 0
	for k := range at + 1 {
		if g.shown[k] {
			n++
		}
	}
	return number(n) + "/" + number(g.seen())
}

// seen is how many CPUs the filter shows.
func (g *grid) seen() int {
	n := 0
	for _, s := range g.shown {
		if s {
			n++
		}
	}
	return n
}

// gridLines is the lines of the screen that tiles never get: the status, two about
// the CPU with the cursor, and the legend.
const gridLines = 4

// layout chooses the largest form of which all tiles fit, and scrolls if none does.
func (g *grid) layout(width, height int) {
	clear(g.shown)
	for _, i := range g.l.rows {
		if i < len(g.nth) { // it is not gone
			g.shown[g.nth[i]] = true
		}
	}
	for k := range forms {
		if g.arrange(&forms[k], width, height-gridLines) {
			break
		}
	}
	rows := (len(g.tiles) + g.perRow - 1) / g.perRow
	at := max(g.cursor(), 0) / g.perRow
	g.top = max(min(g.top, at), at-g.rows+1)
	g.top = max(0, min(g.top, rows-g.rows))
	g.bodyRow = min(rows, g.rows) * g.form.height
	if g.form.labels {
		g.bodyRow++
	}
	g.detail = max(height-g.bodyRow-2, 2)
	if at := g.cursor(); at >= 0 {
		g.queue.of(g.x, g.tiles[at].id, g.detail)
	}
}

// arrange lays out the tiles in a form, and reports whether all are on the screen.
func (g *grid) arrange(f *form, width, height int) bool {
	n := max(len(g.tiles), 1)
	side := 1
	if f.labels {
		side += labelWidth
		height--
	}
	g.form, g.rows = f, max(height/f.height, 1)
	fit := max((width-side)/f.width, 1)
	fits := func(perRow int) bool { return (n+perRow-1)/perRow <= g.rows }
	power := 1
	for power*2 <= fit {
		power *= 2
	}
	switch {
	case n <= fit:
		g.perRow = n
	case fits(power):
		g.perRow = power
	case fit >= 8 && (f.labels || fits(fit-fit%8)):
		g.perRow = fit - fit%8
	default:
		g.perRow = fit
	}
	g.width = max(min((width-side)/g.perRow, f.most), 1)
	return fits(g.perRow)
}

// Render gives the status, the tiles, the CPU with the cursor and the legend.
func (g *grid) Render(st *styles, width, height int) []string {
	out := make([]string, 0, height)
	put := func(l line) {
		if len(out) < height {
			out = append(out, l.render(st, plain, width))
		}
	}
	if len(g.tiles) == 0 {
		none := line{{plain, "  0 CPUs"}}
		if g.l.delta != nil {
			none.add(changed, g.l.delta.note)
		}
		put(none)
		put(line{{muted, "  This snapshot tells of no CPUs."}})
		return out
	}
	put(append(line{{plain, "  "}}, g.status()...))
	if g.form.labels {
		put(g.ruler())
	}
	for row := g.top; row < g.top+g.rows && row*g.perRow < len(g.tiles); row++ {
		out = append(out, g.row(st, row, width)...)
	}
	for _, l := range g.about() {
		if len(out) < height-1 {
			put(l)
		}
	}
	for len(out) < height-1 {
		out = append(out, "")
	}
	put(g.legend(width))
	return out
}

// row renders one row of tiles.
func (g *grid) row(st *styles, row, width int) []string {
	lines := make([]strings.Builder, g.form.height)
	first, last := row*g.perRow, min((row+1)*g.perRow, len(g.tiles))
	at := g.cursor()
	for k := range lines {
		l := line{{plain, " "}}
		if g.form.labels {
			mark := text(" ")
			if at >= first && at < last {
				mark = ">"
			}
			l.add(muted, number(g.tiles[first].id).pad(labelWidth-1, true).clip(labelWidth-1))
			l.add(plain, mark)
		}
		lines[k].WriteString(l.render(st, plain, width))
	}
	w := g.width
	var run line // of tiles in small forms, which have pieces in common
	for k := first; k < last; k++ {
		t := &g.tiles[k]
		if g.form.height == 1 && k != at {
			for _, s := range g.form.draw(g, t, w, false)[0] {
				run.merge(g.dimmed(k, s))
			}
			continue
		}
		if len(run) > 0 {
			lines[0].WriteString(run.render(st, plain, width))
			run = run[:0]
		}
		base := plain
		if k == at {
			base = selected
		}
		for y, l := range g.form.draw(g, t, w, k == at) {
			for i := range l {
				l[i] = g.dimmed(k, l[i])
			}
			lines[y].WriteString(l.render(st, base, w))
		}
	}
	lines[0].WriteString(run.render(st, plain, width))
	out := make([]string, len(lines))
	for k := range lines {
		out[k] = lines[k].String()
	}
	return out
}

// dimmed is a piece of tile k, faint if the filter leaves the CPU out.
func (g *grid) dimmed(k int, s span) span {
	if !g.shown[k] {
		s.style = muted
	}
	return s
}

// merge appends a piece, to the last one if that looks the same.
func (l *line) merge(s span) {
	if n := len(*l); n > 0 && (*l)[n-1].style == s.style {
		(*l)[n-1].text += s.text
		return
	}
	*l = append(*l, s)
}

// ruler is the line above tiles that do not say their number: how far each is from
// the first of its row, and where the cursor is.
func (g *grid) ruler() line {
	l := line{{plain, spaces(1 + labelWidth)}}
	at := g.cursor()
	w := g.width
	for k := 0; k < g.perRow; k += 8 {
		n := min(8, g.perRow-k)
		t := ("+" + number(k)).take(n*w).pad(n*w, false)
		if c := at % g.perRow; at >= 0 && c >= k && c < k+n {
			t = t.take((c-k)*w) + "▼" + t.skip((c-k)*w+1)
		}
		l.add(muted, t)
	}
	return l
}

// status counts the CPUs, and those that are marked.
func (g *grid) status() line {
	var l line
	n := number(len(g.tiles)) + " CPUs"
	if len(g.tiles) == 1 {
		n = "1 CPU"
	}
	if seen := g.seen(); seen < len(g.tiles) {
		n = number(seen) + " of " + n + " with " + clean(g.l.filter)
	}
	l.add(plain, n)
	if g.l.delta != nil {
		l.add(changed, g.l.delta.note)
	}
	if rows := (len(g.tiles) + g.perRow - 1) / g.perRow; rows > g.rows {
		l.list(plain, "rows "+number(g.top+1)+"-"+number(g.top+g.rows)+" of "+number(rows))
	}
	var by [nrMarks]int
	idle, unsaid, busy := 0, 0, 0
	for k := range g.tiles {
		if !g.shown[k] {
			continue
		}
		t := &g.tiles[k]
		by[t.mark]++
		if t.higher && t.mark != outranked {
			by[outranked]++
		}
		if t.idle {
			idle++
		}
		if t.unknown {
			unsaid++
		}
		if t.load > 0 {
			busy++
		}
	}
	for m := offline; m > unmarked; m-- {
		if by[m] > 0 {
			l.list(marks[m].on, number(by[m])+" "+marks[m].word)
		}
	}
	if idle > 0 {
		l.list(plain, number(idle)+" idle")
	}
	if unsaid > 0 {
		l.list(warning, number(unsaid)+" unknown")
	}
	if busy > 0 {
		l.list(plain, number(busy)+" with waiting tasks")
	} else {
		l.list(plain, "no task waits")
	}
	return l
}

// about is what the screen says below the tiles of the CPU with the cursor: two
// lines, and where there is room the tasks that wait for it.
func (g *grid) about() []line {
	at := g.cursor()
	if at < 0 {
		return []line{{{muted, "  No CPU has these words."}}}
	}
	t := &g.tiles[at]
	c := &g.x.s.CPUs[t.cpu]
	head := line{{plain, "> "}, {name, "CPU " + number(t.id)}}
	if t.hasCell {
		head.add(plain, "  ")
		head.add(cellStyle(t.cell), "cell "+number(t.cell))
	}
	if c.Class.Known || c.Current.Known {
		head.add(plain, "  ")
		head = append(head, classSpan(c.Class), span{plain, "  "}, refSpan(c.Current))
	}
	waiting := g.x.byCPU[t.id]
	state := line{{plain, "  "}}
	if m := &marks[t.mark]; t.mark != unmarked && t.mark != outranked {
		state.add(m.on, m.glyph+" "+m.word+"  ")
	}
	state = append(state, countSpan(waiting, waits))
	state.add(plain, " waiting")
	if w, ok := waiting.wait(); ok {
		state.add(plain, ", the oldest for "+duration(w))
	}
	if c.Queued.Known {
		state.add(plain, ", "+number(c.Queued.V)+" queued")
	}
	if c.NrRunning.Known {
		state.add(plain, ", nr_running "+number(c.NrRunning.V))
	}
	if f := cpuFlags(g.x.s, c); f.text != unknown {
		state.add(plain, "  ")
		state = append(state, f)
	}
	return append([]line{head, state}, g.queue.lines(g.x, g.detail-2)...)
}

// waiters are the tasks that wait for a CPU, those that have waited for longest
// first, as many as the screen has room for.
type waiters struct {
	cpu   int32
	room  int
	valid bool
	tasks []int
	all   int
}

// of finds the tasks, unless it has them.
func (w *waiters) of(x *index, cpu int32, room int) {
	if w.valid && w.cpu == cpu && w.room == room {
		return
	}
	*w = waiters{cpu: cpu, room: room, valid: true}
	g := x.byCPU[cpu]
	if g == nil {
		return
	}
	var waits []int
	for _, i := range g.tasks {
		if _, ok := x.s.Tasks[i].WaitingFor(); ok {
			waits = append(waits, i)
		}
	}
	slices.SortStableFunc(waits, func(a, b int) int { return cmp.Compare(x.s.Tasks[a].RunnableAt.V, x.s.Tasks[b].RunnableAt.V) })
	w.all = len(waits)
	w.tasks = waits[:min(len(waits), room)]
}

// lines is the tasks under a heading, in at most n lines; nothing where not even
// one has room.
func (w *waiters) lines(x *index, n int) []line {
	const around = 2 // an empty line and the heading
	if n <= around || len(w.tasks) == 0 {
		return nil
	}
	out := []line{nil, {{heading, "  Waiting for it"}}}
	for k, i := range w.tasks {
		if len(out) == n-1 && k < w.all-1 {
			return append(out, line{{muted, "  and " + number(w.all-k) + " more"}})
		}
		t := &x.s.Tasks[i]
		l := line{{plain, "  "}, {name, clean(t.TaskRef.String()).clip(25).pad(26, false)}}
		l.add(plain, taskWait(t).text.pad(9, true)+"  ")
		if t.DSQ.Known {
			l.add(plain, "DSQ "+taskDSQ(t).text+"  ")
		}
		if t.CPUs.Known {
			l.add(muted, "allowed on "+cpusPhrase(t.CPUs.V))
		}
		out = append(out, l)
	}
	return out
}
