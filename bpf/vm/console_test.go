// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAConsoleKeepsItsEnd(t *testing.T) {
	c := &console{}
	for range 5 {
		_, _ = c.Write(bytes.Repeat([]byte("x"), consoleSize/2))
	}
	_, _ = c.Write([]byte("end"))
	got := c.Bytes()
	if len(got) != consoleSize || !bytes.HasSuffix(got, []byte("xend")) {
		t.Errorf("%d bytes that end with %q", len(got), got[len(got)-5:])
	}
}

func TestAConsoleTellsOfACrashOnce(t *testing.T) {
	crashes := 0
	c := &console{crash: func() { crashes++ }}
	_, _ = c.Write([]byte("[    1.0] all is well\n[    2.0] Kernel pa"))
	if crashes != 0 {
		t.Error("told of a crash before there was one")
	}
	_, _ = c.Write([]byte("nic - not syncing: no\nOops: again\n"))
	_, _ = c.Write([]byte("Oops: again\n"))
	if crashes != 1 {
		t.Errorf("told %d times of a crash", crashes)
	}
}

func TestAnAutopsyFindsTheCause(t *testing.T) {
	const oops = "[   21.481936] Oops: %: 0000 [#1] SMP NOPTI\n" +
		"[   21.482003] CPU: 2 UID: 0 PID: 0 Comm: swapper/2\n" +
		"[   21.482100] RIP: 0010:^+0x1f2/0x9d0\n" +
		"[   21.482900] Kernel panic - not syncing: Fatal exception in interrupt\n"
	log := func(oops, kind, where string) string {
		return "[    5.0] before\n" + strings.NewReplacer("%", kind, "^", where).Replace(oops)
	}
	for _, test := range []struct {
		name, log, said, want string
		emulation             bool
	}{
		{name: "panic", log: "[  1.0] x\r\n[    2.0] Kernel panic - not syncing: sysrq\r\n", want: "Kernel panic - not syncing: sysrq"},
		{
			name: "int3 in __schedule", log: log(oops, "int3", "__schedule"), emulation: true,
			want: "Oops: int3: 0000 [#1] SMP NOPTI; Kernel panic - not syncing: Fatal exception in interrupt: known flaw of emulation",
		},
		{
			name: "int3 elsewhere", log: log(oops, "int3", "schedule_timeout"),
			want: "Oops: int3: 0000 [#1] SMP NOPTI; Kernel panic - not syncing: Fatal exception in interrupt",
		},
		{
			name: "another oops in __schedule", log: log(oops, "invalid opcode", "__schedule"),
			want: "Oops: invalid opcode: 0000 [#1] SMP NOPTI; Kernel panic - not syncing: Fatal exception in interrupt",
		},
		{
			name: "flags of no CPU", emulation: true,
			log: log(oops, "double fault", "kmem_cache_alloc_noprof") + "[  464.891165] RSP: 0018:ff3ecbc180757b10 EFLAGS: 0303e6d2\n" +
				"[  464.944542] RSP: 002b:0000255520a0be60 EFLAGS: 00000212 ORIG_RAX: 00000000000000ea\n",
			want: "Oops: double fault: 0000 [#1] SMP NOPTI; Kernel panic - not syncing: Fatal exception in interrupt: known flaw of emulation",
		},
		{
			name: "ordinary flags", log: log(oops, "double fault", "kmem_cache_alloc_noprof") + "[  464.891165] RSP: 0018:ff3ecbc180757b10 EFLAGS: 003f7fd7\n",
			want: "Oops: double fault: 0000 [#1] SMP NOPTI; Kernel panic - not syncing: Fatal exception in interrupt",
		},
		{name: "QEMU complained", said: "qemu: warning\nqemu: no such kernel\n", want: "ended: qemu: no such kernel"},
		{name: "no word", log: "[    1.0] booting\n", want: "ended; its console ends with: booting"},
		{name: "nothing", want: "ended; there is nothing on its console"},
	} {
		d := autopsy([]byte(test.log), "ended", test.said)
		if got := d.Error(); got != "guest died: "+test.want {
			t.Errorf("%s: got %s", test.name, got)
		}
		if errors.Is(d, ErrEmulation) != test.emulation {
			t.Errorf("%s: emulation is to blame: %v", test.name, !test.emulation)
		}
	}
	d := autopsy([]byte(strings.Repeat("before\n", 100)+"Oops: 1\n"+strings.Repeat("after\n", 100)), "ended", "")
	if len(d.Lines) != deathLines || d.Lines[0] != "Oops: 1" {
		t.Errorf("%d lines from %q on", len(d.Lines), d.Lines[0])
	}
}

func TestASilentConsoleIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &console{}
		silent := 0
		stop := c.whenSilent(10*time.Second, func() { silent++ })
		for range 5 {
			<-time.After(9 * time.Second)
			_, _ = c.Write([]byte("."))
		}
		if silent != 0 {
			t.Error("silent, and something came every 9 s")
		}
		<-time.After(11 * time.Second)
		stop()
		if silent != 1 {
			t.Errorf("%d times silent", silent)
		}
		c.whenSilent(10*time.Second, func() { silent++ })()
		_, _ = c.Write([]byte("."))
		<-time.After(time.Minute)
		if silent != 1 {
			t.Error("nobody waits for silence any more")
		}
	})
}
