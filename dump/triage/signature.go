// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"scxdiag/dump"
)

// recipe is the version of how signatures are made. It is part of each, so that
// those of two recipes never are the same.
const recipe = "scxdiag signature 1"

// signedFrames is how many frames of the backtrace count, from the one that raised
// the error.
const signedFrames = 4

// sign makes the signature of a failure, nil for what is none. It has nothing in it
// that differs between two machines, or between two runs on one.
func sign(s *dump.Snapshot) *dump.Signature {
	if !s.IsFailure() {
		return nil
	}
	e := s.Exit
	parts := []string{
		"scheduler " + orUnknown(s.BaseName()),
		"exit " + exitName(e),
	}
	if e.Message.Known {
		parts = append(parts, "message "+plain(s))
	}
	for _, f := range topFrames(e) {
		parts = append(parts, "frame "+f)
	}
	rule := ""
	if len(s.Findings) > 0 && s.Findings[0].Confidence == dump.ConfidenceHigh {
		rule = s.Findings[0].Rule
		parts = append(parts, "rule "+rule)
	}
	sum := sha256.New()
	sum.Write([]byte(recipe))
	for _, p := range parts {
		sum.Write([]byte{0})
		sum.Write([]byte(p))
	}
	title := orUnknown(s.BaseName()) + ": " + exitName(e)
	if rule != "" {
		title += ", " + rule
	}
	return &dump.Signature{
		ID: hex.EncodeToString(sum.Sum(nil)[:8]), Title: title, Parts: parts,
		Weak: !s.Ledger.Complete() || !e.Kind.Known || len(s.CPUs) == 0 && len(s.Tasks) == 0,
	}
}

func orUnknown(name string) string {
	if name == "" {
		return "unknown"
	}
	return name
}

func exitName(e *dump.Exit) string {
	if !e.Kind.Known {
		return "unknown"
	}
	return e.Kind.V.String()
}

var (
	taskWords   = regexp.MustCompile(`[^\s\[\]()'":,]+\[-?\d+\]`)
	folderWords = regexp.MustCompile(`(?:[\w.+-]+/)+([\w.+-]+\.[ch]\b)`)
	addresses   = regexp.MustCompile(`\b0x[0-9a-fA-F]+\b|\b[0-9a-f]{12,16}\b`)
	anyNumber   = regexp.MustCompile(`-?\d+(?:\.\d+)?`)
)

// plain is the message without names, pids, CPUs, times, addresses, ids, folders
// and line numbers.
func plain(s *dump.Snapshot) string {
	e := s.Exit
	m := e.Message.V
	if e.Subject.Known {
		m = strings.ReplaceAll(m, e.Subject.V.String(), "TASK")
	}
	if strings.Contains(m, "[") { // a comm may have blanks in it
		for i := range s.Tasks {
			m = strings.ReplaceAll(m, s.Tasks[i].String(), "TASK")
		}
	}
	m = taskWords.ReplaceAllString(m, "TASK")
	m = folderWords.ReplaceAllString(m, "$1")
	m = addresses.ReplaceAllString(m, "N")
	m = anyNumber.ReplaceAllString(m, "N")
	return strings.Join(strings.Fields(m), " ")
}

// errorPath are the functions that every error goes through.
var errorPath = map[string]bool{
	"scx_exit": true, "scx_vexit": true, "__scx_exit": true, "scx_ops_exit_kind": true, "scx_ops_error": true, "scx_error": true,
	"scx_kf_exit": true, "scx_bpf_error_bstr": true, "scx_bpf_exit_bstr": true, "scx_ops_error_kind": true, "scx_verror": true,
	"scx_dump_state": true, "ops_cpu_valid": true, "scx_ops_exit_kfunc": true,
}

// topFrames are the functions that raised the error, without what differs between
// builds.
func topFrames(e *dump.Exit) []string {
	var frames []string
	for _, l := range e.Backtrace {
		f := function(l.Text)
		if f == "" || errorPath[f] {
			continue
		}
		if frames = append(frames, f); len(frames) == signedFrames {
			break
		}
	}
	return frames
}

var (
	compilerSuffix = regexp.MustCompile(`\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.\d+)*`)
	programHash    = regexp.MustCompile(`^bpf_prog_[0-9a-f]{16}_`)
)

// function is the name in a frame: without offset, module, compiler suffix and the
// hash of a BPF program. An address has none.
func function(frame string) string {
	name, _, ok := strings.Cut(frame, "+0x")
	if !ok || strings.HasPrefix(name, "0x") {
		return ""
	}
	return compilerSuffix.ReplaceAllString(programHash.ReplaceAllString(name, "bpf_prog_"), "")
}
