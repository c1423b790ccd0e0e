// SPDX-License-Identifier: GPL-2.0-only

package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"scxdiag/dump"
)

// heard is what an Alerts says and counts.
type heard struct {
	mu     sync.Mutex
	lines  []string
	counts map[string]int
}

func (h *heard) config() Config {
	h.counts = make(map[string]int)
	return Config{
		Say:   func(err error) { h.mu.Lock(); h.lines = append(h.lines, err.Error()); h.mu.Unlock() },
		Count: func(kind, result string) { h.mu.Lock(); h.counts[kind+" "+result]++; h.mu.Unlock() },
	}
}

// tell tells of crashes and waits for the end of it.
func tell(t *testing.T, c Config, all ...*dump.Snapshot) {
	t.Helper()
	a, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		a.Send(s)
	}
	a.Close(t.Context())
}

func aCrash() *dump.Snapshot {
	return &dump.Snapshot{
		Trigger: dump.TriggerCrash, Scheduler: "mitosis_1.2", Host: "node", Kernel: dump.Kernel{Release: "7.3.4"},
		Time:     time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Exit:     &dump.Exit{Kind: dump.Of(dump.ExitErrorStall), Message: dump.Of("web\x1b[31m\n\x00$(reboot)\xff failed to run")},
		Findings: []dump.Finding{{Rule: "rt-hog", Title: "a real-time task"}, {Rule: "other"}}, Signature: &dump.Signature{ID: "5194"},
	}
}

func TestACommandGetsTheCrash(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/secret")
	t.Setenv(EnvURL, "https://example.com/?token=secret")
	t.Setenv("SOMETHING", "else")
	dir := t.TempDir()
	s := aCrash()
	var h heard
	c := h.config()
	c.Command = `cat > "` + dir + `/stdin"; env -0 > "` + dir + `/env"; echo told; printf 'bad\033[2J' >&2`
	c.Recording = "/var/lib/r.scxdiag"
	tell(t, c, s)
	b, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	env := make(map[string]string)
	for v := range strings.SplitSeq(string(b), "\x00") {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	for name, want := range map[string]string{
		"SCXDIAG_ID": s.ID(), "SCXDIAG_SCHEDULER": "mitosis_1.2", "SCXDIAG_KIND": "ERROR_STALL",
		"SCXDIAG_MESSAGE": `web\x1b[31m\n\x00$(reboot)\xff failed to run`, "SCXDIAG_RULE": "rt-hog", "SCXDIAG_TITLE": "a real-time task",
		"SCXDIAG_SIGNATURE": "5194", "SCXDIAG_TIME": "2026-03-04T05:06:07Z", "SCXDIAG_HOST": "node", "SCXDIAG_KERNEL": "7.3.4",
		"SCXDIAG_RECORDING": "/var/lib/r.scxdiag", "SOMETHING": "else", "NOTIFY_SOCKET": "", EnvURL: "",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	checkDocument(t, filepath.Join(dir, "stdin"), s)
	if want := []string{"exec: told", `exec: bad\x1b[2J`}; !slices.Equal(h.lines, want) {
		t.Errorf("said %q", h.lines)
	}
	if !maps.Equal(h.counts, map[string]int{"exec ok": 1}) {
		t.Errorf("counted %v", h.counts)
	}
}

func checkDocument(t *testing.T, path string, s *dump.Snapshot) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Schema    string
		Snapshots []struct{ ID string }
	}
	if err := json.Unmarshal(b, &doc); err != nil || doc.Schema != "scxdiag/1" || len(doc.Snapshots) != 1 || doc.Snapshots[0].ID != s.ID() {
		t.Errorf("document %.200s: %v", b, err)
	}
}

