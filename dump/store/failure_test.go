// SPDX-License-Identifier: GPL-2.0-only

package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"scxdiag/dump/store"
)

// envTry makes the test binary try to read the recording that the variable
// names and to add to it, and print what came of it.
const envTry = "STORE_TEST_TRY"

func try(path string) {
	ctx := context.Background()
	r, err := store.OpenReader(path)
	if err != nil {
		fmt.Println("read:", err)
	} else {
		list, err := r.List(ctx, store.Filter{})
		fmt.Println("read:", len(list), err)
		for i := range list {
			if _, err := r.Get(ctx, list[i].ID); err != nil {
				fmt.Println("get:", err)
			}
		}
		fmt.Println("close:", r.Close())
	}
	w, err := store.Open(path)
	if err != nil {
		fmt.Println("write:", err)
		return
	}
	_, _, err = w.Add(ctx, newMachine(10, 16, 0).step(), store.AddOptions{})
	fmt.Println("write:", err)
}

// tryAsNobody runs try as a user without rights.
func tryAsNobody(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envTry+"="+path)
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// openFolder makes a folder that others can reach, for tests that run as
// somebody else.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "store-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func contains(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in:\n%s", w, got)
		}
	}
	if strings.Contains(got, "panic") {
		t.Errorf("it panics:\n%s", got)
	}
}

func TestReadOnlyFoldersCanBeReadFrom(t *testing.T) {
	from, _ := recorded(t, samples(t, 5, 10))
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	dir := openFolder(t)
	path := filepath.Join(dir, "a"+store.Ext)
	if err := os.WriteFile(path, b, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	out := tryAsNobody(t, path)
	contains(t, out, "read: 5 <nil>", "close: <nil>", "write: open recording "+path+": ", "it may not be written to")
	if strings.Contains(out, "get:") {
		t.Error(out)
	}
}

func TestWithoutPermission(t *testing.T) {
	path, byID := recorded(t, samples(t, 3, 10))
	dir := openFolder(t)
	to := filepath.Join(dir, "a"+store.Ext)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		contains(t, tryAsNobody(t, to), "read: open recording "+to+": ", "permission denied", "write: open recording "+to)
	}
	if n := useDamaged(t, to, byID); n != 3 {
		t.Errorf("%d snapshots of 3 are left", n)
	}
	contains(t, tryAsNobody(t, filepath.Join(dir, "new"+store.Ext)), "nothing was recorded there", "permission denied")
}

func TestOnlyTheUserCanRead(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	t.Setenv(store.EnvPath, "")
	if _, err := store.OpenReader(""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is no catalogue yet, but %v", err)
	}
	s, err := store.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	add(t, s, samples(t, 1, 5)[0])
	want := filepath.Join(dir, "scxdiag", "catalogue.scxdiag")
	if s.Path() != want {
		t.Errorf("the catalogue is %s, want %s", s.Path(), want)
	}
	for name, mode := range map[string]fs.FileMode{
		filepath.Dir(want): fs.ModeDir | 0o700, want: 0o600, want + "-wal": 0o600, want + "-shm": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), mode)
		}
	}
	t.Setenv(store.EnvPath, "/elsewhere")
	if p, err := store.DefaultPath(); err != nil || p != "/elsewhere" {
		t.Errorf("%s, %v", p, err)
	}
}

func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "a"+store.Ext)
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(500, 64, 0)
	var ids []string
	for range 2000 {
		id, _, err := s.Add(t.Context(), m.step(), store.AddOptions{})
		if err != nil {
			contains(t, err.Error(), "the disk is full", path)
			break
		}
		ids = append(ids, id)
	}
	if len(ids) < 5 || len(ids) == 2000 {
		t.Fatalf("%d snapshots in 2 MB", len(ids))
	}
	if _, _, err := s.Add(t.Context(), m.step(), store.AddOptions{}); err == nil {
		t.Log("there was room for another one after all")
	}
	if err := s.Close(); err != nil {
		t.Logf("close: %v", err) // it may lack the room to tidy up
	}
	r, err := store.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, id := range ids {
		if _, err := r.Get(t.Context(), id); err != nil {
			t.Errorf("recorded before the disk was full: %v", err)
		}
	}
	to := newStore(t)
	if n, err := to.Import(t.Context(), path); err != nil || n.Added < len(ids) {
		t.Errorf("%+v, %v", n, err)
	}
	if err := to.Export(t.Context(), ids, filepath.Join(dir, "b"+store.Ext)); err == nil {
		t.Error("there is no room to export to")
	} else {
		contains(t, err.Error(), "the disk is full")
	}
}

