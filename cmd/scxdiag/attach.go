// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"scxdiag/dump"
	"scxdiag/dump/artifact"
	"scxdiag/dump/artifact/actions"
	"scxdiag/dump/ktstr"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
	"scxdiag/tui"
)

// attachFlags is the command line of scxdiag attach.
type attachFlags struct {
	format   surveyFormat
	failOn   failOn
	baseline string
	record   recorder
	screen   screenFlags
}

func newAttach() *cobra.Command {
	f := attachFlags{failOn: failOnError}
	cmd := &cobra.Command{
		Use:   "attach FILE|FOLDER|RUN... | -",
		Short: "Find the dumps in what a CI run left behind",
		Long: `attach goes through files, folders and archives, finds every sched_ext dump and
verdict in them, and says which failures they are: the same one from several
places or runs is shown once, with how often it was found and where. It reads what
scxdiag open reads, and in folders the parts of a log that the kernel saved when it
died (pstore), and looks into zip, tar, gzip, bzip2, xz and zstd, also in each other;
nothing is unpacked to disk.

A RUN of GitHub Actions is the address of its page, or OWNER/REPO#ID. Its logs and
artifacts are fetched with the login of the gh command: $GH_TOKEN, or what gh auth
login saved; $GH_HOST names a server of your own. The address of a job gives the log
of that job only.

On a terminal it shows the dumps on the screen. Into a file or a pipe, or with
--format, it prints what it found:

  text      a summary for people
  markdown  the same for an issue, or for $GITHUB_STEP_SUMMARY
  json      everything that is known, for programs
  junit     a test case for each dump
  github    a workflow command for each failure, which Actions shows as annotation

With --baseline, failures that the recording has are known: they are shown, and do
not fail. Archives are not trusted: ` + attachLimits + `
Names lead nowhere, and links in folders are not followed. What is not read is
said, a line each; all but such links, and the like, may have held a failure.

` + configHelp + `

Exit codes, when it prints:

  0  no scheduler failed, or only in ways that the baseline knows
  1  scxdiag itself failed: a file could not be read to its end, and no failure was
     found in the others; or a name is of no file, or nothing holds a dump
  3  a scheduler failure was found, or a dump without its beginning, which may be of
     one; --fail-on warning counts findings in dumps of schedulers that go on, too,
     and --fail-on never none`,
		Example: `  scxdiag attach logs.zip
  scxdiag attach artifacts/ console.log
  scxdiag attach https://github.com/OWNER/REPO/actions/runs/123456
  scxdiag attach --format markdown logs.zip >> "$GITHUB_STEP_SUMMARY"
  scxdiag attach --format github --baseline known.scxdiag artifacts/
  scxdiag attach --record night.scxdiag --format text artifacts/`,
		Args: openArgs,
		RunE: f.run,
	}
	fl := cmd.Flags()
	fl.VarP(&f.format, "format", "f", "print instead of showing on the screen")
	fl.Var(&f.failOn, "fail-on", "what makes the exit code 3")
	fl.StringVar(&f.baseline, "baseline", "", "the recording `FILE` of failures that are known")
	f.record.addFlags(fl)
	f.screen.addFlags(fl)
	completeFormats(cmd, surveyFormatNames())
	return cmd
}

// attachLimits says what artifact.DefaultLimits are.
const attachLimits = `a file may unfold to 4 GiB, or to 200
times its size if that is more, have a million files in it, archives in archives
up to six deep, and within others zips of up to 32 MiB and recordings of up to 64.`

// The values of --fail-on.
type failOn string

const (
	failOnError   failOn = "error"
	failOnWarning failOn = "warning"
	failOnNever   failOn = "never"
)

// Set, String and Type make failOn a flag.
func (f *failOn) Set(s string) error {
	if !slices.Contains([]failOn{failOnError, failOnWarning, failOnNever}, failOn(s)) {
		return errors.New("must be error, warning or never")
	}
	*f = failOn(s)
	return nil
}

func (f *failOn) String() string { return string(*f) }

// Type is what the help text calls the value.
func (f *failOn) Type() string { return "error|warning|never" }

// surveyFormats are the values of --format of attach.
var surveyFormats = []struct {
	name, help string
	write      func(io.Writer, *report.Survey) error // nil for text
}{
	{"text", "a summary for people", nil},
	{"markdown", "the summary for an issue or a job", report.SurveyMarkdown},
	{formatJSON, "everything, for programs", report.SurveyJSON},
	{"junit", "a test case for each dump", report.SurveyJUnit},
	{"github", "workflow commands of GitHub Actions", report.SurveyAnnotations},
}

