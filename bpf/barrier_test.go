// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// TestBarriers looks into the compiled scheduler: where a section begins and
// ends and where a configuration comes into force there are barriers.
func TestBarriers(t *testing.T) {
	spec, err := loadCells()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cells_select_cpu", "cells_enqueue"} {
		if err := checkSections(spec, name); err != nil {
			t.Error(err)
		}
	}
	// The timer's function is compiled into the program that arms it.
	if err := checkPublication(spec, "cells_init"); err != nil {
		t.Error(err)
	}
}

func TestMissingBarriersAreFound(t *testing.T) {
	spec, err := loadSection()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"with_barriers": "",
		"begin_without": "nesting is added to without a barrier",
		"end_without":   "ended is added to without a barrier",
		"never_ends":    "no section ends",
		"no_section":    "no section begins",
		"absent":        "no such program",
	} {
		err := checkSections(spec, name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, not %q", name, err, want)
		}
	}
	if err := checkPublication(spec, "publish"); err != nil {
		t.Error(err)
	}
	if err := checkPublication(spec, "publish_without"); err == nil {
		t.Error("a configuration without a barrier is not found")
	}
}

// checkSections says what is wrong with how a compiled program begins and ends
// sections. Only the form of an atomic operation that fetches a value is a
// barrier, and which form it is only the compiler knows.
func checkSections(spec *ebpf.CollectionSpec, name string) error {
	prog := spec.Programs[name]
	if prog == nil {
		return fmt.Errorf("%s: no such program", name)
	}
	nesting, err := memberOffset(spec, "sections", "nesting")
	if err != nil {
		return err
	}
	ended, err := memberOffset(spec, "sections", "ended")
	if err != nil {
		return err
	}
	adds := make(map[int16]int) // with a barrier, by offset
	for _, ins := range atomics(prog.Instructions, target{data: "sections", lookup: true}) {
		member := map[int16]string{nesting: "nesting", ended: "ended"}[ins.Offset]
		switch op := ins.OpCode.AtomicOp(); {
		case op != asm.AddAtomic && op != asm.FetchAdd:
			continue
		case member == "":
			return fmt.Errorf("%s: %v adds to something else of a section", name, ins)
		case op == asm.AddAtomic:
			return fmt.Errorf("%s: %s is added to without a barrier: %v", name, member, ins)
		}
		adds[ins.Offset]++
	}
	switch {
	case adds[nesting] == 0:
		return fmt.Errorf("%s: no section begins", name)
	case adds[nesting] == 1 || adds[ended] == 0:
		return fmt.Errorf("%s: no section ends", name)
	}
	return nil
}

// checkPublication says what is wrong with how a program brings a configuration
// into force.
func checkPublication(spec *ebpf.CollectionSpec, name string) error {
	prog, v := spec.Programs[name], spec.Variables["applied_seq"]
	if prog == nil || v == nil {
		return fmt.Errorf("%s: no such program, or no applied_seq", name)
	}
	for _, ins := range atomics(prog.Instructions, target{data: v.SectionName, offset: v.Offset}) {
		if ins.OpCode.AtomicOp() == asm.Xchg {
			return nil
		}
	}
	return fmt.Errorf("%s: applied_seq is not set with a barrier", name)
}

// memberOffset is where a member is in the values of a map.
func memberOffset(spec *ebpf.CollectionSpec, name, member string) (int16, error) {
	m := spec.Maps[name]
	if m == nil {
		return 0, fmt.Errorf("no map %s", name)
	}
	value, ok := btf.As[*btf.Struct](m.Value)
	if !ok {
		return 0, fmt.Errorf("values of map %s are no structs", name)
	}
	for _, f := range value.Members {
		if f.Name == member {
			return int16(f.Offset.Bytes()), nil
		}
	}
	return 0, errors.New("no member " + member + " in " + value.Name)
}

// target is data that atomic operations are looked for on: a variable, or with
// lookup the values of a map that programs look up.
type target struct {
	data   string // the map, or the section of the variable
	offset uint32 // of the variable
	lookup bool
}

// known says where an instruction may find the map, and pointers to the target:
// a bit for each register, and for each eight bytes of stack.
type known struct {
	maps    uint16
	targets uint16
	stack   uint64
}

