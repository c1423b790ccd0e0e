// SPDX-License-Identifier: GPL-2.0-only

package artifact_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"scxdiag/dump/artifact"
)

// member is a file of an archive.
type member struct {
	name string
	data []byte
}

func tarOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.data)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// packed is data as a packer writes it.
func packed(t testing.TB, data []byte, packer func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := packer(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipper(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
func xzipper(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }
func zstder(w io.Writer) (io.WriteCloser, error)  { return zstd.NewWriter(w) }

// bzipped is "bz\n", which nothing here can pack.
const bzipped = "QlpoOTFBWSZTWXKQoCMAAADBgAAQEAAAECAAIZgZhGF3JFOFCQcpCgIw"

// walked is what a walk found, by name, and what it skipped.
type walked struct {
	found   map[string]string
	skipped map[string]string
}

// walk goes through names and keeps the first bytes of all that is found.
func walk(t testing.TB, w *artifact.Walker, stdin io.Reader, names ...string) walked {
	t.Helper()
	got := walked{make(map[string]string), make(map[string]string)}
	var mu sync.Mutex
	w.Skipped = func(name string, why error) { got.skipped[name] = why.Error() }
	err := w.Walk(t.Context(), names, stdin, func(_ context.Context, s artifact.Stream) error {
		const kept = 64
		start, err := io.ReadAll(io.LimitReader(s, kept))
		if err == nil {
			_, err = io.Copy(io.Discard, s)
		}
		mu.Lock()
		got.found[s.Name] += string(start)
		mu.Unlock()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// inFolder writes files into a new folder and goes there.
func inFolder(t testing.TB, files map[string][]byte) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func TestAllIsFound(t *testing.T) {
	log := []byte("log\n")
	bz, err := base64.StdEncoding.DecodeString(bzipped)
	if err != nil {
		t.Fatal(err)
	}
	inner := zipOf(t, member{"7_run.txt", log}, member{"folder/", nil}, member{"deep.xz", packed(t, log, xzipper)})
	inFolder(t, map[string][]byte{
		"logs/plain":     log,
		"logs/empty":     nil,
		"logs/a.gz":      packed(t, log, gzipper),
		"logs/twice.gz":  append(packed(t, log, gzipper), packed(t, log, gzipper)...),
		"logs/a.xz":      packed(t, log, xzipper),
		"logs/a.zst":     packed(t, log, zstder),
		"logs/a.bz2":     bz,
		"logs/gz.gz":     packed(t, packed(t, log, gzipper), gzipper),
		"logs/run.zip":   zipOf(t, member{"inner.zip", inner}, member{"x y", log}),
		"logs/a.tar":     tarOf(t, member{"b/c.gz", packed(t, log, gzipper)}, member{"d", log}),
		"logs/b.tar.zst": packed(t, tarOf(t, member{"in.zip", inner}), zstder),
	})
	got := walk(t, new(artifact.Walker), strings.NewReader("standard"), "logs", "-", "logs/plain")
	want := map[string]string{
		"logs/plain": "log\nlog\n", // it was named, too
		"logs/empty": "", "logs/a.gz": "log\n", "logs/twice.gz": "log\nlog\n", "logs/a.xz": "log\n", "logs/a.zst": "log\n",
		"logs/a.bz2": "bz\n", "logs/gz.gz": "log\n", "logs/run.zip!/x y": "log\n",
		"logs/run.zip!/inner.zip!/7_run.txt": "log\n", "logs/run.zip!/inner.zip!/deep.xz": "log\n",
		"logs/a.tar!/b/c.gz": "log\n", "logs/a.tar!/d": "log\n",
		"logs/b.tar.zst!/in.zip!/7_run.txt": "log\n", "logs/b.tar.zst!/in.zip!/deep.xz": "log\n",
		"-": "standard",
	}
	if diff := cmp.Diff(want, got.found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.skipped) > 0 {
		t.Errorf("skipped %q", got.skipped)
	}
}

func TestHostileArchives(t *testing.T) {
	log := []byte("log\n")
	zeros := packed(t, make([]byte, 64<<20), gzipper)
	for range 2 { // as small as may be
		zeros = packed(t, zeros, gzipper)
	}
	encrypted := zipOf(t, member{"secret", log}, member{"open", log})
	for _, magic := range []string{"PK\x03\x04", "PK\x01\x02"} {
		flags := bytes.Index(encrypted, []byte(magic)) + 6
		if magic == "PK\x01\x02" {
			flags += 2
		}
		encrypted[flags] |= 1
	}
	corrupt := zipOf(t, member{"bad", bytes.Repeat([]byte("abc"), 1000)}, member{"good", log})
	corrupt[40] ^= 0xff
	nested := log
	for range 12 {
		nested = zipOf(t, member{"z", nested})
	}
	many := make([]member, 2000)
	for i := range many {
		many[i].name = strconv.Itoa(i)
	}
	gz := packed(t, bytes.Repeat([]byte("0123456789abcdef"), 1<<12), gzipper)
	for name, tt := range map[string]struct {
		data    []byte
		found   []string
		skipped map[string]string // and a word of why
	}{
		"bomb":      {zeros, []string{"f"}, map[string]string{"f": "unfolds to more"}},
		"encrypted": {encrypted, []string{"f!/open"}, map[string]string{"f!/secret": "encrypted"}},
		"corrupt":   {corrupt, []string{"f!/good"}, map[string]string{"f!/bad": "cannot be read"}},
		"nested":    {nested, nil, map[string]string{"f" + strings.Repeat("!/z", 6): "more than 6 times"}},
		"many":      {tarOf(t, many...), nil, map[string]string{"f": "unfolds to more"}},
		"cut gzip":  {gz[:len(gz)-20], []string{"f"}, map[string]string{"f": "unexpected EOF"}},
		"cut early": {packed(t, log, gzipper)[:16], []string{"f"}, map[string]string{"f": "unexpected EOF"}},
		"cut tar":   {tarOf(t, member{"a", log}, member{"b", make([]byte, 5000)})[:2100], []string{"f!/a", "f!/b"}, map[string]string{"f!/b": "unexpected EOF", "f": "unexpected EOF"}},
		"cut zip":   {zipOf(t, member{"a", log})[:60], nil, map[string]string{"f": "not a valid zip"}},
		"paths": {
			tarOf(t, member{"/etc/passwd", log}, member{"../../up", log}, member{"\x1b[2J", log}),
			[]string{"f!/\x1b[2J", "f!/../../up", "f!//etc/passwd"}, nil,
		},
		"zip paths":  {zipOf(t, member{"../up", log}), []string{"f!/../up"}, nil},
		"large zip":  {packed(t, zipOf(t, member{"x", randomBytes(2 << 20)}), gzipper), nil, map[string]string{"f": "within an archive"}},
		"only magic": {[]byte("PK\x03\x04"), nil, map[string]string{"f": "not a valid zip"}},
		"large xz": {
			packed(t, log, func(w io.Writer) (io.WriteCloser, error) {
				return xz.WriterConfig{DictCap: 256 << 20}.NewWriter(w)
			}), nil, map[string]string{"f": "more than 64 MiB of memory"},
		},
		"lz4":    {[]byte("\x04\x22\x4d\x18 and so on"), nil, map[string]string{"f": "lz4"}},
		"not xz": {[]byte("\xfd7zXZ\x00garbage"), nil, map[string]string{"f": "cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			inFolder(t, map[string][]byte{"f": tt.data})
			w := &artifact.Walker{Limits: artifact.Limits{Bytes: 8 << 20, Ratio: 1, Members: 1000, Inner: 1 << 20}}
			got := walk(t, w, nil, "f")
			var found []string
			for name := range got.found {
				found = append(found, name)
			}
			slices.Sort(found)
			if name == "many" {
				found = nil // a thousand of them
			}
			if diff := cmp.Diff(tt.found, found); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for name, why := range tt.skipped {
				if !strings.Contains(got.skipped[name], why) {
					t.Errorf("%s is skipped with %q, want %q; all: %q", name, got.skipped[name], why, got.skipped)
				}
			}
			if len(got.skipped) != len(tt.skipped) {
				t.Errorf("skipped: %q", got.skipped)
			}
			if n := w.Progress.Bytes.Load(); n > 9<<20 {
				t.Errorf("%d bytes came out of it", n)
			}
			entries, err := os.ReadDir(".")
			if err != nil || len(entries) != 1 {
				t.Errorf("there are %d files now: %v", len(entries), err)
			}
		})
	}
}

// randomBytes cannot be packed.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// greedy has a block of an xz stream, which nr counts from 0, want a dictionary of
// 1.5 GiB.
func greedy(t *testing.T, stream []byte, nr int) []byte {
	t.Helper()
	b := slices.Clone(stream)
	at := 0
	for range nr + 1 {
		const flags, lzma2, propsLen = 0, 0x21, 1
		n := bytes.Index(b[at+1:], []byte{flags, lzma2, propsLen})
		if n < 0 {
			t.Fatal("there is no such block")
		}
		at += 1 + n
	}
	const props, largest = 3, 37
	b[at+props] = largest
	header := b[at-1:][:4*(int(b[at-1])+1)]
	binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
	return b
}

func TestGreedyXZ(t *testing.T) {
	one := packed(t, []byte("log\n"), xzipper)
	blocks := packed(t, []byte("log\nlog\n"), func(w io.Writer) (io.WriteCloser, error) { return xz.WriterConfig{BlockSize: 4}.NewWriter(w) })
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"first block":   {greedy(t, one, 0), ""},
		"second block":  {greedy(t, blocks, 1), "log\n"},
		"second stream": {slices.Concat(one, greedy(t, one, 0)), "log\n"},
		"after padding": {slices.Concat(one, make([]byte, 8), greedy(t, one, 0)), "log\n"},
		"as it was":     {slices.Concat(one, make([]byte, 8), blocks), "log\nlog\nlog\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inFolder(t, map[string][]byte{"f": tt.data})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := walk(t, new(artifact.Walker), nil, "f")
			runtime.ReadMemStats(&after)
			if got.found["f"] != tt.want {
				t.Errorf("found %q", got.found)
			}
			if why, is := got.skipped["f"]; is == (name == "as it was") || is && !strings.Contains(why, "more than 64 MiB of memory") {
				t.Errorf("skipped %q", got.skipped)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 20<<20 {
				t.Errorf("took %d MiB", n>>20)
			}
		})
	}
}

func TestDirectoriesOfZipsAreBounded(t *testing.T) {
	members := make([]member, 200)
	for i := range members {
		members[i].name = fmt.Sprint(i, strings.Repeat("n", 60_000))
	}
	inFolder(t, map[string][]byte{"f": zipOf(t, members...)})
	got := walk(t, new(artifact.Walker), nil, "f")
	if len(got.found) > 0 || !strings.Contains(got.skipped["f"], "directory") {
		t.Errorf("%d found, skipped %q", len(got.found), got.skipped)
	}
}

func TestLogsArePutTogether(t *testing.T) {
	inFolder(t, map[string][]byte{
		"p/dmesg-efi-1": []byte("Panic#1 Part1\nd\ne\n"), "p/dmesg-efi-2": []byte("Panic#1 Part2\nb\nc"),
		"p/dmesg-efi-3": []byte("Panic#1 Part10\na\n"), "p/dmesg-efi-4": []byte("Oops#1 Part1\nother\n"),
		"q/dmesg-efi-1": []byte("Panic#1 Part1\nelsewhere\n"), "q/dmesg-ramoops-0": []byte("no part\n"), "q/dmesg-empty": nil,
	})
	w := new(artifact.Walker)
	got := walk(t, w, nil, ".")
	want := map[string]string{
		"p/dmesg-efi-1 (and 2 parts before it)": "a\nb\ncd\ne\n", "p/dmesg-efi-4": "other\n", "q/dmesg-efi-1": "elsewhere\n",
		"q/dmesg-ramoops-0": "no part\n", "q/dmesg-empty": "",
	}
	if diff := cmp.Diff(want, got.found); diff != "" || len(got.skipped) > 0 {
		t.Errorf("skipped %q (-want +got):\n%s", got.skipped, diff)
	}
}

func deflater(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) }
func zliber(w io.Writer) (io.WriteCloser, error)   { return zlib.NewWriter(w), nil }

func TestPartsThatTheKernelCouldNotDecompress(t *testing.T) {
	part := func(nr int, text string) []byte { return fmt.Appendf(nil, "Panic#1 Part%d\n%s\n", nr, text) }
	long := packed(t, part(3, strings.Repeat("0123456789abcdef", 100)+string(randomBytes(1000))), deflater)
	inFolder(t, map[string][]byte{
		"p/dmesg-efi-1.enc.z": packed(t, part(1, "c"), deflater), "p/dmesg-efi-2": part(2, "b"), "p/dmesg-efi-3.enc.z": packed(t, part(3, "a"), zliber),
		"p/dmesg-efi-4.enc.z": []byte("Q\xff\xfe lzo perhaps"), "p/other-1.enc.z": []byte("as it is\n"),
		"q/dmesg-efi-1.enc.z": append(packed(t, part(1, "alone"), deflater), "\nECC: No errors detected\n"...),
		"r/dmesg-efi-1.enc.z": long[:len(long)-100],
		"s/dmesg-efi-1.enc.z": packed(t, make([]byte, 2<<20), deflater), "s/dmesg-efi-2.enc.z": packed(t, part(1, string(make([]byte, 2<<20))), deflater),
		"a.tar": tarOf(t, member{"dmesg-efi-1.enc.z", packed(t, part(1, "in a tar"), deflater)}),
	})
	w := &artifact.Walker{Limits: artifact.Limits{Bytes: 1 << 20, Ratio: 1}}
	got := walk(t, w, nil, ".")
	zeros := string(make([]byte, 64))
	want := map[string]string{
		"p/dmesg-efi-1.enc.z (and 2 parts before it)": "a\nb\nc\n", "p/other-1.enc.z": "as it is\n",
		"q/dmesg-efi-1.enc.z": "alone\n",
		"r/dmesg-efi-1.enc.z": strings.Repeat("0123456789abcdef", 4), "s/dmesg-efi-1.enc.z": zeros, "a.tar!/dmesg-efi-1.enc.z": "Panic#1 Part1\nin a tar\n",
		"s/dmesg-efi-2.enc.z": "", // all parts of it are too large
	}
	if diff := cmp.Diff(want, got.found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	named := walk(t, w, nil, "q/dmesg-efi-1.enc.z")
	if text := named.found["q/dmesg-efi-1.enc.z"]; text != "Panic#1 Part1\nalone\n" {
		t.Errorf("one that is named: %q", text)
	}
	for name, why := range map[string]string{
		"p/dmesg-efi-4.enc.z": "flate: corrupt", "r/dmesg-efi-1.enc.z": "unexpected EOF", "s/dmesg-efi-1.enc.z": "unfolds to more", "s/dmesg-efi-2.enc.z": "more than 1 MiB",
	} {
		if !strings.Contains(got.skipped[name], why) {
			t.Errorf("%s is skipped with %q, want %q", name, got.skipped[name], why)
		}
		delete(got.skipped, name)
	}
	if len(got.skipped) > 0 {
		t.Errorf("skipped %q", got.skipped)
	}
}

func TestPackingsHaveNames(t *testing.T) {
	log := []byte("log\n")
	for name, data := range map[string][]byte{
		"": log, "gzip": packed(t, log, gzipper), "xz": packed(t, log, xzipper), "zstd": packed(t, log, zstder), "zip": zipOf(t, member{"a", log}), "lz4": []byte("\x04\x22\x4d\x18"), "bzip2": []byte("BZh9"),
	} {
		if got := artifact.Packing(data); got != name {
			t.Errorf("%.4q is %q, want %q", data, got, name)
		}
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	inFolder(t, map[string][]byte{"a/log": []byte("log\n")})
	if err := errors.Join(os.Symlink("..", "a/up"), os.Symlink("/etc/passwd", "a/passwd"), os.Symlink("log", "a/same"), os.Symlink("a", "named")); err != nil {
		t.Fatal(err)
	}
	got := walk(t, new(artifact.Walker), nil, "a", "named/log")
	want := map[string]string{"a/log": "log\n", "named/log": "log\n"}
	if diff := cmp.Diff(want, got.found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.skipped) != 3 {
		t.Errorf("skipped %q", got.skipped)
	}
}

func TestWalkGoesOnWithoutWhatIsMissing(t *testing.T) {
	inFolder(t, map[string][]byte{"log": []byte("log\n")})
	found := 0
	err := new(artifact.Walker).Walk(t.Context(), []string{"nothing", "log"}, nil, func(context.Context, artifact.Stream) error {
		found++
		return nil
	})
	if found != 1 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%d found, %v", found, err)
	}
}

func TestErrorsOfVisitEndTheWalk(t *testing.T) {
	files := make(map[string][]byte)
	for i := range 200 {
		files[fmt.Sprint("d/", i)] = []byte("log\n")
	}
	inFolder(t, files)
	errMine := errors.New("mine")
	var mu sync.Mutex
	seen := 0
	err := new(artifact.Walker).Walk(t.Context(), []string{"d"}, nil, func(context.Context, artifact.Stream) error {
		mu.Lock()
		defer mu.Unlock()
		seen++
		return errMine
	})
	if !errors.Is(err, errMine) || seen > 10 {
		t.Errorf("%v after %d", err, seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := new(artifact.Walker).Walk(ctx, []string{"d"}, nil, func(context.Context, artifact.Stream) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestPipesHoldNothingUp has a walk end while a pipe has no writer, and while the one it
// has writes nothing.
func TestPipesHoldNothingUp(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // as many streams are under way
	inFolder(t, map[string][]byte{"log": []byte("log\n")})
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := new(artifact.Walker).Walk(ctx, []string{"pipe", "log"}, nil, func(context.Context, artifact.Stream) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("without a writer: %v", err)
	}
	w, err := os.OpenFile("pipe", os.O_RDWR, 0) // which lets the one go that waits
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.WriteString(strings.Repeat("a line\n", 100)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	err = new(artifact.Walker).Walk(ctx, []string{"pipe"}, nil, func(_ context.Context, s artifact.Stream) error {
		cancel()
		_, err := io.Copy(io.Discard, s)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("with a writer: %v", err)
	}
}

// FuzzWalk takes anything for an archive.
func FuzzWalk(f *testing.F) {
	log := []byte("log\n")
	bz, err := base64.StdEncoding.DecodeString(bzipped)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		log, bz, packed(f, log, gzipper), packed(f, log, xzipper), packed(f, log, zstder), tarOf(f, member{"a", log}, member{"b", log}),
		[]byte(exported("a") + exported("b\nc")), zipOf(f, member{"a", log}), packed(f, tarOf(f, member{"z", zipOf(f, member{"a", log})}), gzipper),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w := &artifact.Walker{Limits: artifact.Limits{Bytes: 1 << 20, Ratio: 1, Members: 100, Inner: 1 << 20}}
		walk(t, w, bytes.NewReader(data), "-")
		if n := w.Progress.Bytes.Load(); n > 1<<20+int64(len(data))+64<<10 {
			t.Errorf("%d bytes came out of %d", n, len(data))
		}
	})
}
