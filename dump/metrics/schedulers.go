// SPDX-License-Identifier: GPL-2.0-only

package metrics

import "sync"

// schedulers are the names of schedulers that a label has had. Each is a time series
// for as long as this program runs, so that there are only so many.
type schedulers struct {
	mu    sync.Mutex
	known map[string]bool
}

// of is the value of the label for a scheduler.
func (k *schedulers) of(name string) string {
	name = label(name)
	if name == "" {
		name = "unknown"
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known[name] {
		if len(k.known) >= maxSchedulers {
			return other
		}
		if k.known == nil {
			k.known = make(map[string]bool)
		}
		k.known[name] = true
	}
	return name
}
