// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print what was built, from which commit, by which Go",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), buildText())
			return err
		},
	}
}

// buildText is versionText of this program.
func buildText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return versionText(info)
}

// versionText is what the toolchain recorded about the build. What it did not
// record is left out.
func versionText(info *debug.BuildInfo) string {
	settings := buildSettings(info)
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	var b strings.Builder
	fmt.Fprintln(&b, "scxdiag", version)
	if commit := settings["vcs.revision"]; commit != "" {
		fmt.Fprint(&b, "commit ", commit)
		if t := settings["vcs.time"]; t != "" {
			fmt.Fprint(&b, " of ", t)
		}
		if settings["vcs.modified"] == "true" {
			fmt.Fprint(&b, ", with local changes")
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "%s %s/%s\n", info.GoVersion, runtime.GOOS, runtime.GOARCH)
	return b.String()
}

// buildSettings are the settings of a build by their keys.
func buildSettings(info *debug.BuildInfo) map[string]string {
	settings := make(map[string]string, len(info.Settings))
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	return settings
}
