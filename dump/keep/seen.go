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
type Seen struct{ crashes []crash }

// crash is what is compared of one.
type crash struct {
	name    string // of the scheduler, without its version
	at      time.Time
	exit    bool // the dump told of one
	kind    dump.Value[dump.ExitKind]
	message dump.Value[string] // its first line
}

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
			k.crashes = append(k.crashes, crashFrom(s))
		}
	}
	return k, nil
}

func crashFrom(s *dump.Snapshot) crash {
	c := crash{name: strings.Clone(s.BaseName()), at: s.Time}
	if x := s.Exit; x != nil {
		c.exit, c.kind = true, x.Kind
		if x.Message.Known {
			c.message = dump.Of(firstLine(x.Message.V))
		}
	}
	return c
}

// Repeats reports whether a snapshot is the end of a crash that was recorded. Each of
// those ends once, and is forgotten when it would have ended long ago.
func (k *Seen) Repeats(s *dump.Snapshot) bool {
	k.crashes = slices.DeleteFunc(k.crashes, func(c crash) bool { return s.Time.Sub(c.at) > endsWithin })
	if s.Trigger != dump.TriggerCrash || !withoutDump(s) {
		return false
	}
	end := crashFrom(s)
	i := slices.IndexFunc(k.crashes, func(c crash) bool { return sameCrash(&c, &end) })
	if i < 0 {
		return false
	}
	k.crashes = slices.Delete(k.crashes, i, i+1)
	return true
}

// withoutDump reports whether a recorder saw nothing of a dump.
func withoutDump(s *dump.Snapshot) bool { return s.Raw == "" && len(s.Ledger.Records) == 0 }

// sameCrash compares a dump with an end. What the dump does not tell can be anything.
func sameCrash(dumped, end *crash) bool {
	if dumped.name != end.name || end.at.Sub(dumped.at).Abs() > endsWithin {
		return false
	}
	return !dumped.exit || end.exit && (!dumped.kind.Known || dumped.kind.V == end.kind.V) &&
		(!dumped.message.Known || dumped.message.V == end.message.V)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.Clone(s) // of a text that may be long
}