func TestTheEnvironmentIsBoundedAndCanBePassed(t *testing.T) {
	for _, text := range []string{strings.Repeat("ä", maxValue), strings.Repeat("\x00", maxValue), strings.Repeat("\xff", maxValue), "a\u202eb\r\n\u2028"} {
		s := &dump.Snapshot{
			Scheduler: text, Host: text, Exit: &dump.Exit{Message: dump.Of(text)}, Findings: []dump.Finding{{Title: text, Rule: text}},
			Signature: &dump.Signature{ID: text}, Kernel: dump.Kernel{Release: text},
		}
		for _, v := range Environment(s, text) {
			name, value, ok := strings.Cut(v, "=")
			if !ok || !strings.HasPrefix(name, "SCXDIAG_") || len(value) > maxValue || !utf8.ValidString(v) || dump.Printable(v) != v {
				t.Errorf("%q", v)
			}
		}
	}
	if got := Environment(&dump.Snapshot{}, ""); len(got) != 11 || !slices.Contains(got, "SCXDIAG_KIND=") {
		t.Errorf("of nothing: %q", got)
	}
}

// TestACommandThatHangsIsKilled has one whose children hang as well, and tell who they
// are by a pipe.
func TestACommandThatHangsIsKilled(t *testing.T) {
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	if err := syscall.Mkfifo(pids, 0o600); err != nil {
		t.Fatal(err)
	}
	var h heard
	c := h.config()
	c.Command = `sleep 1000 & echo $$ $! > ` + pids + `; wait`
	c.StartCommand = (*exec.Cmd).Start
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- (&command{config: &c, limit: time.Hour}).tell(ctx, &crash{}) }()
	b, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, errEnded) {
		t.Errorf("ended with %v", err)
	}
	for f := range strings.FieldsSeq(string(b)) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		if !gone(t, pid) {
			t.Errorf("process %d lives on", pid)
		}
	}
	err = (&command{config: &c, limit: time.Nanosecond}).tell(t.Context(), &crash{})
	if err == nil || !strings.Contains(err.Error(), "ended after 1ns") && !strings.Contains(err.Error(), "deadline") {
		t.Errorf("ended with %v", err)
	}
}

// gone waits for the end of a process that was killed. It may be a zombie for as long
// as it likes: whose child it has become may not care.
func gone(t *testing.T, pid int) bool {
	t.Helper()
	end := time.After(10 * time.Second)
	for {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return true
		}
		select {
		case <-end:
			return false
		case <-time.After(time.Millisecond):
		}
	}
}

func TestOutputIsBounded(t *testing.T) {
	for name, command := range map[string]string{
		"lines":       "yes | head -100000",
		"one line":    "head -c 10000000 /dev/zero",
		"no end":      "printf x",
		"left behind": "sleep 1000 & echo $!",
	} {
		t.Run(name, func(t *testing.T) {
			var h heard
			c := h.config()
			c.Command = command
			tell(t, c, aCrash())
			if text := strings.Join(h.lines, "\n"); text == "" || len(text) > 6*maxOutput {
				t.Errorf("said %d bytes", len(text))
			}
			if h.counts["exec ok"] != 1 {
				t.Errorf("counted %v: %q", h.counts, h.lines)
			}
			if pid, err := strconv.Atoi(strings.TrimPrefix(h.lines[0], "exec: ")); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it was left behind on purpose
			}
		})
	}
}

func TestACommandThatFailsIsTold(t *testing.T) {
	var h heard
	c := h.config()
	c.Command = "exit 7"
	tell(t, c, aCrash())
	if want := "exec: not told of " + aCrash().ID() + ": exit status 7"; !slices.Equal(h.lines, []string{want}) || h.counts["exec failed"] != 1 {
		t.Errorf("said %q, counted %v", h.lines, h.counts)
	}
	c.StartCommand = func(*exec.Cmd) error { return errors.New("no fork") }
	tell(t, c, aCrash())
	if !strings.HasSuffix(h.lines[1], "no fork") || h.counts["exec failed"] != 2 {
		t.Errorf("said %q, counted %v", h.lines, h.counts)
	}
}

