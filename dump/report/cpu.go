// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"

	"scxdiag/dump"
)

// cpuRow says what runs on a CPU and what waits there.
func cpuRow(s *dump.Snapshot, c *dump.CPU) row {
	r, ok := fact(fmt.Sprint("CPU ", c.ID), cpuRuns(s, c), cpuQueue(s, c), cpuSection(s, c), cpuKicks(c),
		verbatim(c.Scheduler, c.Text, c.Cell.Known || c.VTime.Known), verbatim(c.Unknown, nil, false))
	if !ok {
		r.lines = []phrase{say("nothing is known of it")}
	}
	return r
}

func cpuRuns(s *dump.Snapshot, c *dump.CPU) phrase {
	if idle, _ := c.IsIdle(); idle {
		return say("idle")
	}
	if !c.Listed && !c.Current.Known {
		if idle, _ := s.IsIdle(c); idle {
			return say("left out of the dump, as idle CPUs are")
		}
		return say("not in what there is of the dump")
	}
	var runs, class, held phrase
	if c.Current.Known {
		runs = say("runs ", c.Current.V)
	}
	if c.Class.Known {
		class = say("class ", quoted(c.Class.V))
		if c.Class.V.IsHigher() {
			held = say(": a class above sched_ext holds this CPU")
		}
	}
	return say(join(", ", runs, class), held)
}

func cpuQueue(s *dump.Snapshot, c *dump.CPU) phrase {
	var running, flags, cell, queued, clock, rescue phrase
	if c.NrRunning.Known {
		running = say(plural(c.NrRunning.V, "sched_ext task"))
	}
	if c.Flags.Known {
		flags = flagList(s.Kernel.RQFlagNames(c.Flags.V))
		if c.Flags.V&dump.RQFlagONLINE == 0 {
			flags = say(flags, " (not ONLINE)")
		}
	}
	if c.CPURel.Known && c.CPURel.V {
		flags = join(", ", flags, say("released by the scheduler"))
	}
	if c.Cell.Known {
		cell = say("cell ", c.Cell.V)
	}
	if c.Queued.Known {
		queued = say(queueLength(c.Queued.V), " on its own DSQ")
		if c.DSQ.Known {
			queued = say(queued, " (", c.DSQ.V.String(), ")")
		}
	}
	if c.VTime.Known {
		clock = say("vtime ", c.VTime.V)
	}
	if c.NrRescue.Known && c.NrRescue.V > 0 {
		rescue = say(c.NrRescue.V, " to be rescued")
		if c.RescueBudget.Known {
			rescue = say(rescue, ", budget ", c.RescueBudget.V)
		}
	}
	return join(", ", running, flags, cell, queued, clock, rescue)
}

// cpuSection says where the CPU stands with the configuration: what of it is
// out of the ordinary, and how many sections have ended on it.
func cpuSection(s *dump.Snapshot, c *dump.CPU) phrase {
	var offline, prev, section, sections, awaited phrase
	if c.Online.Known && !c.Online.V {
		offline = say("offline")
	}
	if c.PrevCell.Known && c.PrevCell.V != c.Cell.V {
		prev = say("serves the queue of cell ", c.PrevCell.V, ", too")
	}
	if c.Nesting.V > 0 {
		section = say("in a section")
		if c.Nesting.V > 1 {
			section = say(c.Nesting.V, " deep in sections")
		}
		if d, ok := s.Since(c.SectionSince.V); ok {
			section = say(section, " for ", short3(d))
		}
	}
	if c.Awaited.V {
		awaited = say("the grace period waits for it")
	}
	if c.Sections.Known {
		sections = say(plural(c.Sections.V, "section"), " ended")
	}
	return join(", ", offline, prev, section, awaited, sections)
}

// queueLength is the number of tasks on a DSQ, or why it is not known.
func queueLength(n int64) string {
	if n < 0 {
		return fmt.Sprint("unknown number (error ", n, ")")
	}
	return plural(n, "task")
}

func cpuKicks(c *dump.CPU) phrase {
	var p phrase
	for _, k := range []struct {
		name string
		mask dump.Value[dump.CPUMask]
	}{
		{"to kick", c.CPUsToKick},
		{"to kick if idle", c.IdleToKick},
		{"to preempt", c.CPUsToPreempt},
		{"to wait for", c.CPUsToWait},
		{"to sync with", c.CPUsToSync},
	} {
		if k.mask.Known && !k.mask.V.IsEmpty() {
			p = join(", ", p, say(k.name, " ", cpuList(k.mask.V)))
		}
	}
	return p
}

// cellRow says what a cell is and what waits in it.
func cellRow(s *dump.Snapshot, c *dump.Cell) row {
	var queue, clock, rescued, spare phrase
	if c.DSQ.Known {
		queue = say("DSQ ", c.DSQ.V.String())
	}
	if c.VTime.Known {
		clock = say("vtime ", c.VTime.V)
	}
	if c.Rescued.V > 0 {
		rescued = say(plural(c.Rescued.V, "task"), " taken off its queue because no CPU of it may run them")
	}
	if c.SpareMissing.V {
		spare = say("the mask for its next CPUs is missing")
	}
	lines := []phrase{
		join(", ", cellHead(c), clock), join(", ", cellState(s, c), queue), join(", ", rescued, spare),
	}
	for i := range c.LLCs {
		if l := cellLLC(&c.LLCs[i]); len(l) > 0 {
			lines = append(lines, l)
		}
	}
	lines = append(lines, verbatim(c.Unknown, nil, false))
	r, ok := fact(fmt.Sprint("cell ", c.ID), lines...)
	if !ok {
		r.lines = []phrase{say("nothing is known of it")}
	}
	return r
}

// cellHead is what everybody wants to know of a cell.
func cellHead(c *dump.Cell) phrase {
	var cpus, owner, queued phrase
	if c.CPUs.Known {
		cpus = say(cpuList(c.CPUs.V))
	}
	if c.CpusetCPUs.Known && c.CpusetCPUs.V != c.CPUs.V {
		cpus = join(", ", cpus, say("cpuset of ", cpuList(c.CpusetCPUs.V)))
	}
	if c.OwnerPath.Known {
		owner = say("of cgroup ", quoted(c.OwnerPath.V))
	} else if c.OwnerCgroup.Known {
		owner = say("of cgroup ", c.OwnerCgroup.V)
	}
	if c.Queued.Known {
		queued = say(queueLength(c.Queued.V), " on its DSQ")
	}
	return join(", ", cpus, owner, queued)
}

// cellLLC describes an LLC of a cell that has tasks or is being emptied; the
// others say nothing.
func cellLLC(l *dump.CellLLC) phrase {
	drain := l.Drain.Known && l.Drain.V
	if !drain && (!l.Queued.Known || l.Queued.V == 0) {
		return nil
	}
	p := say("LLC ", l.LLC)
	if l.Queued.Known {
		p = say(p, ": ", queueLength(l.Queued.V))
	}
	if drain {
		p = say(p, ", being emptied")
	}
	if l.HasCPUs.Known && !l.HasCPUs.V {
		p = say(p, ", without a CPU of the cell")
	}
	if l.VTime.Known {
		p = say(p, ", vtime ", l.VTime.V)
	}
	return p
}