func TestUnusedRecordingsGo(t *testing.T) {
	dir := t.TempDir()
	left := func(name string) bool {
		all, err := filepath.Glob(filepath.Join(dir, name) + "*")
		if err != nil {
			t.Fatal(err)
		}
		return len(all) > 0
	}
	open := func(name string) *store.Store {
		s, err := store.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	closed := func(s *store.Store) {
		t.Helper()
		if err := s.CloseUnused(); err != nil {
			t.Error(err)
		}
	}
	closed(open("unused"))
	if left("unused") {
		t.Error("an unused one is left")
	}
	used := open("used")
	add(t, used, samples(t, 1, 5)[0])
	closed(used)
	if !left("used") {
		t.Error("a snapshot is lost")
	}
	if err := open("empty").Close(); err != nil {
		t.Fatal(err)
	}
	closed(open("empty")) // which somebody else made
	if !left("empty") {
		t.Error("that of somebody else is gone")
	}
	mine := open("shared")
	other := open("shared")
	closed(mine)
	add(t, other, samples(t, 1, 5)[0])
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if !left("shared") {
		t.Error("what others add is lost")
	}
}

func TestWhatIsNoRecordingIsRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := filepath.Join(dir, "other.db")
	execSQL(t, other, "CREATE TABLE t (x)", "PRAGMA user_version = 5")
	for _, path := range []string{
		write("text", "runnable task stall\n"), write("long text", strings.Repeat("a line\n", 1000)), other, dir,
	} {
		if _, err := store.OpenReader(path); !errors.Is(err, store.ErrNotRecording) {
			t.Errorf("read %s: %v", path, err)
		}
		before, _ := os.ReadFile(path)
		if _, err := store.Open(path); !errors.Is(err, store.ErrNotRecording) {
			t.Errorf("write %s: %v", path, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
			t.Errorf("%s was changed", path)
		}
		if path == dir {
			continue
		}
		if n, err := newStore(t).Salvage(t.Context(), path); !errors.Is(err, store.ErrNotRecording) {
			t.Errorf("salvage %s: %+v, %v", path, n, err)
		}
	}
}

// execSQL does something to a file that this package would not.
func execSQL(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewerMajorVersionIsRefused(t *testing.T) {
	path, _ := recorded(t, samples(t, 2, 5))
	execSQL(t, path, "UPDATE about SET value = 'v3.1.0' WHERE key = 'needs'", fmt.Sprintf("PRAGMA user_version = %d", 2<<16|7))
	for _, open := range []func(string) (*store.Store, error){store.Open, store.OpenReader} {
		if _, err := open(path); err == nil {
			t.Error("it was opened")
		} else {
			contains(t, err.Error(), path, `get version "v3.1.0" or later of scxdiag`)
		}
	}
}

func TestForeignSchemaIsRefused(t *testing.T) {
	for name, statement := range map[string]string{
		"trigger": "CREATE TRIGGER t AFTER INSERT ON body BEGIN DELETE FROM snapshot; END",
		"view":    "CREATE VIEW v AS SELECT 1",
		"table":   "CREATE TABLE more (x)",
		"missing": "DROP TABLE original",
	} {
		path, _ := recorded(t, samples(t, 2, 5))
		execSQL(t, path, statement)
		for _, open := range []func(string) (*store.Store, error){store.Open, store.OpenReader} {
			if _, err := open(path); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestFindTakesUnambiguousPrefixes(t *testing.T) {
	s := newStore(t)
	var ids []string
	for i := range 3 {
		ids = append(ids, add(t, s, samples(t, i+1, 5)[i]))
	}
	for _, id := range ids {
		for _, prefix := range []string{id, id[:8], strings.ToUpper(id[:12])} {
			if e, err := s.Find(t.Context(), prefix); err != nil || e.ID != id {
				t.Errorf("%s: %s, %v", prefix, e.ID, err)
			}
		}
	}
	for _, bad := range []string{"", "abc", "xyzw", "\x1b[2J", strings.Repeat("a", 33)} {
		_, err := s.Find(t.Context(), bad)
		if err == nil || strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := s.Find(t.Context(), "0123456789"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if err := store.Fill(s, 30); err != nil { // their ids start with sixteen zeros
		t.Fatal(err)
	}
	_, err := s.Find(t.Context(), "00000000")
	var ambiguous *store.AmbiguousError
	if !errors.As(err, &ambiguous) || len(ambiguous.Candidates) != 10 || !ambiguous.More {
		t.Fatalf("%v", err)
	}
	contains(t, err.Error(), ambiguous.Candidates[3].ID, "and more")
}
