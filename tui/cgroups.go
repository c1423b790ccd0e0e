// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"path"
	"slices"
	"strings"

	"scxdiag/dump"
)

// maxIndent bounds how far the tree goes to the right.
const maxIndent = 16

// cgroupTree is the cgroups in the order of a tree that is written down, each
// behind the one above it and beside others by path, and how deep each is. Those
// whose parent the snapshot does not have count as roots.
func cgroupTree(s *dump.Snapshot) (order, depth []int) {
	n := len(s.Cgroups)
	at := make(map[uint64]int, n)
	for i := range s.Cgroups {
		at[s.Cgroups[i].ID] = i
	}
	below := make([][]int, n)
	var roots []int
	for i := range s.Cgroups {
		if up, ok := at[s.Cgroups[i].Parent]; ok && up != i {
			below[up] = append(below[up], i)
		} else {
			roots = append(roots, i)
		}
	}
	byPath := func(i, k int) int { return strings.Compare(s.Cgroups[i].Path.V, s.Cgroups[k].Path.V) }
	slices.SortStableFunc(roots, byPath)
	for _, siblings := range below {
		slices.SortStableFunc(siblings, byPath)
	}
	depth = make([]int, n)
	seen := make([]bool, n)
	visit := func(root int) {
		for stack := []int{root}; len(stack) > 0; {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[i] {
				continue
			}
			seen[i] = true
			order = append(order, i)
			for _, k := range slices.Backward(below[i]) {
				if !seen[k] {
					depth[k] = depth[i] + 1
					stack = append(stack, k)
				}
			}
		}
	}
	for _, i := range roots {
		visit(i)
	}
	for i := range s.Cgroups { // what is above itself
		visit(i)
	}
	return order, depth
}

// newCgroupList is the tree of the cgroups.
func newCgroupList(x *index) *list {
	s := x.s
	cgroup := func(i int) *dump.Cgroup { return &s.Cgroups[i] }
	order, depth := cgroupTree(s)
	rank := make([]int, len(order))
	for k, i := range order {
		rank[i] = k
	}
	tasks := func(i int) int { return x.byCgroup[cgroup(i).ID].size() }
	l := &list{
		noun:   "cgroups",
		n:      len(s.Cgroups),
		place:  func(i int) place { return x.placeOfCgroup(cgroup(i).ID) },
		fields: cgroupFields(x),
	}
	l.columns = []column{
		{
			title: "cgroup", width: 18, grow: 40,
			cell: func(i int) span {
				return span{name, spaces(min(2*depth[i], maxIndent)) + cgroupName(cgroup(i))}
			},
			key: func(i int) sortKey { return byNumber(rank[i], true) },
		},
		{
			title: "cell", width: 4, right: true,
			cell: func(i int) span { return numberSpan(cgroupCell(cgroup(i))) },
			key:  func(i int) sortKey { return byNumber(cgroup(i).Cell, cgroup(i).HasContext) },
		},
		{
			title: "owns", width: 4, right: true,
			cell: func(i int) span { return numberSpan(cgroupOwns(cgroup(i))) },
			key: func(i int) sortKey {
				v := cgroupOwns(cgroup(i))
				return byNumber(v.V, v.Known)
			},
		},
		{
			title: "tasks", width: 5, right: true, desc: true, drop: 2,
			cell: func(i int) span { return span{plain, number(tasks(i))} },
			key:  func(i int) sortKey { return byNumber(tasks(i), true) },
		},
		{
			title: "cpuset", width: 8, grow: 8,
			cell: func(i int) span { return cgroupCPUs(cgroup(i)) },
			key:  func(i int) sortKey { return byNumber(cgroup(i).CPUs.V.Count(), cgroup(i).CPUs.Known) },
		},
		{
			title: "effective", width: 9, grow: 7, drop: 1,
			cell: func(i int) span {
				g := cgroup(i)
				return textSpan(g.EffectiveCPUs.Known, cpuList(g.EffectiveCPUs.V))
			},
			key: func(i int) sortKey {
				return byNumber(cgroup(i).EffectiveCPUs.V.Count(), cgroup(i).EffectiveCPUs.Known)
			},
		},
		{
			title: "flags", width: 16, grow: 40,
			cell: func(i int) span { return cgroupFlags(cgroup(i)) },
			key:  func(i int) sortKey { return byText(string(cgroupFlags(cgroup(i)).text)) },
		},
	}
	return l
}

// cgroupName is the last part of the path, or else the id.
func cgroupName(g *dump.Cgroup) text {
	if !g.Path.Known {
		return "id " + number(g.ID)
	}
	return clean(path.Base(g.Path.V))
}

// cgroupCell is the cell that the tasks of a cgroup are in.
func cgroupCell(g *dump.Cgroup) dump.Value[int32] {
	return dump.Value[int32]{V: g.Cell, Known: g.HasContext}
}

// cgroupOwns is the cell that the cpuset of a cgroup made.
func cgroupOwns(g *dump.Cgroup) dump.Value[int32] {
	return dump.Value[int32]{V: g.Owns, Known: g.HasContext && g.Owns != 0}
}

// cgroupCPUs is the cpuset that was asked for.
func cgroupCPUs(g *dump.Cgroup) span {
	if g.CPUs.Known && g.CPUs.V.IsEmpty() {
		return span{muted, "not set"}
	}
	return textSpan(g.CPUs.Known, cpuList(g.CPUs.V))
}

