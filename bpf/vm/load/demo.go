// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"context"
	"time"
)

// Default makes the cgroups a with CPUs 0 and 1, a/x with CPU 0, a/y, b with
// CPU 2, and c without a cpuset, and starts a load of all kinds in them, some
// thirty tasks. It ends with ctx.
func Default(ctx context.Context) ([]*Group, error) {
	dirs := make(map[string]string)
	for _, c := range []struct {
		path string
		cpus []int
	}{{"a", []int{0, 1}}, {"a/x", []int{0}}, {"a/y", nil}, {"b", []int{2}}, {"c", nil}} {
		dir, err := Cgroup(c.path, c.cpus...)
		if err != nil {
			return nil, err
		}
		dirs[c.path] = dir
	}
	var groups []*Group
	for _, s := range []Spec{
		{Comm: "web", Kind: Sleep, Count: 8, Period: 5 * time.Millisecond, Cgroup: dirs["a/x"]},
		{Comm: "batch", Kind: Spin, Count: 1, Cgroup: dirs["a/y"], Nice: 10},
		{Comm: "pinned", Kind: Sleep, Count: 2, Period: 20 * time.Millisecond, Cgroup: dirs["a/y"], CPUs: []int{0, 1}, Pin: true},
		{Comm: "build", Kind: Fork, Count: 2, Period: 10 * time.Millisecond, Cgroup: dirs["b"]},
		{Comm: "solver", Kind: Spin, Count: 1, Cgroup: dirs["b"]},
		{Comm: "queue", Kind: Pair, Count: 4, Cgroup: dirs["c"]},
		{Comm: "idle", Kind: Sleep, Count: 10, Period: time.Second, Cgroup: dirs["c"]},
		{Comm: "hopper", Kind: Hop, Count: 2, Period: 200 * time.Millisecond, Hops: []string{dirs["a/x"], dirs["b"], dirs["c"]}},
	} {
		g, err := Start(ctx, s)
		if err != nil {
			for _, g := range groups {
				g.Stop()
			}
			return nil, err
		}
		groups = append(groups, g)
	}
	return groups, nil
}
