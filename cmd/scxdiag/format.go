// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"errors"
	"io"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"scxdiag/dump/report"
)

// formats are the values of --format.
var formats = []struct {
	name, help string
	newWriter  func(io.Writer, report.Options) report.Writer
}{
	{"text", "a summary for people", report.NewText},
	{formatJSON, "everything, for programs", report.NewJSON},
	{"markdown", "the summary as an issue text", report.NewMarkdown},
}

const formatJSON = "json"

// formatNames completes the values of --format.
func formatNames() []cobra.Completion {
	values := make([]cobra.Completion, 0, len(formats))
	for _, known := range formats {
		values = append(values, cobra.CompletionWithDesc(known.name, known.help))
	}
	return values
}

// completeFormats has --format complete to values.
func completeFormats(cmd *cobra.Command, values []cobra.Completion) {
	err := cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag is defined by whoever calls
	}
}

// format is the value of --format; "" if it was not given.
type format string

// Set, String and Type make a format a flag.
func (f *format) Set(s string) error {
	for _, known := range formats {
		if known.name == s {
			*f = format(s)
			return nil
		}
	}
	return errors.New("must be text, json or markdown")
}

func (f *format) String() string { return string(*f) }

// Type is what the help text calls the value.
func (f *format) Type() string { return "text|json|markdown" }

// writer makes the writer of the format, of text if none was given.
func (f format) writer(w io.Writer) report.Writer {
	for _, known := range formats {
		if known.name == string(f) {
			return known.newWriter(w, textOptions(w))
		}
	}
	return report.NewText(w, textOptions(w))
}

// textOptions has text be as wide as the terminal that it goes to, if it is one.
func textOptions(to io.Writer) report.Options {
	f, is := terminal(to)
	if !is {
		return report.Options{}
	}
	width, _, err := term.GetSize(f.Fd())
	if err != nil {
		return report.Options{}
	}
	return report.Options{Width: width}
}
