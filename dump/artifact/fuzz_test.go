// SPDX-License-Identifier: GPL-2.0-only

package artifact_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"regexp"
	"strings"
	"testing"

	"scxdiag/dump/artifact"
)

// small are limits that are soon reached.
var small = artifact.Limits{Bytes: 1 << 20, Ratio: 1, Members: 100, Inner: 1 << 20}

// boundedBy fails if more came out of a walk than small lets come out of so much, with
// a buffer's worth more for each of some files.
func boundedBy(t *testing.T, w *artifact.Walker, files, size int) {
	t.Helper()
	const buffer = 64 << 10
	if n := w.Progress.Bytes.Load(); n > int64(files)*(small.Bytes+buffer)+int64(size) {
		t.Errorf("%d bytes came out of %d", n, size)
	}
}

// FuzzJournal takes anything for the export of a journal: what comes out of it is
// lines with a prefix, whatever is in the fields.
func FuzzJournal(f *testing.F) {
	const start = "__CURSOR="
	prefix := regexp.MustCompile(`^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4} )?[^ :\[\]\n]+ [^ :\[\]\n]+(?:\[[^ :\[\]\n]+\])?: `)
	for _, seed := range []string{
		exported("a"), exported("a\n\nb") + exported("c"), start + "x\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7fabc",
		start + "x\n_HOSTNAME\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n_COMM=c:[d]\n_PID=\x00\nMESSAGE=\n\n", start + "x\n__REALTIME_TIMESTAMP=-9223372036854775808\nMESSAGE=a\n",
	} {
		f.Add([]byte(strings.TrimPrefix(seed, start)))
	}
	f.Fuzz(func(t *testing.T, rest []byte) {
		w := &artifact.Walker{Limits: small}
		var out []byte
		err := w.Walk(t.Context(), []string{"-"}, io.MultiReader(strings.NewReader(start), bytes.NewReader(rest)), func(_ context.Context, s artifact.Stream) (err error) {
			out, err = io.ReadAll(s)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(out) {
			if !prefix.Match(line) && len(out) < int(small.Bytes) {
				t.Errorf("a line without a prefix: %q", line)
			}
		}
	})
}

// FuzzParts takes anything for parts of a log, as the kernel left them.
func FuzzParts(f *testing.F) {
	part := []byte("Panic#1 Part1\nd\ne\n")
	f.Add(part, packed(f, part, deflater))
	f.Add([]byte("Oops#18446744073709551616 Part99999999999999999999\n"), packed(f, part, zliber))
	f.Add([]byte("Panic#1 Part2\n"), packed(f, []byte("Panic#1 Part2\n"), deflater))
	f.Add(packed(f, part, gzipper), packed(f, packed(f, part, deflater), deflater))
	f.Fuzz(func(t *testing.T, plain, deflated []byte) {
		inFolder(t, map[string][]byte{"dmesg-efi-1": plain, "dmesg-efi-2": plain, "dmesg-efi-3.enc.z": deflated})
		w := &artifact.Walker{Limits: small}
		got := walk(t, w, nil, ".")
		if len(got.found) == 0 && len(got.skipped) == 0 {
			t.Error("nothing is told of them")
		}
		boundedBy(t, w, 3, 2*len(plain)+len(deflated))
	})
}

// FuzzXZ takes anything for the header of a block, and what is behind it. The sum of
// the header is right, or it would not be looked at.
func FuzzXZ(f *testing.F) {
	const streamHeader, size, sum = 12, 1, 4
	one := packed(f, []byte("log\n"), xzipper)
	block := one[streamHeader:]
	header := 4 * (int(block[0]) + 1)
	f.Add(block[size:header-sum], block[header:])
	f.Add(append([]byte{0, 0x21, 1, 37}, make([]byte, 3)...), block[header:])
	f.Add([]byte{2, 3, 1, 0, 4, 0, 0x21, 1, 20, 0, 0}, block[header:])
	f.Fuzz(func(t *testing.T, fields, rest []byte) {
		for (size+len(fields)+sum)%4 != 0 {
			fields = append(bytes.Clone(fields), 0)
		}
		n := (size+len(fields)+sum)/4 - 1
		if n == 0 || n > 255 {
			return
		}
		h := append([]byte{byte(n)}, fields...)
		data := append(bytes.Clone(one[:streamHeader]), h...)
		data = binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE(h))
		data = append(data, rest...)
		w := &artifact.Walker{Limits: small}
		walk(t, w, bytes.NewReader(data), "-")
		boundedBy(t, w, 1, len(data))
	})
}
