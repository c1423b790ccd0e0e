// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"cmp"
	"slices"

	"scxdiag/dump"
)

// Apply sets the findings and the signature of a snapshot, and which rules could not
// be evaluated. The cause comes first.
// Before is an earlier snapshot of the same run of the scheduler, or nil: some rules
// compare the two.
func Apply(s, before *dump.Snapshot) {
	v := newView(s, before)
	s.Findings, s.NotEvaluated = nil, nil
	for _, f := range fold(ranked(v)) {
		s.Findings = append(s.Findings, f.Finding)
	}
	s.Signature = sign(s)
}

// maxPerRule is how many findings of one rule are kept, those of the oldest waits.
const maxPerRule = 8

// ranked are the findings of all rules, the best first: what explains the exit,
// the graver, the surer, and then in the order of causes.
func ranked(v *view) []*finding {
	var found []*finding
	for rank, r := range rules {
		if why := v.lacks(r.needs); why != "" {
			v.leaveOut(r, why)
			continue
		}
		all := r.check(v)
		if more := len(all) - maxPerRule; more > 0 {
			all = all[:maxPerRule]
			all[maxPerRule-1].because("There are %d more like this.", more)
		}
		for _, f := range all {
			f.Rule, f.rule, f.rank = r.Name, r, rank
			f.Confidence = v.lowered(f)
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b *finding) int {
		return cmp.Or(
			cmp.Compare(order(!a.fits), order(!b.fits)),
			cmp.Compare(order(a.rule.symptom), order(b.rule.symptom)),
			cmp.Compare(severities[a.Severity], severities[b.Severity]),
			cmp.Compare(confidences[a.Confidence], confidences[b.Confidence]),
			cmp.Compare(a.rank, b.rank),
			cmp.Compare(len(b.victims), len(a.victims)),
		)
	})
	return found
}

// leaveOut notes that a rule was not evaluated.
func (v *view) leaveOut(r *Rule, why string) {
	i := slices.IndexFunc(v.s.NotEvaluated, func(n dump.NotEvaluated) bool { return n.Why == why })
	if i < 0 {
		i = len(v.s.NotEvaluated)
		v.s.NotEvaluated = append(v.s.NotEvaluated, dump.NotEvaluated{Why: why})
	}
	v.s.NotEvaluated[i].Rules = append(v.s.NotEvaluated[i].Rules, r.Name)
}

func order(b bool) int {
	if b {
		return 1
	}
	return 0
}

var severities = map[dump.Severity]int{dump.SeverityError: 0, dump.SeverityWarning: 1, dump.SeverityInfo: 2}

var confidences = map[dump.Confidence]int{dump.ConfidenceHigh: 0, dump.ConfidenceMedium: 1, dump.ConfidenceLow: 2}

// lowered is the confidence of a finding, less by a step where something is missing
// from the snapshot that it does not have from the message.
func (v *view) lowered(f *finding) dump.Confidence {
	if !v.partial || len(f.victims) == 0 && f.fits {
		return f.Confidence
	}
	if f.Confidence == dump.ConfidenceHigh {
		f.because("Part of the dump is missing, so this is less sure than it would be.")
		return dump.ConfidenceMedium
	}
	return dump.ConfidenceLow
}

// fold puts findings that say less under those that say why: symptoms whose
// victims are all those of a better finding, and what merely repeats the message.
func fold(found []*finding) []*finding {
	var kept []*finding
	for _, f := range found {
		f.Victims = entities(f.victims)
	}
	for _, f := range found {
		better := leading(found, f)
		if better == nil && f.rule.symptom {
			better = covering(kept, f)
		}
		if better == nil {
			kept = append(kept, f)
			continue
		}
		better.Follows = union(better.Follows, []string{f.Rule})
		better.Victims = union(better.Victims, f.Victims)
	}
	return kept
}

// leading finds a finding of a rule that f is known to follow from, nil if there is
// none: the first cause, where that follows from another. It stands for f unless
// only f explains the exit.
func leading(found []*finding, f *finding) *finding {
	for _, k := range found {
		if !slices.Contains(f.rule.follows, k.Rule) || f.fits && !k.fits {
			continue
		}
		if first := leading(found, k); first != nil {
			return first
		}
		return k
	}
	return nil
}

// covering finds a finding that explains a symptom: it is why there is a snapshot,
// as the symptom is, or has its victims.
func covering(kept []*finding, f *finding) *finding {
	for _, k := range kept {
		if k.fits && f.fits && confidences[k.Confidence] <= confidences[f.Confidence] {
			return k
		}
		if len(f.victims) > 0 && covers(k, f) {
			return k
		}
	}
	return nil
}

// covers reports whether all victims of f are those of k.
func covers(k, f *finding) bool {
	if len(k.victims) < len(f.victims) {
		return false
	}
	if k.set == nil {
		k.set = make(map[*dump.Task]bool, len(k.victims))
		for _, t := range k.victims {
			k.set[t] = true
		}
	}
	return !slices.ContainsFunc(f.victims, func(t *dump.Task) bool { return !k.set[t] })
}

func entities(tasks []*dump.Task) []string {
	names := make([]string, 0, len(tasks))
	for _, t := range tasks {
		names = append(names, taskName(t))
	}
	return names
}

// union is a with what of b it lacks, in the order of both.
func union(a, b []string) []string {
	have := make(map[string]bool, len(a))
	for _, x := range a {
		have[x] = true
	}
	for _, x := range b {
		if !have[x] {
			have[x] = true
			a = append(a, x)
		}
	}
	return a
}
