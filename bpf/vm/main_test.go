// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	RunGuest()
	os.Exit(m.Run())
}