// TestNobodyWaitsForAHook has hooks that hang, and more crashes than may wait.
func TestNobodyWaitsForAHook(t *testing.T) {
	begun, over := make(chan struct{}, 1), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case begun <- struct{}{}:
		default:
		}
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(over)
	var h heard
	c := h.config()
	c.URL = server.URL
	a, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	a.Send(aCrash())
	<-begun
	for range maxQueue + 3 {
		a.Send(aCrash())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Close(ctx)
	if !maps.Equal(h.counts, map[string]int{"webhook dropped": 3, "webhook failed": maxQueue + 1}) {
		t.Errorf("counted %v", h.counts)
	}
	if !strings.Contains(h.lines[0], "16 crashes wait already") || !strings.HasSuffix(h.lines[3], "the recorder ends") {
		t.Errorf("said %q", h.lines)
	}
}

// TestAHookThatSurvivesItsKill is left behind, so that the next crashes are told of, up
// to a number.
func TestAHookThatSurvivesItsKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		h, a := hanging(over)
		for range maxLeft + 1 {
			a.Send(aCrash())
		}
		<-time.After(maxLeft * (time.Minute + killedWithin))
		synctest.Wait()
		if len(h.lines) != maxLeft+1 || !strings.HasSuffix(h.lines[0], ": it was ended and does not end") ||
			!strings.HasSuffix(h.lines[maxLeft], ": 4 before it were ended and still do not end") {
			t.Errorf("said %q", h.lines)
		}
		close(over)
		synctest.Wait()
		a.Send(aCrash())
		a.Close(t.Context())
		if want := map[string]int{"exec failed": maxLeft + 1, "exec ok": 1}; !maps.Equal(h.counts, want) {
			t.Errorf("counted %v", h.counts)
		}
		a.Send(aCrash())
		if h.counts["exec dropped"] != 1 || !strings.HasSuffix(h.lines[len(h.lines)-1], "the recorder ends") {
			t.Errorf("after the end: counted %v, said %q", h.counts, h.lines)
		}
	})
}

func TestTheEndDoesNotWaitForAHookThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		defer close(over)
		h, a := hanging(over)
		a.Send(aCrash())
		a.Send(aCrash())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		a.Close(ctx)
		if took := time.Since(began); took > time.Second+killedWithin || h.counts["exec failed"] != 2 {
			t.Errorf("it took %v, counted %v", took, h.counts)
		}
	})
}

// hanging is an Alerts whose only hook goes on until over is closed, whoever ends it.
func hanging(over chan struct{}) (*heard, *Alerts) {
	var h heard
	c := h.config()
	ctx, stop := context.WithCancel(context.Background())
	a := &Alerts{config: &c, stop: stop}
	a.add(&hook{kind: kindExec, limit: time.Minute, tell: func(context.Context, *crash) error { <-over; return nil }})
	a.running.Go(func() { a.hooks[0].run(ctx) })
	return &h, a
}

// TestDocumentsThatWaitAreBounded has few large ones instead of many small ones.
func TestDocumentsThatWaitAreBounded(t *testing.T) {
	var h heard
	c := h.config()
	x := &hook{kind: kindExec, config: &c, more: make(chan struct{}, 1)}
	for range 4 {
		x.send(&crash{document: make([]byte, maxQueueBytes/3)})
	}
	if len(x.queue) != 3 || h.counts["exec dropped"] != 1 {
		t.Errorf("%d wait, counted %v", len(x.queue), h.counts)
	}
	x = &hook{kind: kindExec, config: &c, more: make(chan struct{}, 1)}
	x.send(&crash{document: make([]byte, maxQueueBytes+1)})
	if x.next() == nil || x.bytes != 0 {
		t.Errorf("a single large one is not told of, %d bytes wait", x.bytes)
	}
}

// hookTo is a web hook that does not wait between its tries.
func hookTo(t *testing.T, u string) *webhook {
	t.Helper()
	w, err := newWebhook(u)
	if err != nil {
		t.Fatal(err)
	}
	w.client.RetryWaitMin, w.client.RetryWaitMax = 0, 0
	return w
}

