// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// newRoot is the command line of scxdiag.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "scxdiag",
		Short: "Tell why a sched_ext scheduler failed",
		Long: `scxdiag tells why a sched_ext scheduler failed.

When the kernel throws a sched_ext scheduler out, it prints a dump of all CPUs
and runnable tasks. scxdiag finds that dump in whatever log it ended up in, leads
with the cause as far as the dump shows one, and shows which task waited, for how
long, on which queue, and what its CPU was doing instead.

Start with a log of the scheduler or of the kernel:

  scxdiag open crash.log

or have scxdiag run a scheduler of its own and watch it:

  scxdiag live --vm`,
		Example: `  scxdiag open crash.log                      look at it
  scxdiag open --format text crash.log        print a summary
  journalctl -b -u scx | scxdiag open -       read from a pipe
  scxdiag attach logs.zip                     find the failures in what a CI run left
  scxdiag explain rt-hog                      tell what a finding means
  scxdiag live --vm                           watch a scheduler work, in a virtual machine
  scxdiag record                              record why the schedulers of this machine fail
  scxdiag doctor                              tell whether this machine is up to that
  scxdiag import crash.log                    keep what is in it
  scxdiag list                                see what was kept
  scxdiag diff 3f9c 41d0                      tell what changed between two snapshots
  scxdiag open --help                         more of that`,
		Version:       buildText(),
		Args:          noArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without a command there are only --help and --version.
		DisableFlagsInUseLine: true,
		// Suggestions would make an error several lines long.
		DisableSuggestions: true,
		RunE:               func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError(cmd, err.Error()) })
	root.AddCommand(newOpen(), newAttach(), newLive(), newRecord(), newDoctor(), newList(), newShow(), newDiff(), newExplain(), newExport(), newImport(), newRemove(), newPrune(),
		newVersion())
	return root
}

// unknownCommand refuses what is no command where there has to be one: cobra prints
// help for it, and takes that for success, if --help is given as well, or behind help
// and completion.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) { // added later, and hidden
		return nil
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	cmd, rest, err := root.Find(args)
	switch {
	case err != nil:
		return err
	case cmd.Name() == "help":
		return unknownCommand(root, rest)
	case !cmd.HasSubCommands():
		return nil
	}
	for _, arg := range rest {
		if !strings.HasPrefix(arg, "-") {
			return noArgs(cmd, []string{arg})
		}
	}
	return nil
}

// usageError says what is wrong with the command line and where to look.
func usageError(cmd *cobra.Command, what string) error {
	return fmt.Errorf("%s; see %s --help", what, cmd.CommandPath())
}

// noArgs accepts no arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		return usageError(cmd, fmt.Sprintf("unknown command %q", args[0]))
	}
	return usageError(cmd, fmt.Sprintf("%s takes no arguments, got %q", cmd.Name(), args[0]))
}
