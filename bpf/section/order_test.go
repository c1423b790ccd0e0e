// SPDX-License-Identifier: GPL-2.0-only

package section

import "testing"

// The tests here go through every order in which a CPU that has sections and
// an updater that changes the configuration once may do their steps. A plain
// store first goes into a buffer of its CPU's and reaches memory later; atomic
// operations and barriers wait until the buffer is empty.

// variable is a word in memory.
type variable int8

const (
	applied variable = iota // the configuration in force: 0, and then 1
	nesting                 // how many sections are open; with parity, how many began and ended
	ended                   // how many of the outermost ones are over
	variables
)

// op is what a step does.
type op int8

const (
	opLoad  op = iota // a variable into a register
	opStore           // a register plus value to a variable, by way of the buffer
	opAdd             // value to a variable, at once
	opFence           // waits until the buffer is empty
	opUse             // uses the configuration that a register names
	opFree            // ends the grace period: nobody may use configuration 0 any more
	opIf              // goes on with step to if a register is value
	opIfNot           // goes on with step to if it is not
	opEven            // goes on with step to if it is even
	opSame            // goes on with step to if the two registers are the same
)

// step is a step of a program.
type step struct {
	do    op
	what  variable
	reg   int8 // 0 or 1
	value int8
	to    int8
}

// program is what a section, or the updater, does.
type program []step

// frame is a program that is being run.
type frame struct {
	program int8 // an index
	pc      int8
	reg     [2]int8
}

// The processors.
const (
	reader = iota
	updater
)

const (
	maxDepth  = 4
	maxBuffer = 4
)

// store is a store that has not reached memory.
type store struct {
	what  variable
	value int8
}

// state is a state of the whole.
type state struct {
	memory  [variables]int8
	buffers [2][maxBuffer]store
	waiting [2]int8 // stores in the buffers

	frames     [maxDepth]frame // of sections that are open, the outer first
	depth      int8
	next       int8 // sections that have begun outside of others
	interrupts int8 // sections that may still begin within others

	updater frame
	freed   bool
}

// setting is what is tried.
type setting struct {
	sections   []program // one after the other
	interrupt  program   // a section that begins at any point of another, unless nil
	interrupts int8      // how often
	overlap    bool      // sections do not nest: each goes on at any time
	updater    program
}

// program finds a section's program.
func (c *setting) program(i int8) program {
	if int(i) == len(c.sections) {
		return c.interrupt
	}
	return c.sections[i]
}

// result is what can come of a setting.
type result struct {
	states int
	lost   bool // a configuration is used after the grace period that frees it
	stuck  bool // a grace period does not end although no section runs any more
}

