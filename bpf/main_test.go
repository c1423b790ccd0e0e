// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"os"
	"testing"

	"scxdiag/bpf/vm"
)

func TestMain(m *testing.M) {
	vm.RunGuest()
	os.Exit(m.Run())
}