// atomics are the atomic operations on a target. It follows the pointers
// through registers and the stack, on all paths.
func atomics(prog asm.Instructions, to target) []asm.Instruction {
	index := make(map[asm.RawInstructionOffset]int)
	offset := make([]asm.RawInstructionOffset, len(prog))
	for it := prog.Iterate(); it.Next(); {
		index[it.Offset], offset[it.Index] = it.Index, it.Offset
	}
	before := make([]known, len(prog))
	reached := make([]bool, len(prog))
	var todo []int
	reach := func(i int, k known) {
		if i >= len(prog) {
			return
		}
		all := known{before[i].maps | k.maps, before[i].targets | k.targets, before[i].stack | k.stack}
		if !reached[i] || all != before[i] {
			reached[i], before[i] = true, all
			todo = append(todo, i)
		}
	}
	for i := range prog {
		if i == 0 || prog[i].Symbol() != "" { // a function
			reach(i, known{})
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		ins := &prog[i]
		after := follow(before[i], ins, to)
		op := ins.OpCode.JumpOp()
		jumps := ins.OpCode.Class().IsJump() && op != asm.InvalidJumpOp && op != asm.Call && op != asm.Exit
		if jumps {
			reach(index[destination(ins, offset[i])], after)
		}
		if op != asm.Exit && (!jumps || op != asm.Ja) {
			reach(i+1, after)
		}
	}
	var found []asm.Instruction
	for i, ins := range prog {
		if ins.OpCode.AtomicOp() != asm.InvalidAtomic && before[i].targets&bit(ins.Dst) != 0 {
			found = append(found, ins)
		}
	}
	return found
}

// destination is where a jump goes.
func destination(ins *asm.Instruction, at asm.RawInstructionOffset) asm.RawInstructionOffset {
	distance := int64(ins.Offset)
	if ins.OpCode.Class() == asm.Jump32Class && ins.OpCode.JumpOp() == asm.Ja {
		distance = ins.Constant
	}
	return asm.RawInstructionOffset(int64(at) + 1 + distance)
}

func bit(r asm.Register) uint16 { return 1 << r }

// slot is the bit of a place on the stack, or 0.
func slot(r asm.Register, offset int16) uint64 {
	if r != asm.RFP || offset >= 0 || offset%8 != 0 || offset < -512 {
		return 0
	}
	return 1 << (-offset/8 - 1)
}

// follow is what is known behind an instruction.
func follow(k known, ins *asm.Instruction, to target) known {
	class := ins.OpCode.Class()
	set := func(isMap, isTarget bool) {
		k.maps &^= bit(ins.Dst)
		k.targets &^= bit(ins.Dst)
		if isMap {
			k.maps |= bit(ins.Dst)
		}
		if isTarget {
			k.targets |= bit(ins.Dst)
		}
	}
	switch {
	case ins.OpCode.JumpOp() == asm.Call && class.IsJump():
		found := ins.IsBuiltinCall() && ins.Constant == int64(asm.FnMapLookupElem) && k.maps&bit(asm.R1) != 0
		const scratched = 1<<6 - 1
		k.maps &^= scratched
		k.targets &^= scratched
		if found {
			k.targets |= bit(asm.R0)
		}
	case ins.IsLoadFromMap():
		is := ins.Reference() == to.data
		set(is && to.lookup && ins.Src == asm.PseudoMapFD,
			is && !to.lookup && ins.Src == asm.PseudoMapValue && uint64(ins.Constant)>>32 == uint64(to.offset))
	case class == asm.ALU64Class && ins.OpCode.ALUOp() == asm.Mov && ins.OpCode.Source() == asm.RegSource:
		set(k.maps&bit(ins.Src) != 0, k.targets&bit(ins.Src) != 0)
	case class.IsALU():
		set(false, false)
	case class == asm.LdXClass:
		set(false, ins.OpCode.Size() == asm.DWord && k.stack&slot(ins.Src, ins.Offset) != 0)
	case class == asm.StXClass && ins.OpCode.Mode() == asm.MemMode:
		at := slot(ins.Dst, ins.Offset)
		k.stack &^= at
		if ins.OpCode.Size() == asm.DWord && k.targets&bit(ins.Src) != 0 {
			k.stack |= at
		}
	case class == asm.LdClass:
		set(false, false)
	}
	return k
}
