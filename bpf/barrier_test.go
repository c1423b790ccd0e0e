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
	for _, ins := range addsToValues(prog.Instructions, "sections") {
		member := map[int16]string{nesting: "nesting", ended: "ended"}[ins.Offset]
		switch {
		case member == "":
			return fmt.Errorf("%s: %v adds to something else of a section", name, ins)
		case ins.OpCode.AtomicOp() != asm.FetchAdd:
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

// known says where an instruction may find the map and pointers to its values:
// a bit for each register, and for each eight bytes of stack.
type known struct {
	maps   uint16
	values uint16
	stack  uint64
}

// addsToValues are the atomic additions to values of a map. It follows the
// pointers through registers and the stack, on all paths.
func addsToValues(prog asm.Instructions, name string) []asm.Instruction {
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
		all := known{before[i].maps | k.maps, before[i].values | k.values, before[i].stack | k.stack}
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
		after := follow(before[i], ins, name)
		op := ins.OpCode.JumpOp()
		jumps := ins.OpCode.Class().IsJump() && op != asm.InvalidJumpOp && op != asm.Call && op != asm.Exit
		if jumps {
			reach(index[target(ins, offset[i])], after)
		}
		if op != asm.Exit && (!jumps || op != asm.Ja) {
			reach(i+1, after)
		}
	}
	var adds []asm.Instruction
	for i, ins := range prog {
		op := ins.OpCode.AtomicOp()
		if (op == asm.AddAtomic || op == asm.FetchAdd) && before[i].values&bit(ins.Dst) != 0 {
			adds = append(adds, ins)
		}
	}
	return adds
}

// target is where a jump goes.
func target(ins *asm.Instruction, at asm.RawInstructionOffset) asm.RawInstructionOffset {
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
func follow(k known, ins *asm.Instruction, name string) known {
	class := ins.OpCode.Class()
	set := func(isMap, isValue bool) {
		k.maps &^= bit(ins.Dst)
		k.values &^= bit(ins.Dst)
		if isMap {
			k.maps |= bit(ins.Dst)
		}
		if isValue {
			k.values |= bit(ins.Dst)
		}
	}
	switch {
	case ins.OpCode.JumpOp() == asm.Call && class.IsJump():
		found := ins.IsBuiltinCall() && ins.Constant == int64(asm.FnMapLookupElem) && k.maps&bit(asm.R1) != 0
		const scratched = 1<<6 - 1
		k.maps &^= scratched
		k.values &^= scratched
		if found {
			k.values |= bit(asm.R0)
		}
	case ins.IsLoadFromMap():
		set(ins.Reference() == name && ins.Src == asm.PseudoMapFD, false)
	case class == asm.ALU64Class && ins.OpCode.ALUOp() == asm.Mov && ins.OpCode.Source() == asm.RegSource:
		set(k.maps&bit(ins.Src) != 0, k.values&bit(ins.Src) != 0)
	case class.IsALU():
		set(false, false)
	case class == asm.LdXClass:
		set(false, ins.OpCode.Size() == asm.DWord && k.stack&slot(ins.Src, ins.Offset) != 0)
	case class == asm.StXClass && ins.OpCode.Mode() == asm.MemMode:
		at := slot(ins.Dst, ins.Offset)
		k.stack &^= at
		if ins.OpCode.Size() == asm.DWord && k.values&bit(ins.Src) != 0 {
			k.stack |= at
		}
	case class == asm.LdClass:
		set(false, false)
	}
	return k
}
