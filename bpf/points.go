// SPDX-License-Identifier: GPL-2.0-only

package bpf

import "github.com/cilium/ebpf/btf"

// RecorderPoints are the places that a [Recorder] would attach to in a kernel with
// these types. The first is the one that it cannot do without. Nothing is loaded.
func RecorderPoints(kernel *btf.Spec) ([]Point, error) {
	spec, err := loadRecorder()
	if err != nil {
		return nil, err
	}
	missing := fitRecorder(spec, kernel)
	points := make([]Point, 0, len(recorderPoints))
	for _, p := range recorderPoints {
		points = append(points, Point{Name: p.name, Use: p.use, Err: missing[p.program]})
	}
	return points, nil
}

// SchedulerFits is an error if the cell scheduler cannot be made to fit a kernel
// with these types. Nothing is loaded: the kernel may still refuse it.
func SchedulerFits(kernel *btf.Spec) error {
	spec, err := loadCells()
	if err != nil {
		return err
	}
	return fit(spec, kernel)
}
