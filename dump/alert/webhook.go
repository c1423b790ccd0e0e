// SPDX-License-Identifier: GPL-2.0-only

package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"scxdiag/dump"
)

const (
	webhookLimit = 2 * time.Minute  // of all tries
	tryLimit     = 15 * time.Second // of one
	maxRedirects = 3
	maxTries     = 6
	firstWait    = time.Second // before the second try
	lastWait     = 30 * time.Second
	maxReason    = 256 // bytes of what a server, or the library, says of a failure
)

// webhook posts crashes.
type webhook struct {
	url    *url.URL
	client *retryablehttp.Client
	limit  time.Duration
}

// CheckURL tells what is wrong with the URL of a web hook.
func CheckURL(s string) error {
	_, err := parseURL(s)
	return err
}

func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("it must be the URL of a web hook, such as https://example.com/crashes") // s may hold secrets
	}
	return u, nil
}

func newWebhook(s string) (*webhook, error) {
	u, err := parseURL(s)
	if err != nil {
		return nil, err
	}
	c := retryablehttp.NewClient()
	c.Logger = nil
	c.HTTPClient.Timeout = tryLimit
	c.HTTPClient.CheckRedirect = checkRedirect
	c.RetryWaitMin, c.RetryWaitMax, c.RetryMax = firstWait, lastWait, maxTries-1
	c.CheckRetry = retry
	c.Backoff = func(first, last time.Duration, try int, r *http.Response) time.Duration {
		return min(retryablehttp.DefaultBackoff(first, last, try, r), last) // the server may have asked for hours
	}
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler // others name the URL
	return &webhook{url: u, client: c, limit: webhookLimit}, nil
}

// errRedirect is of a server that sends elsewhere where a crash does not go.
var errRedirect = errors.New("redirect refused")

func checkRedirect(r *http.Request, via []*http.Request) error {
	r.Header.Del("Referer") // it has the query of the URL before
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d", errRedirect, maxRedirects)
	case via[0].URL.Scheme == "https" && r.URL.Scheme != "https":
		return fmt.Errorf("%w: from https to %s", errRedirect, r.URL.Scheme)
	case origin(via[0].URL) != origin(r.URL):
		return fmt.Errorf("%w: to another host or port", errRedirect)
	case r.Method != http.MethodPost:
		return fmt.Errorf("%w: the document would not go with it (only 307 and 308 take it along)", errRedirect)
	}
	return nil
}

// origin is the host of a URL, as the user or a server wrote it, with its port.
func origin(u *url.URL) string {
	return net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), defaultPorts[u.Scheme]))
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

func retry(ctx context.Context, r *http.Response, err error) (bool, error) {
	if errors.Is(err, errRedirect) {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, r, err)
}

func (w *webhook) tell(ctx context.Context, x *crash) error {
	timed, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	return limited(ctx, timed, w.limit, w.post(timed, x))
}

func (w *webhook) post(ctx context.Context, x *crash) error {
	r, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), x.document)
	if err != nil {
		return w.explain(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "scxdiag")
	r.Header.Set("X-Scxdiag-Id", x.id)
	if x.signature != "" {
		r.Header.Set("X-Scxdiag-Signature", x.signature)
	}
	resp, err := w.client.Do(r)
	if resp != nil {
		_ = resp.Body.Close() // what it says is of no use
	}
	if err != nil {
		return w.explain(err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return w.explain(fmt.Errorf("the answer is %s", resp.Status))
	}
	return nil
}

// explain names the server and nothing else of the URL, the rest of which may be secret.
func (w *webhook) explain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s://%s: %s", w.url.Scheme, w.url.Host, dump.Cut(dump.Printable(err.Error()), maxReason))
}
