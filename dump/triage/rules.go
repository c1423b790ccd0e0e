// SPDX-License-Identifier: GPL-2.0-only

package triage

// Rule is one thing that can go wrong, and how to tell.
type Rule struct {
	// Name is stable: JSON, recordings and documents have it.
	Name string
	// Title says in few words what happened.
	Title string
	Page  Page
	// symptom is set if the rule names no cause: it is folded under one that has
	// the same victims.
	symptom bool
	// follows are the rules of which this one's findings are mere consequences.
	follows []string
	check   func(v *view) []*finding
}

// Page explains a rule to whoever meets it for the first time.
type Page struct {
	Happened string // what went wrong
	Shows    string // how a dump shows it
	Confirm  string // how to be sure
	Fix      string // what schedulers usually do about it
}

// Section is a part of a page.
type Section struct{ Title, Text string }

// Sections are the page in the order in which it is read.
func (p *Page) Sections() []Section {
	return []Section{
		{"What happened", p.Happened},
		{"How a dump shows it", p.Shows},
		{"How to be sure", p.Confirm},
		{"What schedulers do about it", p.Fix},
	}
}

// rules are all rules, in the order of causes.
var rules = []*Rule{
	&loadFailure,
	&hotplug,
	&rtHog,
	&timerStopped,
	&tokenHeld,
	&slotEmpty,
	&halfApply,
	&gpParity,
	&configPending,
	&configLost,
	&cellEmpty,
	&notReclaimed,
	&cpuOrphan,
	&cpuTwice,
	&cpuCellMask,
	&cellLeak,
	&cellExhaust,
	&ownerMismatch,
	&inherit,
	&queueOrphan,
	&noContext,
	&lateInsert,
	&lostTask,
	&taskDeadCell,
	&seqCell,
	&dsqMismatch,
	&pinOnCell,
	&vtimeFrozen,
	&vtimeBackward,
	&affinityViolation,
	&migrationDisabled,
	&badID,
	&apiMisuse,
	&contextLookup,
	&vtimeOutlier,
	&throttled,
	&staleDirectDispatch,
	&reenqueueLoop,
	&rescueOverload,
	&lockup,
	&userspaceStuck,
	&missedKick,
	&overload,
	&queueStarved,
	&pinnedStarved,
	&watchdogStarved,
	&taskStale,
	&timerEarly,
	&enqFallback,
	&eventOrder,
	&foreignTrigger,
	&heldByBPF,
	&bpfError,
	&cleanExit,
}

// Rules are all rules, in the order of causes.
func Rules() []*Rule { return rules }

// Find finds a rule by its name, nil if there is none.
func Find(name string) *Rule {
	for _, r := range rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}
