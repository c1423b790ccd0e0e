// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestACpioArchiveHasEachFolderBeforeItsFiles(t *testing.T) {
	host := filepath.Join(t.TempDir(), "host")
	if err := os.WriteFile(host, []byte("abcde"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	w := &cpioWriter{w: &out, made: map[string]bool{"/": true}}
	w.node("/dev/null", 0o20666, 1, 3)
	w.file(File{Path: "/a/b/c", Data: []byte("x"), Mode: 0o640})
	w.file(File{Path: "/a/b/d", Host: host})
	w.end()
	if w.err != nil {
		t.Fatal(w.err)
	}
	// Of each header: the inode, the mode, and what is not zero.
	const none = "0000000000000000"
	entry := func(ino, mode, size, device, nameSize, rest string) string {
		return "070701" + ino + mode + none + "00000001" + "00000000" + size + none + device + nameSize + "00000000" + rest
	}
	want := entry("00000001", "000041ed", "00000000", none, "00000004", "dev\x00\x00\x00") +
		entry("00000002", "000021b6", "00000000", "0000000100000003", "00000009", "dev/null\x00\x00") +
		entry("00000003", "000041ed", "00000000", none, "00000002", "a\x00") +
		entry("00000004", "000041ed", "00000000", none, "00000004", "a/b\x00\x00\x00") +
		entry("00000005", "000081a0", "00000001", none, "00000006", "a/b/c\x00x\x00\x00\x00") +
		entry("00000006", "000081ed", "00000005", none, "00000006", "a/b/d\x00abcde\x00\x00\x00") +
		entry("00000007", "00000000", "00000000", none, "0000000b", "TRAILER!!!\x00\x00\x00\x00")
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestABadFileIsAnError(t *testing.T) {
	for want, add := range map[string]func(*cpioWriter){
		"not absolute": func(w *cpioWriter) { w.file(File{Path: "a"}) },
		"no such file": func(w *cpioWriter) { w.file(File{Path: "/a", Host: "/no/such"}) },
		// One that turns out shorter than it was.
		"EOF": func(w *cpioWriter) { w.entry("/a", 0, 5, 0, 0, strings.NewReader("abc")) },
	} {
		w := &cpioWriter{w: io.Discard, made: map[string]bool{"/": true}}
		add(w)
		w.end()
		if w.err == nil || !strings.Contains(w.err.Error(), want) {
			t.Errorf("got %v, not %s", w.err, want)
		}
	}
}
