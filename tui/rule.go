// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"scxdiag/dump"
	"scxdiag/dump/triage"
)

// placeOfRule is where a rule is explained, nowhere if this program does not
// have it.
func placeOfRule(rule string) place {
	if triage.Find(rule) == nil {
		return nowhere
	}
	return place{view: viewRule, name: rule}
}

// rulePage is what scxdiag explain prints of a rule.
func rulePage(rule string, width int) []item {
	w := newWriter(width)
	r := triage.Find(rule)
	if r == nil {
		return nil
	}
	w.section(clean(r.Name))
	w.para(line{{heading, clean(r.Title)}}, nowhere, dump.Span{})
	for _, part := range r.Page.Sections() {
		w.section(clean(part.Title))
		w.para(line{{plain, clean(part.Text)}}, nowhere, dump.Span{})
	}
	return w.items
}
