// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"os"
	"strings"
	"testing"
)

// A task of the scheduler's process that the scheduler holds is a victim like the
// others. One that waits on a queue is who the others wait for.
func TestUserspaceStuck(t *testing.T) {
	of := func(agent genTask, some ...genTask) gen {
		agent.name = "scx_userland[9]"
		return gen{sched: "userland", kind: 1026, reason: "runnable task stall", message: "watchdog failed to check in for 30.004s", frames: []string{"scx_tick+0x1/0x2"}, cpus: []genCPU{
			{id: 0, class: "idle", tasks: append(some, agent)}, {id: 1, class: "idle"},
		}}
	}
	alike := []genTask{{name: "a[1]", ms: 25400, held: true}, {name: "b[2]", ms: 25300, held: true}, {name: "c[3]", ms: 25200, held: true}}
	for _, tt := range []struct{ name, log, want string }{
		{"held, as the others are", of(genTask{ms: 25300, held: true}, alike...).String(), "the scheduler dispatches nothing any more"},
		{"held for longest", of(genTask{ms: 25500, held: true}, alike...).String(), "the scheduler dispatches nothing any more"},
		{"on a queue", of(genTask{ms: 25300, dsq: local, cpus: "1"}, alike...).String(), "the scheduler's own process scx_userland[9] waits"},
	} {
		s := triaged(t, tt.log)
		f := find(s, "userspace-stuck")
		if f == nil || f.Title != tt.want {
			t.Errorf("%s: got %s", tt.name, rulesOf(s))
			continue
		}
		if held := tt.want == "the scheduler dispatches nothing any more"; held != strings.Contains(f.Explanation, "scx_userland[9] looks like part of that process") {
			t.Errorf("%s: %s", tt.name, f.Explanation)
		}
	}

	// Its agent, pid 132, was stopped; 151 is another thread.
	log, err := os.ReadFile("../../testdata/dumps/7.3-scx_userland-stop.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range snapshotsOf(t, log) {
		if f := find(s, "userspace-stuck"); f == nil || f.Title != "the scheduler dispatches nothing any more" || len(f.Victims) != 15 || !strings.Contains(f.Next, "T is stopped") {
			t.Errorf("got %+v", f)
		}
	}
}