func TestAWebhookPosts(t *testing.T) {
	x := &crash{id: "3d44", signature: "5194", document: []byte("document")}
	tries := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries++
		b, err := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		if err != nil || r.Method != http.MethodPost || string(b) != "document" || user != "me" || password != "secret" || r.URL.RawQuery != "token=t" {
			t.Errorf("%s %s: %q, %v", r.Method, r.URL, b, err)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "User-Agent": "scxdiag", "X-Scxdiag-Id": "3d44", "X-Scxdiag-Signature": "5194",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		switch tries {
		case 1:
			w.Header().Set("Retry-After", "86400") // it is not waited for as long
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.WriteHeader(http.StatusInternalServerError)
		case 3:
			panic(http.ErrAbortHandler) // ends the connection
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()
	w := hookTo(t, strings.Replace(server.URL, "://", "://me:secret@", 1)+"/p?token=t")
	if err := w.tell(t.Context(), x); err != nil || tries != 4 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestAWebhookThatFails(t *testing.T) {
	var from, secure *httptest.Server
	seen := make(map[string]int)
	handle := func(w http.ResponseWriter, r *http.Request) {
		seen[r.Method+r.URL.Path]++
		if strings.Contains(r.Header.Get("Referer"), "hidden") {
			t.Errorf("the query goes to where it redirects: %s", r.Header.Get("Referer"))
		}
		switch r.URL.Path {
		case "/again":
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		case "/found":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/kept":
			http.Redirect(w, r, "/ok", http.StatusPermanentRedirect)
		case "/plain":
			http.Redirect(w, r, strings.Replace(from.URL, "https:", "http:", 1)+"/ok", http.StatusTemporaryRedirect)
		case "/other":
			http.Redirect(w, r, secure.URL+"/ok", http.StatusTemporaryRedirect)
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/no":
			w.WriteHeader(http.StatusForbidden)
		}
	}
	plain := httptest.NewServer(http.HandlerFunc(handle))
	secure = httptest.NewTLSServer(http.HandlerFunc(handle))
	defer plain.Close()
	defer secure.Close()
	nobody := httptest.NewServer(nil)
	nobody.Close()
	for _, c := range []struct {
		name  string
		url   string
		want  string // "" if it is to succeed
		path  string
		tries int
	}{
		{"a redirect that keeps the document", plain.URL + "/kept", "", "POST/ok", 1},
		{"redirects without end", plain.URL + "/again", "more than 3", "POST/again", 4},
		{"a redirect that loses the document", plain.URL + "/found", "the document would not go with it", "GET/ok", 0},
		{"to another port", plain.URL + "/other", "to another host or port", "POST/other", 1},
		{"from https to http", secure.URL + "/plain", "from https to http", "POST/plain", 1},
		{"refused", plain.URL + "/no", "the answer is 403", "POST/no", 1},
		{"always overloaded", plain.URL + "/down", "the answer is 503", "POST/down", maxTries},
		{"nobody there", nobody.URL + "/x", "connection refused", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			clear(seen)
			from = plain
			w := hookTo(t, strings.Replace(c.url, "://", "://user:word@", 1)+"?hidden=key")
			if strings.HasPrefix(c.url, "https") {
				from = secure
				w.client.HTTPClient.Transport = secure.Client().Transport
			}
			err := w.tell(t.Context(), &crash{id: "id", document: []byte("document")})
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			if err != nil {
				for _, secret := range []string{"user", "word", "hidden", "key", "/again", "/no"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%v has %s in it", err, secret)
					}
				}
			}
			if seen[c.path] != c.tries {
				t.Errorf("%d tries: %v", seen[c.path], seen)
			}
		})
	}
}

func TestURLs(t *testing.T) {
	for _, good := range []string{"http://localhost:1/x", "https://u:p@example.com/?a=b", "http://[::1]:80"} {
		if err := CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "example.com", "ftp://secret@example.com", "http://", "http://:80/", "http://a b/secret", "file:///etc", "https://%zz/secret"} {
		if err := CheckURL(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
		if _, err := Start(Config{URL: bad}); (err == nil) != (bad == "") {
			t.Errorf("%s: started with %v", bad, err)
		}
	}
	(&Alerts{}).Close(t.Context())
}
