// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"scxdiag/bpf/doctor"
	"scxdiag/bpf/vm"
	"scxdiag/dump/store"
)

func newDoctor() *cobra.Command {
	var (
		format doctorFormat
		inVM   bool
	)
	cmd := &cobra.Command{
		Use:   "doctor [record] [live]",
		Short: "Tell whether this machine can record and live, and what is missing",
		Long: `doctor looks at what record and live need: the kernel, its configuration and its
types, what this process may do, cgroups, and for live --vm a virtual machine. What
is not as it should be comes with a way to mend it. It only looks: nothing is
loaded, written or changed. open and attach need nothing of this.

Name record or live to be told of that alone; live --vm is live in a virtual
machine. Run it as the user, or in the service, that is to record: what it may do
is part of what is looked at.

  ok    as it should be
  warn  something works less well, or may be in the way; the line says what
  FAIL  something does not work because of it
  skip  there was nothing to look at

Exit codes:

  0  what was named works; if nothing was: record and live
  1  scxdiag itself failed
  3  something is wrong that stops it`,
		Example: `  scxdiag doctor
  scxdiag doctor record
  scxdiag doctor live --vm
  scxdiag doctor --format json | jq -r '.checks[] | select(.status == "error") | .fix'`,
		ValidArgs: []string{string(doctor.Record), string(doctor.Live)},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDoctor(cmd, args, format, inVM)
		},
	}
	f := cmd.Flags()
	f.VarP(&format, "format", "f", "how to print; text if not given")
	f.BoolVar(&inVM, "vm", false, "with live: in a virtual machine")
	completeFormats(cmd, []cobra.Completion{
		cobra.CompletionWithDesc("text", "a line for each check"), cobra.CompletionWithDesc(formatJSON, "all of it, for programs"),
	})
	return cmd
}

// doctorFormat is the value of doctor --format.
type doctorFormat string

// Set, String and Type make it a flag.
func (f *doctorFormat) Set(s string) error {
	if s != "text" && s != formatJSON {
		return errors.New("must be text or json")
	}
	*f = doctorFormat(s)
	return nil
}

func (f *doctorFormat) String() string { return string(*f) }

// Type is what the help text calls the value.
func (f *doctorFormat) Type() string { return "text|json" }

func runDoctor(cmd *cobra.Command, args []string, format doctorFormat, inVM bool) error {
	uses, err := doctorUses(cmd, args, inVM)
	if err != nil {
		return err
	}
	r := doctor.Examine(thisMachine())
	asked := []doctor.Use{doctor.Record, doctor.Live}
	if len(uses) > 0 {
		r, asked = r.About(uses...), uses
	}
	write := r.WriteText
	if format == formatJSON {
		write = r.WriteJSON
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return fmt.Errorf("write what was found: %w", err)
	}
	if !r.Works(asked...) {
		return errFailureFound
	}
	return nil
}

// doctorUses are the uses that the command line names.
func doctorUses(cmd *cobra.Command, args []string, inVM bool) ([]doctor.Use, error) {
	var uses []doctor.Use
	live := false
	for _, arg := range args {
		use := doctor.Use(arg)
		switch {
		case use == doctor.Live && inVM:
			use, live = doctor.LiveVM, true
		case use != doctor.Live && use != doctor.Record:
			return nil, usageError(cmd, fmt.Sprintf("%q is neither record nor live", arg))
		}
		if !slices.Contains(uses, use) {
			uses = append(uses, use)
		}
	}
	if inVM && !live {
		return nil, usageError(cmd, "--vm is of use with live only")
	}
	return uses, nil
}

// thisMachine is the one that scxdiag runs on.
func thisMachine() *doctor.Machine {
	program, err := os.Executable()
	if err != nil {
		program = "PATH-OF-SCXDIAG"
	}
	return &doctor.Machine{
		Root:    os.DirFS("/"),
		Arch:    runtime.GOARCH,
		Program: program,
		Catalogue: func() (string, error) {
			path, err := store.DefaultPath()
			if err != nil {
				return "", err
			}
			return path, doctor.Writable(path)
		},
		QEMU:        vm.CheckQEMU,
		GuestKernel: vm.CheckKernel,
	}
}
