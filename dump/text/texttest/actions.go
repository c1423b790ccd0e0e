// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"math/rand/v2"
	"time"
)

// actionsCarriers are the logs of GitHub Actions.
var actionsCarriers = []Carrier{
	{Name: "actions", Stage: Logger, PlainOnly: true, Stamped: true, Apply: func(rng *rand.Rand, t Text) Text {
		t = append(noise("##[group]Run make test", "\x1b[36;1mmake test\x1b[0m", "##[endgroup]"), t...)
		t = append(t, noise("##[error]Process completed with exit code 1.")...)
		return t.prefixed(actionsStamps(rng))
	}},
	{Name: "actions-bom", Stage: Logger, PlainOnly: true, Stamped: true, Apply: func(rng *rand.Rand, t Text) Text {
		t = t.prefixed(actionsStamps(rng))
		if len(t) > 0 {
			t[0].Text = append([]byte("\ufeff"), t[0].Text...)
		}
		return t
	}},
	{Name: "gh-run-view", Stage: Logger, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		stamp := actionsStamps(rng)
		return t.prefixed(func() string { return "integration (7.3)\tRun make test\t" + stamp() })
	}},
}

// actionsStamps are time stamps as Actions puts before each line.
func actionsStamps(rng *rand.Rand) func() string {
	now := time.Date(2026, 11, 23, 7, 33, 30, rng.IntN(1e9), time.UTC)
	return func() string {
		now = now.Add(time.Duration(rng.IntN(1e6)))
		return now.Format("2006-01-02T15:04:05.0000000Z ")
	}
}
