// SPDX-License-Identifier: GPL-2.0-only

package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cli/go-gh/v2/pkg/api"
	"github.com/cli/go-gh/v2/pkg/auth"
	"github.com/hashicorp/go-retryablehttp"
)

// Client asks GitHub. Its zero value is ready.
type Client struct {
	// Transport carries the requests; nil for that of net/http, which knows proxies.
	Transport http.RoundTripper
	// Wait is how long to wait before something is asked for again; it doubles each
	// time. 0 for a second.
	Wait time.Duration
}

// How often, and how long after each other, the same is asked for while the server
// says 429 or 5xx, or cannot be reached.
const (
	maxRetries = 5
	maxWait    = 30 * time.Second
)

// Files are the files that a run left behind. Each artifact that cannot be had any
// more is told to skip instead, with the reason.
func (c *Client) Files(ctx context.Context, run Run, skip func(name string, why error)) ([]*File, error) {
	s, err := c.connect(run)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", run, err)
	}
	if run.Job != 0 {
		f, err := s.job(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: job %d: %w", run, run.Job, explained(err))
		}
		return []*File{f}, nil
	}
	artifacts, err := s.artifacts(ctx, skip)
	if err != nil {
		return nil, fmt.Errorf("%s: list artifacts: %w", run, explained(err))
	}
	return append([]*File{s.logs()}, artifacts...), nil
}

// session asks for what is of one run.
type session struct {
	run   Run
	rest  *api.RESTClient
	plain *http.Client // without a login, for addresses that carry their own
}

func (c *Client) connect(run Run) (*session, error) {
	if run.Host == "" {
		run.Host, _ = auth.DefaultHost()
	}
	if err := trusted(run.Host); err != nil {
		return nil, err
	}
	token, _ := auth.TokenForHost(run.Host)
	if token == "" {
		return nil, fmt.Errorf("no login for %s; set GH_TOKEN, or run gh auth login", run.Host)
	}
	retry := retryablehttp.NewClient()
	retry.Logger = nil
	retry.RetryMax, retry.RetryWaitMin, retry.RetryWaitMax = maxRetries, cmp.Or(c.Wait, time.Second), maxWait
	retry.Backoff = patience
	retry.ErrorHandler = retryablehttp.PassthroughErrorHandler
	transport := c.Transport
	if transport == nil {
		transport = newTransport()
	}
	retry.HTTPClient.Transport = &bounded{transport}
	// Redirects are for the clients above it, one of which has a login to keep.
	retry.HTTPClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	again := &retryablehttp.RoundTripper{Client: retry}
	rest, err := api.NewRESTClient(api.ClientOptions{Host: run.Host, AuthToken: token, Transport: again, LogIgnoreEnv: true})
	if err != nil {
		return nil, err
	}
	return &session{run, rest, &http.Client{Transport: again, Timeout: maxTransfer}}, nil
}

// How long the server may take to begin an answer, and to give a block of a file.
const (
	maxSilence  = time.Minute
	maxTransfer = 5 * time.Minute
)

func newTransport() http.RoundTripper {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, ResponseHeaderTimeout: maxSilence, TLSHandshakeTimeout: maxSilence}
	t.DisableCompression = true // of what is packed, there are no parts
	return t
}

// bounded bounds how long the answers of the API may be: they are read as a whole.
type bounded struct{ http.RoundTripper }

// maxAnswer is how long they may be, in bytes.
const maxAnswer = 16 << 20

// RoundTrip makes it a transport.
func (b *bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil && strings.Contains(resp.Header.Get("Content-Type"), "json") {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// patience is how long to wait before the next try: what the server says, within
// bounds, or twice as long as the time before.
func patience(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
	return min(retryablehttp.DefaultBackoff(least, most, attempt, resp), most)
}

// trusted is an error for a host that a login must not be sent to: a login for
// servers of one's own is not bound to one of them.
func trusted(host string) error {
	if host == "github.com" || auth.IsTenancy(host) || slices.Contains(auth.KnownHosts(), host) {
		return nil
	}
	return fmt.Errorf("%s is no server of GitHub that you are logged in to; set GH_HOST to it if it is one", host)
}

// explained is an error of the API with what to do.
func explained(err error) error {
	var answer *api.HTTPError
	if !errors.As(err, &answer) {
		return withoutAddress(err)
	}
	text, _, _ := strings.Cut(answer.Message, "\n")
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		text = "the login is refused; set GH_TOKEN, or run gh auth login"
	case http.StatusForbidden:
		text += "; the login needs to read actions of this repository"
	case http.StatusNotFound:
		text = "is not there, or the login may not see it; has the run ended?"
	case http.StatusGone:
		text = "has expired; GitHub keeps it for a limited time"
	}
	return &answerError{answer.StatusCode, text}
}

// withoutAddress is an error without the address that was asked, which may carry a
// login. That of a connection that ends is not one of the end of a file.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// answerError is an answer of the server that is none.
type answerError struct {
	status int
	text   string
}

func (e *answerError) Error() string {
	return strings.TrimPrefix(fmt.Sprintf("%s (status %d)", e.text, e.status), " ")
}

// job is the log of one job.
func (s *session) job(ctx context.Context) (*File, error) {
	var job struct {
		RunID int64  `json:"run_id"`
		Name  string `json:"name"`
	}
	if err := s.rest.DoWithContext(ctx, http.MethodGet, s.run.api("jobs/%d", s.run.Job), nil, &job); err != nil {
		return nil, err
	}
	if job.RunID != s.run.ID {
		return nil, fmt.Errorf("is of run %d", job.RunID)
	}
	return s.file("logs/"+job.Name+".txt", s.run.api("jobs/%d/logs", s.run.Job)), nil
}

// logs is the archive of the logs of all jobs.
func (s *session) logs() *File {
	if s.run.Attempt > 0 {
		return s.file("logs.zip", s.run.api("runs/%d/attempts/%d/logs", s.run.ID, s.run.Attempt))
	}
	return s.file("logs.zip", s.run.api("runs/%d/logs", s.run.ID))
}

// How many artifacts of a run are looked at, and how many the server lists at once.
const (
	maxArtifacts = 10_000
	pageLen      = 100
)

// artifacts lists the artifacts of a run.
func (s *session) artifacts(ctx context.Context, skip func(string, error)) ([]*File, error) {
	var files []*File
	seen := 0
	for page := 1; ; page++ {
		var list struct {
			Total     int `json:"total_count"`
			Artifacts []struct {
				ID      int64  `json:"id"`
				Name    string `json:"name"`
				Expired bool   `json:"expired"`
			} `json:"artifacts"`
		}
		if err := s.rest.DoWithContext(ctx, http.MethodGet, s.run.api("runs/%d/artifacts?per_page=%d&page=%d", s.run.ID, pageLen, page), nil, &list); err != nil {
			return nil, err
		}
		for _, a := range list.Artifacts {
			f := s.file(a.Name+".zip", s.run.api("artifacts/%d/zip", a.ID))
			if a.Expired {
				skip(f.Name, errors.New("has expired; GitHub keeps it for a limited time"))
				continue
			}
			files = append(files, f)
		}
		if seen += len(list.Artifacts); len(list.Artifacts) == 0 || seen >= list.Total {
			return files, nil
		}
		if seen >= maxArtifacts {
			skip(s.run.String(), fmt.Errorf("has %d artifacts, of which the first %d are looked at", list.Total, seen))
			return files, nil
		}
	}
}

func (s *session) file(name, address string) *File {
	return &File{Name: s.run.String() + "/" + name, session: s, address: address}
}
