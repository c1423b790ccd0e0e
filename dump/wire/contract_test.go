// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"scxdiag/dump"
)

// cMember is a member of a struct in record.h.
type cMember struct {
	name      string
	off, size int // in bytes
	signed    bool
}

// cHeader is what record.h says: constants by name, structs by name.
type cHeader struct {
	consts  map[string]uint64
	structs map[string][]cMember
	sizes   map[string]int
}

var (
	comment   = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	defineRE  = regexp.MustCompile(`(?m)^#define (\w+) +(\S+)$`)
	blockRE   = regexp.MustCompile(`(?s)(enum|struct) (\w+) \{(.*?)\n\};`)
	valueRE   = regexp.MustCompile(`^(\w+) *= *(\w+)$`)
	enumRE    = regexp.MustCompile(`^(\w+) *= *(\w+?)u?(?: *<< *(\d+))?$`)
	memberRE  = regexp.MustCompile(`^(u16|u32|s32|u64|s64|char|struct \w+) (\w+)(?:\[(\w+)\])?$`)
	typeSizes = map[string]int{"char": 1, "u16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8}
)

// parseRecordH reads the header. It knows no more C than that file has, and
// fails on anything else.
func parseRecordH(t *testing.T) cHeader {
	t.Helper()
	src, err := os.ReadFile("../../bpf/include/record.h")
	if err != nil {
		t.Fatal(err)
	}
	text := comment.ReplaceAllString(string(src), "")
	text = regexp.MustCompile(`[ \t]+\n`).ReplaceAllString(text, "\n")
	h := cHeader{consts: map[string]uint64{}, structs: map[string][]cMember{}, sizes: map[string]int{}}
	number := func(s string) uint64 {
		if v, ok := h.consts[s]; ok {
			return v
		}
		v, err := strconv.ParseUint(strings.TrimSuffix(s, "u"), 0, 64)
		if err != nil {
			t.Fatalf("record.h: %q is no number", s)
		}
		return v
	}
	for _, m := range defineRE.FindAllStringSubmatch(text, -1) {
		h.consts[m[1]] = number(m[2])
	}
	for _, block := range blockRE.FindAllStringSubmatch(text, -1) {
		kind, name, body := block[1], block[2], block[3]
		if kind == "enum" {
			for item := range strings.SplitSeq(body, ",") {
				if item = strings.TrimSpace(item); item == "" {
					continue
				}
				m := valueRE.FindStringSubmatch(item)
				if m == nil {
					t.Fatalf("record.h: enum %s: cannot read %q", name, item)
				}
				h.consts[m[1]] = number(m[2])
			}
			continue
		}
		off := 0
		for decl := range strings.SplitSeq(body, ";") {
			if decl = strings.TrimSpace(decl); decl == "" {
				continue
			}
			m := memberRE.FindStringSubmatch(decl)
			if m == nil {
				t.Fatalf("record.h: struct %s: cannot read %q", name, decl)
			}
			elem, align := typeSizes[m[1]], typeSizes[m[1]]
			if s, ok := strings.CutPrefix(m[1], "struct "); ok {
				elem, align = h.sizes[s], 8
			}
			n := 1
			if m[3] != "" {
				n = int(number(m[3]))
			}
			if elem == 0 || off%align != 0 {
				t.Fatalf("record.h: struct %s: %s at %d is not aligned, or of an unknown size", name, m[2], off)
			}
			h.structs[name] = append(h.structs[name], cMember{m[2], off, elem * n, m[1] == "s32" || m[1] == "s64"})
			off += elem * n
		}
		if off%8 != 0 {
			t.Errorf("record.h: struct %s has %d bytes: the compiler pads it", name, off)
		}
		h.sizes[name] = off
	}
	return h
}

// record is what all record types have.
type record interface{ fields(*codec) }

var mirrors = map[string]record{
	"rec_hdr": new(Header), "rec_begin": new(Begin), "rec_cell": new(Cell), "rec_cpu": new(CPU),
	"rec_task": new(Task), "rec_dsq": new(DSQ), "rec_event": new(Event), "rec_text": new(Text),
	"rec_exit": new(Exit), "rec_end": new(End), "rec_cgrp": new(Cgroup),
}

// goNames are the words of C that Go writes in full.
var goNames = strings.NewReplacer("gp_", "grace", "cgrps", "cgroups", "_", "")

// TestStructsMirrorTheHeader holds every member of every struct against the
// field of the same name: its place, its size, its sign.
func TestStructsMirrorTheHeader(t *testing.T) {
	h := parseRecordH(t)
	for name := range h.structs {
		if mirrors[name] == nil {
			t.Errorf("struct %s has no mirror", name)
		}
	}
	for name, r := range mirrors {
		members := h.structs[name]
		if len(members) == 0 {
			t.Errorf("record.h has no struct %s", name)
			continue
		}
		if got := sizeOf(r.fields); got != h.sizes[name] {
			t.Errorf("%s: %d bytes in Go, %d in C", name, got, h.sizes[name])
		}
		v := reflect.ValueOf(r).Elem()
		var fields []int
		for i := range v.NumField() {
			if v.Field(i).Type() != reflect.TypeFor[dump.CPUMask]() { // not in the fixed part
				fields = append(fields, i)
			}
		}
		if len(fields) != len(members) {
			t.Errorf("%s: %d fields in Go, %d members in C", name, len(fields), len(members))
			continue
		}
		for i, m := range members {
			f := v.Type().Field(fields[i])
			if want := goNames.Replace(m.name); !strings.EqualFold(f.Name, want) && (m.name != "h" || f.Name != "Header") {
				t.Errorf("%s: field %s stands where C has %s", name, f.Name, m.name)
			}
			checkPlace(t, name, r, v.Field(fields[i]), m)
			elem := f.Type
			if elem.Kind() == reflect.Array {
				elem = elem.Elem()
			}
			if signed := elem.Kind() == reflect.Int32 || elem.Kind() == reflect.Int64; signed != m.signed {
				t.Errorf("%s.%s: signed %v in Go, %v in C", name, f.Name, signed, m.signed)
			}
		}
	}
}

// checkPlace sets one field and looks where its bytes come out.
func checkPlace(t *testing.T, name string, r record, f reflect.Value, m cMember) {
	t.Helper()
	old := reflect.ValueOf(f.Interface())
	setOnes(f)
	b := make([]byte, MaxRecord)
	r.fields(&codec{b: b, write: true})
	for i, c := range b {
		if inside := i >= m.off && i < m.off+m.size; inside != (c != 0) {
			t.Errorf("%s.%s: byte %d is %#x, but the member is %d bytes at %d", name, m.name, i, c, m.size, m.off)
			break
		}
	}
	back := reflect.New(reflect.TypeOf(r).Elem())
	back.Interface().(record).fields(&codec{b: b})
	if !reflect.DeepEqual(back.Interface(), any(r)) {
		t.Errorf("%s.%s: what is written is not what is read", name, m.name)
	}
	f.Set(old)
}

// setOnes sets every bit.
func setOnes(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			setOnes(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			setOnes(v.Index(i))
		}
	default:
		if v.CanInt() {
			v.SetInt(-1)
		} else {
			v.SetUint(^uint64(0) >> (64 - v.Type().Bits()))
		}
	}
}

