// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// dmesgCarriers are the stamps of the kernel log, for schedulers whose output
// goes to /dev/kmsg.
var dmesgCarriers = []Carrier{
	dmesg("dmesg", func(at float64) string { return fmt.Sprintf("[%12.6f] ", at) }),
	dmesg("dmesg-caller", func(at float64) string { return fmt.Sprintf("[%12.6f][ T%4d] ", at, 123) }),
	dmesg("dmesg-caller-apart", func(at float64) string { return fmt.Sprintf("[%12.6f] [ %6s] ", at, "T123") }),
	dmesg("dmesg-level", func(at float64) string { return fmt.Sprintf("<6>[%12.6f] ", at) }),
	dmesg("dmesg-human", func(at float64) string {
		return time.Date(2026, 11, 23, 7, 33, 30, 0, time.UTC).Add(time.Duration(at * 1e9)).Format("[Mon Jan _2 15:04:05 2006] ")
	}),
	dmesg("dmesg-iso", func(at float64) string {
		return time.Date(2026, 11, 23, 7, 33, 30, 0, time.UTC).Add(time.Duration(at * 1e9)).Format("2006-01-02T15:04:05,000000-07:00 ")
	}),
}

func dmesg(name string, stamp func(at float64) string) Carrier {
	return Carrier{Name: name, Stage: Logger, PlainOnly: true, Stamped: true, Apply: func(rng *rand.Rand, t Text) Text {
		at := rng.Float64() * 1e4
		return t.prefixed(func() string {
			at += rng.Float64() / 1e3
			return stamp(at)
		})
	}}
}
