// SPDX-License-Identifier: GPL-2.0-only

package dump

// Cgroup is a cgroup as a scheduler and the kernel's cpuset controller have it.
type Cgroup struct {
	ID     uint64
	Path   Value[string] // from the root of the hierarchy
	Parent uint64        // id of the one above, 0 for the root of the hierarchy
	Level  uint32        // 0 for the root of the hierarchy
	// HasContext says whether the scheduler has its own storage for the cgroup.
	// Without it Cell and Owns mean nothing.
	HasContext bool
	Cell       int32 // that its tasks are in
	Owns       int32 // the cell that its cpuset made, 0 if none
	Dying      bool  // it was removed
	Populated  bool  // it or one below it has tasks
	// CPUController says whether the cpu controller is enabled for it: without
	// that the kernel tells a scheduler nothing of it.
	CPUController bool
	CPUs          Value[CPUMask] // cpuset.cpus: asked for; unknown without the controller
	EffectiveCPUs Value[CPUMask] // cpuset.cpus.effective: granted
}