func TestConstantsMirrorTheHeader(t *testing.T) {
	h := parseRecordH(t)
	want := map[string]uint64{
		"REC_MAGIC": uint64(Magic), "REC_VERSION": uint64(Version),
		"REC_BEGIN": uint64(KindBegin), "REC_CELL": uint64(KindCell), "REC_CPU": uint64(KindCPU),
		"REC_TASK": uint64(KindTask), "REC_DSQ": uint64(KindDSQ), "REC_EVENT": uint64(KindEvent),
		"REC_TEXT": uint64(KindText), "REC_EXIT": uint64(KindExit), "REC_END": uint64(KindEnd),
		"REC_KINDS": uint64(Kinds), "REC_HOST": uint64(KindHost), "REC_CGROUP_PATH": uint64(KindCgroupPath),
		"REC_TRIGGER_ABORT": uint64(TriggerAbort), "REC_TRIGGER_SYSRQ": uint64(TriggerSysRq),
		"REC_TRIGGER_SAMPLE": uint64(TriggerSample), "REC_TRIGGER_FOREIGN": uint64(TriggerForeign),
		"REC_CELL_FREE": uint64(CellFree), "REC_CELL_PREP": uint64(CellPrep),
		"REC_CELL_LIVE": uint64(CellLive), "REC_CELL_DRAIN": uint64(CellDrain),
		"REC_CLASS_UNKNOWN": uint64(ClassUnknown), "REC_CLASS_IDLE": uint64(ClassIdle),
		"REC_CLASS_EXT": uint64(ClassExt), "REC_CLASS_FAIR": uint64(ClassFair), "REC_CLASS_RT": uint64(ClassRT),
		"REC_CLASS_DL": uint64(ClassDL), "REC_CLASS_STOP": uint64(ClassStop),
		"REC_TASK_CURRENT": uint64(TaskCurrent), "REC_TASK_CTX": uint64(TaskCtx),
		"REC_TASK_ALL_CELL": uint64(TaskAllCell), "REC_TASK_ON_DSQ": uint64(TaskOnDSQ),
		"REC_TASK_FALLBACK": uint64(TaskFallback), "REC_CELL_SPARE": uint64(CellSpare),
		"REC_CPU_ONLINE": uint64(CPUOnline), "REC_CPU_AWAITED": uint64(CPUAwaited),
		"REC_PHASE_NONE": uint64(PhaseNone), "REC_PHASE_CLAIM": uint64(PhaseClaim),
		"REC_PHASE_PUBLISH": uint64(PhasePublish), "REC_PHASE_INHERIT": uint64(PhaseInherit),
		"REC_CGRP": uint64(KindCgroup), "REC_CGRP_CTX": uint64(CgroupCtx), "REC_CGRP_DYING": uint64(CgroupDying),
		"REC_CGRP_POPULATED": uint64(CgroupPopulated), "REC_CGRP_CPUSET": uint64(CgroupCpuset),
		"REC_CGRP_CPU": uint64(CgroupCPU),
		"REC_DSQ_PIDS": DSQPIDs, "REC_TEXT_BYTES": TextBytes, "REC_EXIT_FRAMES": ExitFrames, "REC_EXIT_MSG": ExitMsg,
	}
	for name, v := range h.consts {
		switch w, ok := want[name]; {
		case !ok:
			t.Errorf("%s is not mirrored", name)
		case w != v:
			t.Errorf("%s is %d in Go, %d in C", name, w, v)
		}
	}
	for name := range want {
		if _, ok := h.consts[name]; !ok {
			t.Errorf("record.h has no %s", name)
		}
	}
}

