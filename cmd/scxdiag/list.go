// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
)

// listFlags is the command line of scxdiag list.
type listFlags struct {
	record, kind, since, until string
	filter                     store.Filter
	format                     listFormat
	none                       bool // there is no catalogue yet
}

func newList() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the snapshots that were kept",
		Long: `list shows the snapshots of the catalogue, the oldest first: the first digits of
the id, by which the other commands know it, when it was taken, of which
scheduler, and what became of that. A snapshot whose time is unknown has the time
at which it was kept, with "kept" behind it.

` + catalogueHelp + `

A --kind is the kernel's name of an exit, such as ERROR_STALL or stall, or what a
snapshot was made for: crash, exit, sysrq, sample, or halfway, which is a sample
that record took because a task had waited for half of the time after which the
kernel throws the scheduler out; or unknown, if the beginning of its dump, which
would say so, is missing. --since and --until take RFC 3339, local time such
as "2026-03-04 05:06", or "2 days ago".`,
		Example: `  scxdiag list
  scxdiag list --scheduler mitosis --kind stall --since '7 days ago'
  scxdiag list --record night.scxdiag
  scxdiag list --format json | jq -r '.snapshots[] | select(.failure) | .id'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.filter.Scheduler, "scheduler", "", "only those of the scheduler of that `NAME`, in any case and of whatever version")
	fl.StringVar(&f.kind, "kind", "", "only those of a `KIND`; see above")
	fl.StringVar(&f.since, "since", "", "only those from a `TIME` on")
	fl.StringVar(&f.until, "until", "", "only those up to a `TIME`")
	fl.StringVar(&f.filter.Signature, "signature", "", "only those whose signature starts with the `DIGITS`")
	fl.StringVar(&f.filter.Host, "host", "", "only those of the machine of that `NAME`")
	fl.VarP(&f.format, "format", "f", "how to list")
	addCatalogueFlag(fl, &f.record)
	completeFormats(cmd, []cobra.Completion{
		cobra.CompletionWithDesc("text", "a table for people"), cobra.CompletionWithDesc(formatJSON, "all that is known, for programs"),
	})
	kinds := triggerNames()
	for _, k := range dump.ExitKinds() {
		kinds = append(kinds, k.String())
	}
	if err := cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// unknownTrigger is what --kind calls dump.TriggerUnknown.
const unknownTrigger = "unknown"

func triggerNames() []string {
	var names []string
	for _, t := range dump.Triggers() {
		names = append(names, string(t))
	}
	return append(names, unknownTrigger)
}

// listFormat is the value of list --format.
type listFormat string

// Set, String and Type make it a flag.
func (f *listFormat) Set(s string) error {
	if s != "text" && s != formatJSON {
		return errors.New("must be text or json")
	}
	*f = listFormat(s)
	return nil
}

func (f *listFormat) String() string { return string(*f) }

// Type is what the help text calls the value.
func (f *listFormat) Type() string { return "text|json" }

func (f *listFlags) run(cmd *cobra.Command) error {
	trigger, err := f.parse(time.Now())
	if err != nil {
		return usageError(cmd, err.Error())
	}
	entries, err := f.read(cmd)
	if err != nil {
		return err
	}
	if trigger != "" || f.kind == unknownTrigger {
		entries = slices.DeleteFunc(entries, func(e store.Entry) bool { return e.Trigger != trigger })
	}
	if len(entries) == 0 && f.format != formatJSON && !f.none {
		none := "there is no such snapshot"
		if trigger == "" && f.filter == (store.Filter{}) {
			none = "nothing is kept there; scxdiag import FILE adds what a log or a recording holds"
		}
		complain(cmd.ErrOrStderr(), errors.New(none))
	}
	out := cmd.OutOrStdout()
	if f.format == formatJSON {
		err = report.ListJSON(out, entries)
	} else {
		err = report.ListText(out, entries, textOptions(out))
	}
	if err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

// parse makes a filter of the flags. The trigger is not part of it.
func (f *listFlags) parse(now time.Time) (dump.Trigger, error) {
	for _, t := range []struct {
		flag, value string
		to          *time.Time
	}{{"since", f.since, &f.filter.Since}, {"until", f.until, &f.filter.Until}} {
		if t.value == "" {
			continue
		}
		at, err := parseTime(t.value, now)
		if err != nil {
			return "", fmt.Errorf("--%s: %w", t.flag, err)
		}
		*t.to = at
	}
	if f.kind == unknownTrigger {
		return dump.TriggerUnknown, nil
	}
	if t := dump.Trigger(f.kind); t == "" || slices.Contains(dump.Triggers(), t) {
		return t, nil
	}
	kind, ok := dump.ParseExitKind(f.kind)
	if !ok {
		return "", fmt.Errorf("--kind %s: must be %s, or a kind of exit such as ERROR_STALL", f.kind, strings.Join(triggerNames(), ", "))
	}
	f.filter.Kind = dump.Of(kind)
	return "", nil
}

// read lists the recording. A catalogue that was never made is one without
// snapshots.
func (f *listFlags) read(cmd *cobra.Command) ([]store.Entry, error) {
	st, err := store.OpenReader(f.record)
	if f.record == "" && errors.Is(err, fs.ErrNotExist) {
		f.none = true
		complain(cmd.ErrOrStderr(), errors.New("nothing is kept yet; scxdiag import FILE adds what a log or a recording holds"))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = st.Close() }() // it was only read
	return st.List(cmd.Context(), f.filter)
}
