// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
	"scxdiag/tui"
)

// screenOptions are those of every screen.
func screenOptions(screen *os.File) tui.Options {
	return tui.Options{Output: screen, Outlet: tui.Outlet{Issue: issueText, Write: writeSnapshot, Suggest: suggestName}}
}

// issueText is a snapshot as the text of an issue.
func issueText(s *dump.Snapshot) (string, error) {
	var b bytes.Buffer
	w := report.NewMarkdown(&b, report.Options{})
	err := errors.Join(w.Add(s), w.Close())
	return b.String(), err
}

// suggestName is a file name for a snapshot.
func suggestName(s *dump.Snapshot) string {
	name := "scxdiag"
	for _, r := range s.BaseName() {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			if name == "scxdiag" {
				name += "-"
			}
			name += string(r)
		}
	}
	const idLen = 8
	return name + "-" + s.ID()[:idLen] + ".md"
}

// writeSnapshot writes a snapshot as the name of the file asks for. It overwrites
// nothing; a recording it adds to.
func writeSnapshot(name string, s *dump.Snapshot) error {
	var as string
	switch filepath.Ext(name) {
	case store.Ext:
		return addTo(name, s)
	case ".md":
		as = "markdown"
	case ".json":
		as = formatJSON
	case ".txt":
		as = "text"
	default:
		return fmt.Errorf("write %s: the name must end in .md, .txt, .json or %s", name, store.Ext)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	w := format(as).writer(f)
	if err := errors.Join(w.Add(s), w.Close(), f.Close()); err != nil { // or half of it would be in the way next time
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

func addTo(name string, s *dump.Snapshot) error {
	st, err := store.Open(name)
	if err != nil {
		return err
	}
	_, _, err = st.Add(context.Background(), s, store.AddOptions{})
	return errors.Join(err, st.CloseUnused())
}
