// SPDX-License-Identifier: GPL-2.0-only

package tui

import "scxdiag/dump"

// newCounterList is the table of what the kernel counted, the largest first.
func newCounterList(x *index) *list {
	counter := func(i int) *dump.Counter { return &x.s.Counters[i] }
	l := &list{
		noun:  "counters",
		empty: "This snapshot has no counters: the kernel prints them from 6.15 on.",
		n:     len(x.s.Counters),
		place: func(int) place { return nowhere },
		same:  func(i int) any { return counter(i).Name },
		at:    func(i int) dump.Span { return counter(i).At },
		fields: []field{
			textField("counter", func(i int) dump.Value[string] { return dump.Of(counter(i).Name) }).found(),
			numberField("value", func(i int) dump.Value[int64] { return dump.Of(counter(i).Value) }),
		},
	}
	l.columns = []column{
		{
			title: "value", width: 20, right: true, desc: true,
			cell: func(i int) span {
				if counter(i).Value == 0 {
					return span{muted, "0"}
				}
				return span{plain, number(counter(i).Value)}
			},
			key: func(i int) sortKey { return byNumber(counter(i).Value, true) },
		},
		{
			title: "counter", width: 30, grow: 60,
			cell: func(i int) span { return span{plain, clean(counter(i).Name)} },
			key:  func(i int) sortKey { return byText(counter(i).Name) },
		},
	}
	return l
}
