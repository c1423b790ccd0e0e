// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"archive/zip"
	"bytes"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"scxdiag/dump/artifact/actions/actionstest"
)

// github is the command of scripts that starts a server of GitHub and logs in to it:
//
//	github LOGS JOB [ARTIFACT...]
//
// LOGS is a folder with the logs of run 12, JOB the log of its job 34, and each
// ARTIFACT a folder.
func github(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 2 {
			ts.Fatalf("usage: github LOGS JOB [ARTIFACT...]")
		}
		g := &actionstest.GitHub{
			RunID: 12, Logs: zipped(ts, args[0]), PageLen: 1,
			Jobs: map[int64]actionstest.Job{34: {Name: "test (mitosis)", Log: []byte(ts.ReadFile(args[1]))}},
		}
		for _, name := range args[2:] {
			g.Artifacts = append(g.Artifacts, actionstest.Artifact{Name: name, Data: zipped(ts, name)})
		}
		g.Artifacts = append(g.Artifacts, actionstest.Artifact{Name: "old", Expired: true})
		g.Start(t)
		cert := ts.MkAbs("github.pem")
		ts.Check(os.WriteFile(cert, g.Certificate(), 0o600))
		for name, value := range map[string]string{
			"HTTPS_PROXY": g.Proxy(), "SSL_CERT_FILE": cert, "GH_TOKEN": actionstest.Token, "GH_CONFIG_DIR": ts.MkAbs("gh"), "GH_HOST": "",
		} {
			ts.Setenv(name, value)
		}
	}
}

// zipped is a folder as an archive.
func zipped(ts *testscript.TestScript, folder string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	ts.Check(z.AddFS(os.DirFS(ts.MkAbs(folder))))
	ts.Check(z.Close())
	return b.Bytes()
}
