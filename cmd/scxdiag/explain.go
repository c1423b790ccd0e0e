// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"scxdiag/dump/triage"
)

// explainWidth is how wide the pages of rules are.
const explainWidth = 80

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE]",
		Short: "Explain what a finding means",
		Long: `explain lists the rules by which scxdiag finds the cause of a failure. With the
name of one it tells what happened, how a dump shows it, how to be sure, and what
schedulers usually do about it.`,
		Example: `  scxdiag explain
  scxdiag explain rt-hog`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, r := range triage.Rules() {
				names = append(names, r.Name+"\t"+r.Title)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listRules(cmd.OutOrStdout())
			}
			r := triage.Find(args[0])
			if r == nil {
				return fmt.Errorf("explain: no rule is called %q; scxdiag explain lists them", args[0])
			}
			return explainRule(cmd.OutOrStdout(), r)
		},
	}
}

func listRules(w io.Writer) error {
	rules := slices.Clone(triage.Rules())
	slices.SortFunc(rules, func(a, b *triage.Rule) int { return strings.Compare(a.Name, b.Name) })
	var b bytes.Buffer
	for _, r := range rules {
		fmt.Fprintf(&b, "%-22s %s\n", r.Name, r.Title)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func explainRule(w io.Writer, r *triage.Rule) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s\n", r.Name, r.Title)
	for _, part := range r.Page.Sections() {
		fmt.Fprintf(&b, "\n%s\n%s\n", part.Title, indented(part.Text))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// indented is text in lines that are not too long, indented.
func indented(text string) string {
	return "  " + strings.ReplaceAll(ansi.Wordwrap(text, explainWidth-2, ""), "\n", "\n  ")
}
