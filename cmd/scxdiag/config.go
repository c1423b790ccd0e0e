// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"scxdiag/tui"
)

// configHelp is the part of the help texts that tells of the configuration.
const configHelp = `Keys, colours and the rest of the screen are set in $XDG_CONFIG_HOME/scxdiag/config.toml,
else ~/.config/scxdiag/config.toml; the README has a complete one.`

// screenFlags are the flags of the commands that show a screen.
type screenFlags struct {
	ascii bool
}

func (f *screenFlags) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.ascii, "ascii", false, "draw the screen with nothing but ASCII")
}

// options are what a screen starts with: what the configuration says, and above that
// the flags.
func (f *screenFlags) options(screen *os.File) (tui.Options, error) {
	config, err := readConfig()
	o := screenOptions(screen)
	o.ASCII, o.Config = f.ascii, config
	return o, err
}

// configFile is where the configuration is, if there is one; "" if there is no place
// for it.
func configFile() string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // which it has to be
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "scxdiag", "config.toml")
}

// readConfig reads the configuration. That there is none is no error.
func readConfig() (tui.Config, error) {
	name := configFile()
	if name == "" {
		return tui.Config{}, nil
	}
	// Opening a pipe would wait for somebody to write to it.
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0) //nolint:gosec // the user's own file
	if errors.Is(err, fs.ErrNotExist) {
		return tui.Config{}, nil
	}
	if err != nil {
		return tui.Config{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return tui.Config{}, err
	}
	if !info.Mode().IsRegular() {
		return tui.Config{}, fmt.Errorf("%s: is no regular file", name)
	}
	return tui.ParseConfig(name, f)
}