// explore goes through all states that can be reached.
func explore(c *setting) result {
	var r result
	first := state{interrupts: c.interrupts}
	seen := map[state]bool{first: true}
	for todo := []state{first}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		r.states++
		after, lost := c.after(s)
		r.lost = r.lost || lost
		r.stuck = r.stuck || c.stuck(s)
		for _, n := range after {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return r
}

// after are the states that may come next.
func (c *setting) after(s state) (all []state, lost bool) {
	for cpu := range s.buffers {
		if s.waiting[cpu] > 0 {
			all = append(all, drained(s, cpu))
		}
	}
	if (s.depth == 0 || c.overlap) && int(s.next) < len(c.sections) {
		n := s
		n.frames[n.depth] = frame{program: n.next}
		n.depth++
		n.next++
		all = append(all, n)
	}
	if s.depth > 0 && s.depth < maxDepth && s.interrupts > 0 {
		n := s
		n.frames[n.depth] = frame{program: int8(len(c.sections))}
		n.depth++
		n.interrupts--
		all = append(all, n)
	}
	for i := s.depth - 1; i >= 0; i-- {
		n, done, bad := c.step(s, reader, s.frames[i], c.program(s.frames[i].program), func(n *state, f frame, over bool) {
			n.frames[i] = f
			if over {
				copy(n.frames[i:], n.frames[i+1:])
				n.depth--
				n.frames[n.depth] = frame{}
			}
		})
		lost = lost || bad
		if done {
			all = append(all, n)
		}
		if !c.overlap {
			break
		}
	}
	if n, done := c.update(s); done {
		all = append(all, n)
	}
	return all, lost
}

// update does a step of the updater's, if there is one that it can do.
func (c *setting) update(s state) (state, bool) {
	if int(s.updater.pc) >= len(c.updater) {
		return s, false
	}
	n, done, _ := c.step(s, updater, s.updater, c.updater, func(n *state, f frame, _ bool) { n.updater = f })
	return n, done
}

// stuck tells whether no section runs and the updater, left alone, never ends
// the grace period.
func (c *setting) stuck(s state) bool {
	if s.depth > 0 || int(s.next) < len(c.sections) || s.waiting != [2]int8{} {
		return false
	}
	for range 4 * len(c.updater) {
		if s.freed {
			return false
		}
		n, done := c.update(s)
		if !done {
			n = drained(s, updater)
		}
		s = n
	}
	return !s.freed
}

// drained is the state when the oldest store of a buffer has reached memory.
func drained(s state, cpu int) state {
	buffer := &s.buffers[cpu]
	s.memory[buffer[0].what] = buffer[0].value
	copy(buffer[:], buffer[1:])
	s.waiting[cpu]--
	buffer[s.waiting[cpu]] = store{}
	return s
}

// load is what a CPU reads: its own last store, or else memory.
func (s *state) load(cpu int, what variable) int8 {
	for i := s.waiting[cpu] - 1; i >= 0; i-- {
		if s.buffers[cpu][i].what == what {
			return s.buffers[cpu][i].value
		}
	}
	return s.memory[what]
}

// step does the next step of a program and has put store how far it has come.
// It cannot, and done is false, while it has to wait for the buffer. lost says
// that it used what was free.
func (c *setting) step(s state, cpu int, f frame, p program, put func(*state, frame, bool)) (n state, done, lost bool) {
	n = s
	st := &p[f.pc]
	reg := &f.reg[st.reg]
	f.pc++
	jump := false
	switch st.do {
	case opLoad:
		*reg = n.load(cpu, st.what)
	case opStore:
		if n.waiting[cpu] == maxBuffer {
			return s, false, false
		}
		n.buffers[cpu][n.waiting[cpu]] = store{st.what, *reg + st.value}
		n.waiting[cpu]++
	case opAdd, opFence:
		if n.waiting[cpu] > 0 {
			return s, false, false
		}
		if st.do == opAdd {
			n.memory[st.what] += st.value
		}
	case opUse:
		lost = n.freed && *reg == 0
	case opFree:
		n.freed = true
	case opIf:
		jump = *reg == st.value
	case opIfNot:
		jump = *reg != st.value
	case opEven:
		jump = *reg%2 == 0
	case opSame:
		jump = f.reg[0] == f.reg[1]
	}
	if jump {
		f.pc = st.to
	}
	put(&n, f, int(f.pc) == len(p))
	return n, true, lost
}

// use is what a section is for: it reads the configuration and goes by it.
var use = program{{do: opLoad, what: applied}, {do: opUse}}

// with is the steps of several programs, those of a section with use in it.
func with(parts ...program) program {
	var all program
	for _, p := range parts {
		first := int8(len(all))
		for _, st := range p {
			st.to += first
			all = append(all, st)
		}
	}
	return all
}

// The ways to begin and to end a section.
var (
	begin      = program{{do: opAdd, what: nesting, value: 1}}
	beginPlain = program{{do: opLoad, what: nesting, reg: 1}, {do: opStore, what: nesting, reg: 1, value: 1}}

	end = program{
		{do: opLoad, what: nesting, reg: 1}, {do: opIfNot, reg: 1, value: 1, to: 3},
		{do: opAdd, what: ended, value: 1},
		{do: opAdd, what: nesting, value: -1},
	}
	endPlain = program{
		{do: opLoad, what: nesting, reg: 1}, {do: opIfNot, reg: 1, value: 1, to: 4},
		{do: opLoad, what: ended}, {do: opStore, what: ended, value: 1},
		{do: opLoad, what: nesting, reg: 1}, {do: opStore, what: nesting, reg: 1, value: -1},
	}
	endDownFirst = program{
		{do: opLoad, what: nesting, reg: 1},
		{do: opAdd, what: nesting, value: -1},
		{do: opIfNot, reg: 1, value: 1, to: 4},
		{do: opAdd, what: ended, value: 1},
	}
	endEach = program{{do: opAdd, what: ended, value: 1}, {do: opAdd, what: nesting, value: -1}}
	// With parity, a section begins and ends in the same way.
	parityEnd = begin
)

// The ways to change the configuration and wait.
var (
	publish      = program{{do: opStore, what: applied, value: 1}, {do: opFence}}
	publishPlain = publish[:1]

	await = program{
		{do: opLoad, what: ended}, {do: opLoad, what: nesting, reg: 1}, {do: opIf, reg: 1, value: 0, to: 7},
		{do: opLoad, what: nesting, reg: 1}, {do: opIf, reg: 1, value: 0, to: 7},
		{do: opLoad, what: ended, reg: 1}, {do: opSame, to: 3},
		{do: opFree},
	}
	awaitParity = program{
		{do: opLoad, what: nesting}, {do: opEven, to: 4},
		{do: opLoad, what: nesting, reg: 1}, {do: opSame, to: 2},
		{do: opFree},
	}
)

func TestEveryOrder(t *testing.T) {
	built := with(begin, use, end)
	update := with(publish, await)
	for _, test := range []struct {
		name    string
		setting setting
		lost    bool
		stuck   bool
	}{
		{
			name:    "as built",
			setting: setting{sections: []program{built, built, built}, updater: update},
		},
		{
			name:    "as built with sections within others",
			setting: setting{sections: []program{built, built}, interrupt: built, interrupts: 2, updater: update},
		},
		{
			name: "as built with a section that never ends", // the grace period does not either
			setting: setting{
				sections: []program{with(begin, use), built, built}, interrupt: built, interrupts: 1,
				updater: update,
			},
			stuck: true,
		},
		{
			name: "without barriers at the end", // the next beginning is one
			setting: setting{
				sections:  []program{with(begin, use, endPlain), with(begin, use, endPlain)},
				interrupt: with(begin, use, endPlain), interrupts: 1,
				updater: update,
			},
		},
		{
			name:    "without a barrier at the beginning",
			setting: setting{sections: []program{with(beginPlain, use, end)}, updater: update},
			lost:    true,
		},
		{
			name:    "without the updater's barrier",
			setting: setting{sections: []program{built}, updater: with(publishPlain, await)},
			lost:    true,
		},
		{
			name: "with inner sections counted, too",
			setting: setting{
				sections:  []program{with(begin, use, endEach)},
				interrupt: with(begin, use, endEach), interrupts: 1,
				updater: update,
			},
			lost: true,
		},
		{
			name: "with nesting down first", // which order it is does not matter
			setting: setting{
				sections:  []program{with(begin, use, endDownFirst), with(begin, use, endDownFirst)},
				interrupt: with(begin, use, endDownFirst), interrupts: 2,
				updater: update,
			},
		},
		{
			name:    "as built with sections that overlap", // so interrupts have to be off
			setting: setting{sections: []program{built, built}, overlap: true, updater: update},
			lost:    true,
		},
		{
			name: "with parity",
			setting: setting{
				sections: []program{with(begin, use, parityEnd), with(begin, use, parityEnd)},
				updater:  with(publish, awaitParity),
			},
		},
		{
			name: "with parity and a section that never ends",
			setting: setting{
				sections: []program{with(begin, use), with(begin, use, parityEnd)},
				updater:  with(publish, awaitParity),
			},
			lost: true, stuck: true,
		},
		{
			name: "with parity and sections within others",
			setting: setting{
				sections:  []program{with(begin, use, parityEnd)},
				interrupt: with(begin, use, parityEnd), interrupts: 1,
				updater: with(publish, awaitParity),
			},
			lost: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := explore(&test.setting)
			t.Logf("%d states, a section lost: %v, stuck: %v", r.states, r.lost, r.stuck)
			if r.lost != test.lost || r.stuck != test.stuck {
				t.Errorf("lost %v, stuck %v", test.lost, test.stuck)
			}
		})
	}
}
