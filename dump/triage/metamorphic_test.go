// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump/text/texttest"
)

// renumbered is the dump with CPU i as CPU 3-i.
func renumbered(g gen) gen {
	masks := map[string]string{"1": "8", "2": "4", "4": "2", "8": "1"}
	g.cpus = slices.Clone(g.cpus)
	for i := range g.cpus {
		c := &g.cpus[i]
		c.id = 3 - c.id
		c.tasks = slices.Clone(c.tasks)
		for j := range c.tasks {
			if m, ok := masks[c.tasks[j].cpus]; ok {
				c.tasks[j].cpus = m
			}
		}
	}
	g.text = slices.Clone(g.text)
	for i, l := range g.text {
		for from, to := range map[string]string{"CPUS=00000007": "CPUS=0000000e", "CPUS=00000008": "CPUS=00000001"} {
			if strings.Contains(l, from) {
				g.text[i] = strings.Replace(l, from, to, 1)
				break
			}
		}
	}
	return g
}

// What does not change the cause of a failure changes neither the findings nor the
// signature.
func TestSameCause(t *testing.T) {
	variants := []struct {
		name string
		of   func(g gen) string
	}{
		{"renamed", func(g gen) string {
			return strings.NewReplacer("web[77]", "dbsrv[4077]", "Task[77]", "Task[4077]", "busy[", "spinner[", "hog[5]", "irq/12-x[6005]").Replace(g.String())
		}},
		{"renamed with a blank", func(g gen) string {
			if len(triaged(t, g.String()).Tasks) == 0 { // nothing tells where the name begins
				return g.String()
			}
			return strings.NewReplacer("web[77]", "db server[4077]", "Task[77]", "Task[4077]").Replace(g.String())
		}},
		{"renumbered", func(g gen) string { return renumbered(g).String() }},
		{"later", func(g gen) string {
			return strings.NewReplacer("-30016ms", "-31016ms", "30.016s", "31.016s").Replace(g.String())
		}},
		{"with idle CPUs", func(g gen) string {
			g.cpus = append(slices.Clone(g.cpus), genCPU{id: 6, class: "idle"}, genCPU{id: 7, class: "idle"})
			return g.String()
		}},
		{"in a journal", func(g gen) string { return carried(g, "journald-short") }},
		{"in a trace", func(g gen) string { return carried(g, "ftrace") }},
		{"quoted, with the line ends of Windows", func(g gen) string { return carried(g, "quoted+crlf") }},
	}
	for _, tt := range ruleTests {
		if len(tt.positive.cpus) == 0 { // there is nothing to change
			continue
		}
		want := conclusion(t, tt.positive.String())
		for _, v := range variants {
			t.Run(tt.rule+"/"+v.name, func(t *testing.T) {
				log := v.of(tt.positive)
				if got := conclusion(t, log); got != want {
					t.Errorf("got  %s\nwant %s\n%s", got, want, log)
				}
			})
		}
	}
}

// conclusion is what was found in the only dump of a log.
func conclusion(t *testing.T, log string) string {
	t.Helper()
	s := triaged(t, log)
	return fmt.Sprintf("%s; %s, weak %v", rulesOf(s), s.Signature.ID, s.Signature.Weak)
}

// carried is the dump through a chain of carriers.
func carried(g gen, chain string) string {
	ch := texttest.ChainOf(chain)
	return string(ch.Encode(ch.Apply(texttest.Rand(1), texttest.Split([]byte(g.String())))))
}
