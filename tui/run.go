// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"context"
	"errors"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"scxdiag/dump"
)

// Options says how to show a session.
type Options struct {
	Input  io.Reader // nil: standard input, or the terminal if that is no terminal
	Output io.Writer // nil: standard output
	// NoColor shows everything without styles. Run sets it too if the
	// environment variable NO_COLOR is not empty.
	NoColor bool
	// ASCII draws with nothing but ASCII, as Config may say too.
	ASCII   bool
	Config  Config   // what the user has set for all sessions
	Environ []string // nil: the environment of the process
	// Start is which of the snapshots Run begins with, from 1; with 0 it
	// chooses: a failure, if there is one.
	Start int
	// Before and After are how many snapshots the session has in front of and
	// behind those that Run gets. They count in the numbers that are shown.
	Before, After int
	Outlet        Outlet // for what the user takes along
	Notice        string // shown until the first key, one line

	profile colorprofile.Profile // how many colours the terminal has, as far as its name tells
	ask     bool                 // the terminal can be asked for its background
}

// keyMap is the keys of the session.
func (o *Options) keyMap() *keyMap {
	k := o.Config.keyMap()
	for c := range k {
		k[c].ascii = o.ASCII || o.Config.ASCII
	}
	return k
}

// setting is what the styles of the session follow from.
func (o *Options) setting() setting {
	return setting{
		noColor: o.NoColor, ascii: o.ASCII || o.Config.ASCII, profile: o.profile, theme: o.Config.theme, looks: o.Config.looks,
		ask: o.ask && !o.NoColor && o.Config.theme == themeAuto,
	}
}

// ErrDumbTerminal is returned by Run and Watch if TERM says that the terminal cannot
// place its cursor. Callers print text instead.
var ErrDumbTerminal = errors.New("terminal cannot place its cursor (TERM=dumb)")

// Run shows the snapshots until the user quits or ctx is done, whose error it
// then returns. It leaves the terminal as it found it.
func Run(ctx context.Context, snapshots []*dump.Snapshot, o Options) error {
	return run(ctx, o, func(o Options) *Model { return New(snapshots, o) })
}

// Watch shows snapshots as they come, and ends as Run does. After that nothing
// reads from the feed, so a source that sends has to look at a context too. It
// keeps the failures and dumps of a session and the latest samples.
func Watch(ctx context.Context, feed Feed, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends what reads from the feed
	return run(ctx, o, func(o Options) *Model { return newLive(feed, ctx.Done(), o) })
}

func run(ctx context.Context, o Options, model func(Options) *Model) error {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if t := lookup(o.Environ, "TERM"); t == "dumb" {
		return ErrDumbTerminal
	}
	o.NoColor = o.NoColor || lookup(o.Environ, "NO_COLOR") != ""
	o.profile, o.ask = profileOf(o.Environ), answersBackground(o.Environ)
	if o.NoColor {
		o.profile = colorprofile.NoTTY
	}
	options := []tea.ProgramOption{
		tea.WithContext(ctx),
		tea.WithEnvironment(o.Environ),
		tea.WithColorProfile(o.profile),
		// The program looks so often whether there is a frame to write, even if
		// nothing happens, which takes 1 % of a CPU at the usual 60 times a second.
		tea.WithFPS(30),
	}
	if o.Input != nil {
		options = append(options, tea.WithInput(o.Input))
	}
	if o.Output != nil {
		options = append(options, tea.WithOutput(o.Output))
	}
	_, err := tea.NewProgram(model(o), options...).Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// lookup finds the value of an environment variable, of several the last.
func lookup(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		if v := environ[i]; len(v) > len(name) && v[len(name)] == '=' && v[:len(name)] == name {
			return v[len(name)+1:]
		}
	}
	return ""
}
