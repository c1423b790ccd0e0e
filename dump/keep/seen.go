// SPDX-License-Identifier: GPL-2.0-only

package keep

import (
	"context"
	"slices"
	"strings"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// Seen knows crashes that were recorded shortly before this program was started.
//
// The kernel dumps first and ends the scheduler later. Who is started in between sees
// an end for which there was no dump, of a crash that the one before has recorded.
type Seen struct{ crashes []*dump.Snapshot }

const (
	// endsWithin is how long after its dump a scheduler may end.
	endsWithin = time.Minute
	// maxSeen is how many crashes are looked at, the last ones.
	maxSeen = 16
)

// Recent reads the crashes that a recording has of the last minute and of a boot.
func Recent(ctx context.Context, st *store.Store, boot string, now time.Time) (Seen, error) {
	var k Seen
	if boot == "" {
		return k, nil
	}
	entries, err := st.List(ctx, store.Filter{Since: now.Add(-endsWithin)})
	if err != nil {
		return k, err
	}
	entries = slices.DeleteFunc(entries, func(e store.Entry) bool { return e.Boot != boot || e.Trigger != dump.TriggerCrash })
	for _, e := range entries[max(0, len(entries)-maxSeen):] {
		s, err := st.Get(ctx, e.ID)
		if err != nil {
			return k, err
		}
		if !withoutDump(s) { // the end of the others was seen
			k.crashes = append(k.crashes, s)
		}
	}
	return k, nil
}

// Repeats reports whether a snapshot is the end of a crash that was recorded. Each of
// those ends once.
func (k *Seen) Repeats(s *dump.Snapshot) bool {
	if s.Trigger != dump.TriggerCrash || !withoutDump(s) {
		return false
	}
	i := slices.IndexFunc(k.crashes, func(c *dump.Snapshot) bool { return sameCrash(c, s) })
	if i < 0 {
		return false
	}
	k.crashes = slices.Delete(k.crashes, i, i+1)
	return true
}

// withoutDump reports whether a recorder saw nothing of a dump.
func withoutDump(s *dump.Snapshot) bool { return s.Raw == "" && len(s.Ledger.Records) == 0 }

// sameCrash compares a dump with an end. What the dump does not tell can be anything.
func sameCrash(crash, end *dump.Snapshot) bool {
	if crash.BaseName() != end.BaseName() || end.Time.Sub(crash.Time).Abs() > endsWithin {
		return false
	}
	c, e := crash.Exit, end.Exit
	return c == nil || e != nil && (!c.Kind.Known || c.Kind.V == e.Kind.V) && (!c.Message.Known || firstLine(c.Message.V) == firstLine(e.Message.V))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
