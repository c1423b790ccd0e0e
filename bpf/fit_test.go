// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

// function makes a function of the kernel that takes u64s, and behind them a
// pointer to the given struct, if any.
func function(numbers int, behind string) *btf.Func {
	u64 := &btf.Int{Name: "u64", Size: 8}
	proto := &btf.FuncProto{Return: &btf.Void{}}
	for range numbers {
		proto.Params = append(proto.Params, btf.FuncParam{Type: u64})
	}
	if behind != "" {
		s := &btf.Const{Type: &btf.Struct{Name: behind}}
		proto.Params = append(proto.Params, btf.FuncParam{Type: &btf.Pointer{Target: s}})
	}
	return &btf.Func{Name: "scx_bpf_kick_cpu", Type: proto}
}

func TestHalfConvertedFunctionsAreTold(t *testing.T) {
	ours := function(2, "")
	for name, c := range map[string]struct {
		kernel *btf.Func
		want   bool
	}{
		"the same":                {function(2, ""), false},
		"absent":                  {nil, false},
		"with the program behind": {function(2, "bpf_prog_aux"), true},
		"with something behind":   {function(2, "task_struct"), false},
		"with a number behind":    {function(3, ""), false},
		"with less":               {function(1, "bpf_prog_aux"), false},
	} {
		if got := isHalfConverted(ours, c.kernel); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}
