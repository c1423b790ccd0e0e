// SPDX-License-Identifier: GPL-2.0-only

package actions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/dump/artifact/actions"
	"scxdiag/dump/artifact/actions/actionstest"
)

func TestParseRun(t *testing.T) {
	for name, want := range map[string]actions.Run{
		"corp/sched#12": {Owner: "corp", Repo: "sched", ID: 12},
		"https://github.com/corp/sched.ext/actions/runs/12":                {Host: "github.com", Owner: "corp", Repo: "sched.ext", ID: 12},
		"https://github.com/corp/sched/actions/runs/12/":                   {Host: "github.com", Owner: "corp", Repo: "sched", ID: 12},
		"https://github.com/corp/sched/actions/runs/12/job/34":             {Host: "github.com", Owner: "corp", Repo: "sched", ID: 12, Job: 34},
		"https://github.com/corp/sched/actions/runs/12/job/34?pr=5#step:7": {Host: "github.com", Owner: "corp", Repo: "sched", ID: 12, Job: 34},
		"https://GitHub.corp.example/corp/sched/actions/runs/12/attempts/2": {
			Host: "github.corp.example", Owner: "corp", Repo: "sched", ID: 12, Attempt: 2,
		},
	} {
		if got, ok := actions.ParseRun(name); !ok || got != want {
			t.Errorf("ParseRun(%q) = %+v, %v; want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{
		"", "corp/sched", "corp/sched#", "corp/sched#x", "corp/sched#0", "corp/..#1", "a/b/c#1", "corp/sched#99999999999999999999",
		"https://github.com/corp/sched", "http://github.com/corp/sched/actions/runs/12", "https:///corp/sched/actions/runs/12",
		"https://user:pw@github.com/corp/sched/actions/runs/12", "https://github.com/corp/../actions/runs/12",
		"https://github.com/corp/sched/actions/runs/12/job/34/more", "file:///corp/sched/actions/runs/12",
	} {
		if got, ok := actions.ParseRun(name); ok {
			t.Errorf("ParseRun(%q) = %+v", name, got)
		}
	}
}

func TestStep(t *testing.T) {
	for name, want := range map[string][2]string{
		"corp/sched#12/logs.zip!/3_test (mitosis)/7_run.txt": {"test (mitosis)", "run"},
		"run.zip!/test/12_Run tests.txt":                     {"test", "Run tests"},
		"run.zip!/0_test (mitosis).txt":                      {"test (mitosis)", ""},
		"corp/sched#12/logs/test (mitosis).txt":              {"test (mitosis)", ""},
		"logs/console.log":                                   {},
	} {
		if job, step := actions.Step(name); job != want[0] || step != want[1] {
			t.Errorf("Step(%q) = %q, %q", name, job, step)
		}
	}
}

// large is more than fits into what is kept in memory of a file.
var large = func() []byte {
	data := make([]byte, 25<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	return data
}()

func server() *actionstest.GitHub {
	return &actionstest.GitHub{
		RunID: 12,
		Logs:  []byte("PK the logs"),
		Jobs:  map[int64]actionstest.Job{34: {Name: "test (mitosis)", Log: []byte("the log of a job\n")}},
		Artifacts: []actionstest.Artifact{
			{Name: "small", Data: []byte("small")}, {Name: "old", Expired: true}, {Name: "large", Data: large}, {Name: "empty"}, {Name: "../../etc", Data: []byte("x")},
		},
	}
}

// isolate hides the login of whoever runs the tests.
func isolate(t *testing.T) {
	t.Helper()
	t.Setenv("GH_CONFIG_DIR", t.TempDir())
	t.Setenv("GH_PATH", "/nonexistent")
	for _, name := range []string{"GH_HOST", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("GH_TOKEN", actionstest.Token)
}

// fetched is what a client gets of a run: content or error by name.
func fetched(t *testing.T, g *actionstest.GitHub, run actions.Run) (map[string]string, error) {
	t.Helper()
	c := &actions.Client{Transport: g.Transport(t), Wait: time.Millisecond}
	got := make(map[string]string)
	files, err := c.Files(t.Context(), run, func(name string, why error) { got[name] = "error: " + why.Error() })
	for _, f := range files {
		if _, twice := got[f.Name]; twice {
			t.Errorf("%s: listed twice", f.Name)
		}
		content, err := f.Open(t.Context())
		if err == nil {
			var data []byte
			data, err = io.ReadAll(io.NewSectionReader(content, 0, content.Size()))
			got[f.Name] = string(data)
		}
		if err != nil {
			got[f.Name] = "error: " + err.Error()
		}
	}
	for _, r := range g.Requests() {
		if strings.HasPrefix(r, "the login") {
			t.Error(r)
		}
	}
	return got, err
}

var whole = map[string]string{
	"corp/sched#12/logs.zip":      "PK the logs",
	"corp/sched#12/small.zip":     "small",
	"corp/sched#12/old.zip":       "error: has expired; GitHub keeps it for a limited time",
	"corp/sched#12/large.zip":     string(large),
	"corp/sched#12/empty.zip":     "",
	"corp/sched#12/../../etc.zip": "x",
}

func TestRun(t *testing.T) {
	const base = "/repos/corp/sched/actions/"
	for name, set := range map[string]func(*actionstest.GitHub){
		"plain":            func(*actionstest.GitHub) {},
		"paged":            func(g *actionstest.GitHub) { g.PageLen = 2 },
		"addresses expire": func(g *actionstest.GitHub) { g.Uses = 2 },
		"transfers break off": func(g *actionstest.GitHub) {
			g.Cut, g.CutTimes = 1<<20, 4
		},
		"trouble for a while": func(g *actionstest.GitHub) {
			g.Answers = map[string][]int{
				base + "runs/12/artifacts": {429, 502, 503},
				base + "runs/12/logs":      {500},
				"/artifact-2":              {429, 504, 429},
				"/logs":                    {503},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			g := server()
			set(g)
			g.Start(t)
			got, err := fetched(t, g, actions.Run{Owner: "corp", Repo: "sched", ID: 12})
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range whole {
				if got[name] != want {
					t.Errorf("%s: got %s, want %s", name, short(got[name]), short(want))
				}
			}
			if len(got) != len(whole) {
				t.Errorf("%d files, want %d", len(got), len(whole))
			}
		})
	}
}

func short(s string) string {
	return fmt.Sprintf("%d bytes %.60q", len(s), s)
}

func TestJob(t *testing.T) {
	isolate(t)
	g := server()
	g.Start(t)
	run, _ := actions.ParseRun("https://github.com/corp/sched/actions/runs/12/job/34")
	got, err := fetched(t, g, run)
	if err != nil || len(got) != 1 || got["corp/sched#12/logs/test (mitosis).txt"] != "the log of a job\n" {
		t.Errorf("got %q, %v", got, err)
	}
	run.ID = 13
	if _, err := fetched(t, g, run); err == nil || !strings.HasSuffix(err.Error(), "is of run 12") {
		t.Errorf("job of another run: %v", err)
	}
}

// Servers of an enterprise have the API elsewhere, and logins of their own.
func TestEnterprise(t *testing.T) {
	isolate(t)
	t.Setenv("GH_HOST", actionstest.CorpHost)
	t.Setenv("GH_ENTERPRISE_TOKEN", actionstest.Token)
	t.Setenv("GH_TOKEN", "another")
	for _, name := range []string{"corp/sched#12", "https://" + actionstest.CorpHost + "/corp/sched/actions/runs/12/attempts/1"} {
		g := server()
		g.Start(t)
		run, _ := actions.ParseRun(name)
		got, err := fetched(t, g, run)
		if err != nil || got["corp/sched#12/logs.zip"] != "PK the logs" {
			t.Errorf("%s: %v %s", name, err, short(got["corp/sched#12/logs.zip"]))
		}
		if !slices.Contains(g.Requests(), "GET "+actionstest.CorpHost+"/api/v3/repos/corp/sched/actions/runs/12/artifacts") {
			t.Errorf("%s: asked %q", name, g.Requests())
		}
	}
}

// A server that gives no parts is good for what fits into memory.
func TestNoRanges(t *testing.T) {
	isolate(t)
	g := server()
	g.NoRanges = true
	g.Artifacts = append(g.Artifacts, actionstest.Artifact{Name: "huge", Data: bytes.Repeat([]byte("x"), 33<<20)})
	g.Start(t)
	got, err := fetched(t, g, actions.Run{Owner: "corp", Repo: "sched", ID: 12})
	if err != nil || got["corp/sched#12/large.zip"] != string(large) {
		t.Errorf("%v %s", err, short(got["corp/sched#12/large.zip"]))
	}
	if want := "error: is larger than 32 MiB, and the server gives no parts of it; download it first"; got["corp/sched#12/huge.zip"] != want {
		t.Errorf("got %s, want %s", short(got["corp/sched#12/huge.zip"]), want)
	}
}

func TestErrors(t *testing.T) {
	run := actions.Run{Owner: "corp", Repo: "sched", ID: 12}
	const list = "/repos/corp/sched/actions/runs/12/artifacts"
	for _, c := range []struct {
		name string
		set  func(*testing.T, *actionstest.GitHub)
		run  actions.Run
		want string
	}{
		{"no login", func(t *testing.T, _ *actionstest.GitHub) { t.Setenv("GH_TOKEN", "") }, run,
			"corp/sched#12: no login for github.com; set GH_TOKEN, or run gh auth login"},
		{"refused", func(t *testing.T, _ *actionstest.GitHub) { t.Setenv("GH_TOKEN", "gho_old") }, run,
			"corp/sched#12: list artifacts: the login is refused; set GH_TOKEN, or run gh auth login (status 401)"},
		{"another host", func(*testing.T, *actionstest.GitHub) {}, actions.Run{Host: "evil.example", Owner: "corp", Repo: "sched", ID: 12},
			"corp/sched#12: evil.example is no server of GitHub that you are logged in to; set GH_HOST to it if it is one"},
		{"no run", func(*testing.T, *actionstest.GitHub) {}, actions.Run{Owner: "corp", Repo: "sched", ID: 1},
			"corp/sched#1: list artifacts: is not there, or the login may not see it; has the run ended? (status 404)"},
		{"forbidden", func(_ *testing.T, g *actionstest.GitHub) { g.Answers = map[string][]int{list: {403}} }, run,
			"corp/sched#12: list artifacts: Forbidden; the login needs to read actions of this repository (status 403)"},
		{"busy for ever", func(_ *testing.T, g *actionstest.GitHub) {
			g.Answers = map[string][]int{list: slices.Repeat([]int{429}, 100)}
		}, run, "corp/sched#12: list artifacts: Too Many Requests (status 429)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			isolate(t)
			g := server()
			c.set(t, g)
			g.Start(t)
			if _, err := fetched(t, g, c.run); err == nil || err.Error() != c.want {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
	t.Run("logs gone", func(t *testing.T) {
		isolate(t)
		g := server()
		g.Logs = nil
		g.Start(t)
		got, err := fetched(t, g, run)
		if want := "error: has expired; GitHub keeps it for a limited time (status 410)"; err != nil || got["corp/sched#12/logs.zip"] != want {
			t.Errorf("got %q, %v; want %s", got["corp/sched#12/logs.zip"], err, want)
		}
	})
	t.Run("never whole", func(t *testing.T) {
		isolate(t)
		g := server()
		g.Cut, g.CutTimes = 100, 1000
		g.Start(t)
		got, err := fetched(t, g, run)
		if err != nil || !strings.HasPrefix(got["corp/sched#12/large.zip"], "error: ") || strings.Contains(got["corp/sched#12/large.zip"], "secret") {
			t.Errorf("got %s, %v; %d files", short(got["corp/sched#12/large.zip"]), err, len(got))
		}
	})
}

// What waits for the server ends with the context.
func TestCancel(t *testing.T) {
	isolate(t)
	g := server()
	g.Answers = map[string][]int{"/repos/corp/sched/actions/runs/12/artifacts": slices.Repeat([]int{http.StatusBadGateway}, 100)}
	g.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	c := &actions.Client{Transport: g.Transport(t), Wait: time.Hour}
	_, err := c.Files(ctx, actions.Run{Owner: "corp", Repo: "sched", ID: 12}, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