func surveyFormatNames() []cobra.Completion {
	values := make([]cobra.Completion, 0, len(surveyFormats))
	for _, known := range surveyFormats {
		values = append(values, cobra.CompletionWithDesc(known.name, known.help))
	}
	return values
}

// surveyFormat is the value of --format; "" if it was not given.
type surveyFormat string

// Set, String and Type make a surveyFormat a flag.
func (f *surveyFormat) Set(s string) error {
	for _, known := range surveyFormats {
		if known.name == s {
			*f = surveyFormat(s)
			return nil
		}
	}
	return errors.New("must be text, markdown, json, junit or github")
}

func (f *surveyFormat) String() string { return string(*f) }

// Type is what the help text calls the value.
func (f *surveyFormat) Type() string { return "text|markdown|json|junit|github" }

func (f surveyFormat) write(w io.Writer, s *report.Survey, opts report.Options) error {
	for _, known := range surveyFormats {
		if known.name == string(f) && known.write != nil {
			return known.write(w, s)
		}
	}
	return report.SurveyText(w, s, opts)
}

func (f *attachFlags) run(cmd *cobra.Command, names []string) (err error) {
	ctx := cmd.Context()
	screen, isScreen := terminal(cmd.OutOrStdout())
	isScreen = isScreen && f.format == "" && os.Getenv("TERM") != "dumb"
	var options tui.Options
	if isScreen {
		if options, err = f.screen.options(screen); err != nil {
			return err
		}
	}
	known, err := knownSignatures(ctx, f.baseline)
	if err != nil {
		return err
	}
	unrecorded := f.record.open()
	if unrecorded != nil && !store.IsPassing(unrecorded) {
		return unrecorded
	}
	defer func() { err = f.record.closeAfter(err) }()
	collectLazily()
	c := collection{stderr: cmd.ErrOrStderr(), record: &f.record, unrecorded: unrecorded, byID: make(map[string]int)}
	c.walker.Skipped = c.skip
	stdin := cmd.InOrStdin()
	if slices.Contains(names, stdinName) {
		sayPaste(stdin, c.stderr)
		stdin = interruptible(ctx, stdin)
	}
	done := showWalk(&c.walker.Progress, &c.dumps, cmd.ErrOrStderr())
	walkErr := c.walker.Walk(ctx, names, stdin, c.visit)
	done()
	defer func() { _ = c.memory.close() }() // it was only read
	var missing *artifact.MissingError
	switch {
	case walkErr == nil:
	case errors.As(walkErr, &missing):
		for _, err := range missing.Errs {
			var at *fs.PathError
			if errors.As(err, &at) {
				err = openError(at.Path, err)
			}
			complain(c.stderr, err)
		}
	default:
		if ctx.Err() != nil {
			return fmt.Errorf("attach: interrupted after %s%s", countText(c.walker.Progress.Files.Load(), "file"), f.record.kept())
		}
		return walkErr
	}
	if len(c.found) == 0 {
		// Why nothing was read may have been told already.
		if files := c.walker.Progress.Files.Load(); files > 0 || missing == nil && len(c.gaps) == 0 {
			complain(c.stderr, fmt.Errorf("no sched_ext dump or verdict in %s (%s read); are they the logs of the scheduler or of the kernel?",
				countText(files, "file"), bytesText(c.walker.Progress.Bytes.Load())))
		}
		if c.unrecorded != nil {
			return c.unrecorded
		}
		if len(c.gaps) == 0 || f.format == "" {
			return errReported
		}
	}
	survey := &report.Survey{
		Groups: report.Groups(c.found, known), Files: c.walker.Progress.Files.Load(), Bytes: c.walker.Progress.Bytes.Load(), Skipped: c.skipped, More: c.more,
		Unread: c.gaps, UnreadMore: c.moreGaps,
	}
	if isScreen {
		return cmp.Or(c.show(ctx, survey, options), c.unrecorded)
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	err = errors.Join(f.format.write(out, survey, textOptions(cmd.OutOrStdout())), out.Flush())
	switch {
	case err != nil && !errors.Is(err, syscall.EPIPE): // or whoever reads the output has seen enough
		return reportError(err)
	case c.unrecorded != nil:
		return c.unrecorded
	case missing != nil:
		return errReported
	case f.failOn.fails(survey):
		return errFailureFound
	case len(c.found) == 0, len(c.gaps) > 0:
		return errReported
	}
	return nil
}

// knownSignatures are those of the failures of a recording.
func knownSignatures(ctx context.Context, path string) (map[string]bool, error) {
	known := make(map[string]bool)
	if path == "" {
		return known, nil
	}
	st, err := store.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = st.Close() }() // it was only read
	entries, err := st.List(ctx, store.Filter{})
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Signature != "" {
			known[e.Signature] = true
		}
	}
	return known, nil
}

