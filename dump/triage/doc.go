// SPDX-License-Identifier: GPL-2.0-only

// Package triage says why a scheduler failed, and proves it: rules read a
// snapshot and give findings, the cause first.
//
// A rule is one file: its name, the page that explains it, and a function that
// looks at a [view] of the snapshot, which has every index that rules need. The
// table of rules in rules.go is in the order in which causes come: where two
// findings fit the snapshot as well, the earlier rule is named first.
//
// A finding has victims, the tasks that suffer from what it says. A rule that
// only names a symptom, such as that the scheduler holds a task, is folded under
// a finding that has the same victims and a cause for them.
//
// A dump is one instant, and shows runnable tasks only. So no rule concludes from
// what a truncated dump does not have, and confidence falls with everything that
// the ledger of the snapshot says is missing.
package triage
