// SPDX-License-Identifier: GPL-2.0-only

package triage

// Rule is one thing that can go wrong, and how to tell.
type Rule struct {
	// Name is stable: JSON, recordings and documents have it.
	Name string
	// Title says in few words what happened.
	Title string
	Page  Page
	needs needs
	// symptom is set if the rule names no cause: it is folded under one that has
	// the same victims.
	symptom bool
	// follows are the rules of which this one's findings are mere consequences.
	follows []string
	check   func(v *view) []*finding
}

// needs are what a rule cannot be evaluated without.
type needs uint8

const (
	// state is what a cell scheduler's records say of its machinery.
	state needs = 1 << iota
	// earlier is a snapshot of the same run from before.
	earlier
	// whole is a snapshot of which nothing is missing.
	whole
	// steady is one from between two changes of the configuration: cells, CPUs and
	// cgroups agree with each other then.
	steady
)

// lacks says which of these the snapshot does not have, "" if it has all.
func (v *view) lacks(n needs) string {
	switch {
	case n&state != 0 && !v.hasState():
		return "it has no records of a cell scheduler"
	case n&whole != 0 && v.partial:
		return "part of it is missing"
	case n&steady != 0 && (pendingConfig(v.s) || v.s.Status.Apply.Phase != ""):
		return "a configuration is on its way"
	case n&earlier != 0 && v.before == nil:
		return "there is no earlier one of the same run"
	}
	return ""
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
	&rootMask,
	&prevCell,
	&indexRange,
	&cellLeak,
	&cellExhaust,
	&cellNear,
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
	&starvedQueue,
	&taskStale,
	&timerEarly,
	&enqFallback,
	&eventOrder,
	&timeClamped,
	&exitingDead,
	&foreignTrigger,
	&heldByBPF,
	&stallWithoutDump,
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