// fails reports whether a survey has what --fail-on names, and that is new.
func (f *failOn) fails(s *report.Survey) bool {
	if *f == failOnNever {
		return false
	}
	return slices.ContainsFunc(s.Groups, func(g report.Group) bool {
		return !g.Known && (g.IsFailure() || g.IsUndecided() || *f == failOnWarning && slices.ContainsFunc(g.Found, hasWarning))
	})
}

func hasWarning(f report.Found) bool {
	return slices.ContainsFunc(f.Snapshot.Findings, func(x dump.Finding) bool { return x.Severity != dump.SeverityInfo })
}

// collection gathers what a walk finds.
type collection struct {
	walker artifact.Walker
	stderr io.Writer
	record *recorder

	mu     sync.Mutex
	memory memory
	found  []report.Found
	byID   map[string]int // of found
	// unrecorded is why nothing more is recorded, which is told at the end.
	unrecorded error
	skipped    int
	// gaps are the first of what is not read that may have held something, and
	// moreGaps is how many others there are.
	gaps     []report.Unread
	moreGaps int
	more     int          // snapshots that are only counted
	dumps    atomic.Int64 // found, for who does not hold mu

	inMemory sync.Mutex // of the one recording that is in memory
}

// maxSkips is how many lines say what was not read.
const maxSkips = 50

// skip tells what is not read. The walker calls it one at a time.
func (c *collection) skip(name string, why error) {
	c.skipped++
	var leftOut artifact.LeftOutError
	switch {
	case errors.As(why, &leftOut):
	case len(c.gaps) < maxSkips:
		c.gaps = append(c.gaps, report.Unread{Name: name, Why: why.Error()})
	default:
		c.moreGaps++
	}
	switch {
	case c.skipped <= maxSkips:
		complain(c.stderr, fmt.Errorf("%s: %w", name, why))
	case c.skipped == maxSkips+1:
		complain(c.stderr, errors.New("more is not read; that is not told one by one"))
	}
}

// visit reads the snapshots of a stream.
func (c *collection) visit(ctx context.Context, s artifact.Stream) error {
	src := bufio.NewReader(s.Reader)
	start, _ := src.Peek(ktstr.SniffLen) // an error comes again
	if store.IsRecording(start) {
		return c.recording(ctx, s, src)
	}
	r := newSnapshotReader(src, kindOf(start), s.Name)
	for {
		snap, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := c.add(ctx, snap); err != nil {
			return err
		}
	}
}

// add keeps a snapshot, once however often it is found.
func (c *collection) add(ctx context.Context, s *dump.Snapshot) error {
	place := report.Place{Name: s.Source.Name, Line: s.Source.Line}
	if strings.HasPrefix(s.Source.Carrier, "actions") {
		place.Job, place.Step = actions.Step(s.Source.Name)
	}
	id := s.ID()
	c.mu.Lock()
	defer c.mu.Unlock()
	if i, known := c.byID[id]; known {
		if i != countedOnly {
			c.found[i].Places = append(c.found[i].Places, place)
		}
		return nil
	}
	if err := c.memory.recall(ctx, s); err != nil {
		complain(c.stderr, err)
	}
	if c.unrecorded == nil {
		c.unrecorded = c.record.add(ctx, s)
	}
	c.byID[id] = len(c.found)
	if len(c.found) >= maxWhole {
		if !s.IsFailure() && !s.IsUndecided() && !hasWarning(report.Found{Snapshot: s}) {
			c.byID[id] = countedOnly
			c.more++
			c.dumps.Add(1)
			return nil
		}
		s.Raw = ""
	}
	c.found = append(c.found, report.Found{Snapshot: s, Places: []report.Place{place}})
	c.dumps.Add(1)
	return nil
}

// maxWhole is of how many snapshots the text is kept in memory. Of more than that,
// those are only counted in which nothing is wrong: a recording has thousands of
// samples.
const maxWhole = 200

// countedOnly is the index of a snapshot that is not among those found.
const countedOnly = -1

// show shows on the screen what was found, group by group.
func (c *collection) show(ctx context.Context, s *report.Survey, options tui.Options) error {
	var all []*dump.Snapshot
	for i := range s.Groups {
		for _, f := range s.Groups[i].Found {
			all = append(all, f.Snapshot)
		}
	}
	options.Notice = report.Headline(s)
	err := tui.Run(ctx, all, options)
	if err != nil && errors.Is(err, context.Canceled) {
		return errReported
	}
	return err
}