// enum is what an enum of a header says: values by name, without the prefix of
// the names and in the words of Go.
func enum(t *testing.T, file, name, prefix string) map[string]uint64 {
	t.Helper()
	src, err := os.ReadFile("../../bpf/include/" + file)
	if err != nil {
		t.Fatal(err)
	}
	body := regexp.MustCompile(`(?s)enum ` + name + ` \{(.*?)\n\};`).FindStringSubmatch(comment.ReplaceAllString(string(src), ""))
	if body == nil {
		t.Fatalf("%s has no enum %s", file, name)
	}
	values := map[string]uint64{}
	for item := range strings.SplitSeq(body[1], ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		m := enumRE.FindStringSubmatch(item)
		if len(m) < 2 || !strings.HasPrefix(m[1], prefix) {
			t.Fatalf("%s: enum %s: cannot read %q", file, name, item)
		}
		v, err := strconv.ParseUint(m[2], 0, 32)
		if m[3] != "" {
			shift, _ := strconv.ParseUint(m[3], 10, 5)
			v <<= shift
		}
		if err != nil {
			t.Fatalf("%s: %s: %v", file, item, err)
		}
		values[strings.ToLower(strings.TrimPrefix(m[1], prefix))] = v
	}
	return values
}

// TestNamesMirrorTheHeaders compares the names of events and faults with the
// enums that number them, both ways.
func TestNamesMirrorTheHeaders(t *testing.T) {
	events := enum(t, "event.bpf.h", "event_kind", "EVENT_")
	for name, v := range events {
		if got := EventKind(v).String(); got != name {
			t.Errorf("event %d is %q in Go, %q in C", v, got, name)
		}
	}
	for kind, name := range eventNames {
		if v, ok := events[name]; name != "" && (!ok || v != uint64(kind)) {
			t.Errorf("event.bpf.h has no event %q with the number %d", name, kind)
		}
	}
	faults := enum(t, "fault.bpf.h", "fault", "FAULT_")
	for name, v := range faults {
		if got := FaultNames(uint32(v)); len(got) != 1 || strings.ReplaceAll(got[0], "-", "_") != name {
			t.Errorf("fault %#x is %q in Go, %q in C", v, got, name)
		}
	}
	for bit, name := range faultNames {
		if v, ok := faults[strings.ReplaceAll(name, "-", "_")]; !ok || v != 1<<bit {
			t.Errorf("fault.bpf.h has no fault %q that is bit %d", name, bit)
		}
	}
}