// cgroupFlags is what is out of the ordinary with a cgroup. That the scheduler
// does not know it is, unless the kernel does not tell it of that cgroup.
func cgroupFlags(g *dump.Cgroup) span {
	var parts []text
	on := muted
	if g.Dying {
		parts, on = append(parts, "! removed"), warning
	}
	switch {
	case !g.CPUController:
		parts = append(parts, "cpu off")
	case !g.HasContext:
		parts, on = append(parts, "! no storage"), warning
	}
	if !g.Populated {
		parts = append(parts, "empty")
	}
	return span{on, join(parts, ", ")}
}

// cgroupFields are what the filter can ask of cgroups.
func cgroupFields(x *index) []field {
	cgroup := func(i int) *dump.Cgroup { return &x.s.Cgroups[i] }
	tasks := func(i int) int { return x.byCgroup[cgroup(i).ID].size() }
	return []field{
		textField("cgroup", func(i int) dump.Value[string] { return cgroup(i).Path }).found(),
		numberField("cell", func(i int) dump.Value[int32] { return cgroupCell(cgroup(i)) }),
		numberField("owns", func(i int) dump.Value[int32] { return cgroupOwns(cgroup(i)) }),
		numberField("id", func(i int) dump.Value[uint64] { return dump.Of(cgroup(i).ID) }),
		maskField("cpuset", func(i int) *dump.Value[dump.CPUMask] { return &cgroup(i).CPUs }),
		maskField("effective", func(i int) *dump.Value[dump.CPUMask] { return &cgroup(i).EffectiveCPUs }).called("cpus"),
		numberField("tasks", func(i int) dump.Value[int] { return dump.Of(tasks(i)) }),
		isField(
			quality{"removed", func(i int) bool { return cgroup(i).Dying }},
			quality{"empty", func(i int) bool { return !cgroup(i).Populated }},
			quality{"lost", func(i int) bool { return cgroup(i).CPUController && !cgroup(i).HasContext }},
		),
		textField("flags", func(i int) dump.Value[string] { return dump.Of(string(cgroupFlags(cgroup(i)).text)) }).found(),
		numberField("level", func(i int) dump.Value[uint32] { return dump.Of(cgroup(i).Level) }),
	}
}

// cgroupPage shows all that is known of one cgroup.
func cgroupPage(x *index, p place, width int) []item {
	w := newWriter(width)
	g := x.s.Cgroup(p.cgroup)
	if g == nil {
		w.para(line{{warning, p.title() + " is not in this snapshot."}}, nowhere, dump.Span{})
		return w.items
	}
	value := func(label, t text) { w.value(label, t, dump.Span{}) }
	w.section("Cgroup " + x.cgroup(g.ID))
	value("id", number(g.ID))
	if g.Parent != 0 {
		w.field("below", line{{plain, x.cgroup(g.Parent)}}, x.placeOfCgroup(g.Parent), dump.Span{})
	}
	value("level", number(g.Level))
	state := line{{plain, "in use"}}
	if g.Dying {
		state = line{{warning, "! removed"}}
	}
	if g.Populated {
		state.list(plain, "it or one below it has tasks")
	} else {
		state.list(plain, "without tasks, here and below")
	}
	w.field("state", state, nowhere, dump.Span{})
	if g.CPUController {
		value("cpu", "the controller is enabled: the kernel tells the scheduler of the cgroup")
	} else {
		value("cpu", "the controller is not enabled: the kernel tells the scheduler nothing of the cgroup")
	}
	w.section("Scheduler")
	if g.HasContext {
		w.field("cell", cellLine(x, g.Cell), placeOfCell(g.Cell), dump.Span{})
		if g.Owns != 0 {
			w.field("owns", line{{plain, "cell " + number(g.Owns) + ", which its cpuset made"}}, placeOfCell(g.Owns), dump.Span{})
		} else {
			value("owns", "no cell: it has that of the cgroup above")
		}
	} else {
		w.field("storage", line{{cgroupFlags(g).style, "none: the scheduler does not know the cgroup"}}, nowhere, dump.Span{})
	}
	w.section("Cpuset")
	if g.CPUs.Known {
		if g.CPUs.V.IsEmpty() {
			value("asked for", "nothing: it has what the cgroup above has")
		} else {
			value("asked for", maskText(x, g.CPUs.V))
		}
	}
	if g.EffectiveCPUs.Known {
		value("granted", maskText(x, g.EffectiveCPUs.V))
	}
	if !g.CPUs.Known && !g.EffectiveCPUs.Known {
		w.para(line{{muted, "The controller is not enabled for it."}}, nowhere, dump.Span{})
	}
	below := false
	for i := range x.s.Cgroups {
		c := &x.s.Cgroups[i]
		if c.Parent != g.ID || c.ID == g.ID {
			continue
		}
		if !below {
			w.section("Below it")
			below = true
		}
		l := line{{name, cgroupName(c)}}
		if c.HasContext {
			l.list(plain, "cell "+number(c.Cell))
		}
		if f := cgroupFlags(c); f.text != "" {
			l.list(f.style, f.text)
		}
		w.row(l, x.placeOfCgroup(c.ID), dump.Span{})
	}
	taskRows(w, x, "Tasks that the scheduler has in it", x.byCgroup[g.ID])
	return w.items
}
