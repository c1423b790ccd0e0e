// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// fit makes a spec that was compiled for all kernels fit the running one: what
// that one lacks is taken out, so that loading does not fail over it.
func fit(spec *ebpf.CollectionSpec, kernel *btf.Spec) error {
	if err := fitOps(spec, kernel); err != nil {
		return err
	}
	fitProbes(spec, kernel)
	return fitKfuncs(spec, kernel)
}

// fitOps takes out the programs of sched_ext_ops members that the kernel does
// not have, such as the cgroup callbacks without CONFIG_EXT_GROUP_SCHED.
func fitOps(spec *ebpf.CollectionSpec, kernel *btf.Spec) error {
	var ops *btf.Struct
	if err := kernel.TypeByName("sched_ext_ops", &ops); err != nil {
		return fmt.Errorf("find sched_ext_ops in the kernel's types: %w", err)
	}
	has := make(map[string]bool, len(ops.Members))
	for _, m := range ops.Members {
		has[m.Name] = true
	}
	for name, prog := range spec.Programs {
		if member, ok := strings.CutPrefix(prog.AttachTo, "sched_ext_ops:"); ok && !has[member] {
			delete(spec.Programs, name)
		}
	}
	return nil
}

// fitProbes takes out the programs that probe a function of which the kernel
// has none, or several.
func fitProbes(spec *ebpf.CollectionSpec, kernel *btf.Spec) {
	for name, prog := range spec.Programs {
		var fn *btf.Func
		if prog.Type == ebpf.Tracing && kernel.TypeByName(prog.AttachTo, &fn) != nil {
			delete(spec.Programs, name)
		}
	}
}

// enabledNumber is the number that the kernel gives the state ENABLED of a
// task, 0 if its types do not tell. Since 7.1 the enumerator is in place among
// the task's flags; before, it was one of its own.
func enabledNumber(kernel *btf.Spec) uint32 {
	for _, in := range []struct {
		enum  string
		shift int
	}{{"scx_task_state", 0}, {"scx_ent_flags", 8}} {
		var enum *btf.Enum
		if kernel.TypeByName(in.enum, &enum) != nil {
			continue
		}
		for _, v := range enum.Values {
			if v.Name == "SCX_TASK_ENABLED" {
				return uint32(v.Value >> in.shift) //nolint:gosec // a few bits
			}
		}
	}
	return 0
}

// isHalfConverted reports whether the kernel's function takes, behind what the
// program passes, the program itself. The verifier fills that in, and a build of
// the kernel hides it: it has a function without it, and a second one that is
// called NAME_impl. Builds that leave both out (7.2.12 of Debian 13) exist, and
// their verifier refuses every call.
func isHalfConverted(fn, target *btf.Func) bool {
	if target == nil {
		return false
	}
	ours, ok1 := fn.Type.(*btf.FuncProto)
	theirs, ok2 := target.Type.(*btf.FuncProto)
	if !ok1 || !ok2 || len(theirs.Params) != len(ours.Params)+1 {
		return false
	}
	last := len(theirs.Params) - 1
	pointer, ok := theirs.Params[last].Type.(*btf.Pointer)
	if !ok {
		return false
	}
	aux, ok := btf.As[*btf.Struct](pointer.Target)
	if !ok || aux.Name != "bpf_prog_aux" {
		return false
	}
	rest := &btf.FuncProto{Return: theirs.Return, Params: theirs.Params[:last]}
	return btf.CheckTypeCompatibility(ours, rest) == nil
}

// absent is put behind the name of a kfunc that the kernel does not have in
// the form that the program expects; no kernel has a function of such a name.
const absent = "__absent"

// fitKfuncs renames every kfunc that does not resolve, so that the library
// takes it for absent. Without that, a name of which the kernel has several
// flavours (scx_bpf_dsq_insert and scx_bpf_dsq_insert___v2) fails the load
// even where the program has a branch for each.
func fitKfuncs(spec *ebpf.CollectionSpec, kernel *btf.Spec) error {
	var ksyms *btf.Datasec
	if err := spec.Types.TypeByName(".ksyms", &ksyms); err != nil {
		return fmt.Errorf("find the kernel functions that the programs use: %w", err)
	}
	for _, v := range ksyms.Vars {
		fn, ok := v.Type.(*btf.Func)
		if !ok {
			continue
		}
		var target *btf.Func
		err := kernel.TypeByName(fn.Name, &target)
		if err == nil {
			err = btf.CheckTypeCompatibility(fn.Type, target.Type)
		}
		if err != nil && isHalfConverted(fn, target) {
			return fmt.Errorf("the types of this kernel build (%s) are damaged: %s is only half converted, so no scheduler can call it; "+
				"try another build", release(), fn.Name)
		}
		if err != nil && !errors.Is(err, btf.ErrNotFound) {
			fn.Name += absent
		}
	}
	return nil
}
