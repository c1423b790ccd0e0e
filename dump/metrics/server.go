// SPDX-License-Identifier: GPL-2.0-only

package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// ErrAddress is that of an address at which metrics are not served.
var ErrAddress = errors.New("must be a port of this machine's own, such as :9836 or 127.0.0.1:9836")

// Address is the address that a user means: "host:port", at the loopback interface.
// Without a host it is 127.0.0.1.
func Address(ctx context.Context, s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil || port == "" {
		return "", ErrAddress
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return "", ErrAddress
	}
	if host == "" {
		host = "127.0.0.1"
	}
	all, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil || len(all) == 0 {
		return "", ErrAddress
	}
	for _, ip := range all {
		if !ip.IP.IsLoopback() {
			return "", ErrAddress
		}
	}
	return net.JoinHostPort(all[0].String(), port), nil
}

const (
	requestTime = 10 * time.Second
	maxHeader   = 16 << 10 // bytes
	maxScrapes  = 4        // at the same time
	maxConns    = 16       // connections; further ones wait
)

// Handler serves the metrics at /metrics and says so at /.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, Timeout: requestTime}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "scxdiag record; see /metrics\n") // who asked may be gone
	})
	return mux
}

// Serve listens at an address that Address returned, and serves the metrics there
// until ctx is done. It returns once it listens.
func (m *Metrics) Serve(ctx context.Context, address string) (net.Addr, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	s := &http.Server{
		Handler: m.Handler(), ReadTimeout: requestTime, WriteTimeout: 2 * requestTime, IdleTimeout: time.Minute, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0), // what others do wrong
	}
	go func() { _ = s.Serve(netutil.LimitListener(l, maxConns)) }() // it ends with Close
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return l.Addr(), nil
}
