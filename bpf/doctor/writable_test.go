// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		kept:                                    true,
		filepath.Join(dir, "new"):               true,
		filepath.Join(dir, "a", "b", "new"):     true,
		filepath.Join(kept, "below-a-file"):     false,
		filepath.Join(kept, "a", "b", "deeper"): false,
	} {
		if err := Writable(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("it made something: %v, %v", left, err)
	}
}
