// SPDX-License-Identifier: GPL-2.0-only

// Package actionstest has a server for tests that speaks what package actions asks
// of GitHub, with the trouble that the real one makes.
package actionstest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The names under which the server is known, by way of its proxy.
const (
	APIHost     = "api.github.com"
	CorpHost    = "github.corp.example" // a server of an enterprise
	StorageHost = "storage.example"     // where redirects lead
)

// Token is the login that the API takes.
const Token = "gho_secret"

// Repo is the repository that there is.
const Repo = "corp/sched"

// GitHub is a server. Its fields are set before the first request.
type GitHub struct {
	RunID     int64
	Logs      []byte // the archive of the logs; nil if it has expired
	Jobs      map[int64]Job
	Artifacts []Artifact

	PageLen int // artifacts that it lists at once, at most; 0 for what was asked
	Uses    int // how often an address of the storage is good; 0 for ever
	// Answers are given to the first requests for a path instead of what is there.
	Answers map[string][]int
	// Cut is after how many bytes the first transfers of each file break off, CutTimes of them.
	Cut, CutTimes int
	NoRanges      bool // it gives whole files only

	proxy *httptest.Server
	cert  tls.Certificate
	pem   []byte

	mu       sync.Mutex
	requests []string
	uses     map[string]int
	cuts     map[string]int
	signed   int
}

// Job is a job of the run.
type Job struct {
	Name string
	Log  []byte
}

// Artifact is one of the run.
type Artifact struct {
	Name    string
	Data    []byte
	Expired bool
}

// Start starts the server; it ends with the test.
func (g *GitHub) Start(tb testing.TB) {
	tb.Helper()
	g.uses, g.cuts = make(map[string]int), make(map[string]int)
	g.certify(tb)
	g.proxy = httptest.NewServer(http.HandlerFunc(g.connect))
	tb.Cleanup(g.proxy.Close)
}

// certify makes the certificate, which signs itself.
func (g *GitHub) certify(tb testing.TB) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, DNSNames: []string{APIHost, CorpHost, StorageHost},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		tb.Fatal(err)
	}
	g.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
	g.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Proxy is the address of the proxy that leads to the server, whatever host is asked
// for.
func (g *GitHub) Proxy() string { return g.proxy.URL }

// Certificate is what to trust, as PEM.
func (g *GitHub) Certificate() []byte { return g.pem }

// Transport leads to the server.
func (g *GitHub) Transport(tb testing.TB) http.RoundTripper {
	tb.Helper()
	proxy, err := url.Parse(g.proxy.URL)
	if err != nil {
		tb.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(g.pem)
	t := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	tb.Cleanup(t.CloseIdleConnections)
	return t
}

// Requests are those that there were: method, host and path, without queries.
func (g *GitHub) Requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.requests...)
}

// connect is the proxy: every tunnel ends here.
func (g *GitHub) connect(w http.ResponseWriter, req *http.Request) {
	hijacker, can := w.(http.Hijacker)
	if req.Method != http.MethodConnect || !can {
		http.Error(w, "is a proxy for https", http.StatusBadRequest)
		return
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{g.cert}, MinVersion: tls.VersionTLS13})
	server := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	_ = server.Serve(&oneConn{conn: secure})
}

// oneConn is a listener for a connection that is there already.
type oneConn struct {
	mu   sync.Mutex
	conn net.Conn
}

func (l *oneConn) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	conn := l.conn
	l.conn = nil
	return conn, nil
}

// Close and Addr make it a listener.
func (l *oneConn) Close() error { return nil }

// Addr is of no use here.
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// ServeHTTP answers as GitHub and its storage do.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if g.refused(w, req) {
		return
	}
	path := req.URL.Path
	switch req.Host {
	case StorageHost:
		g.storage(w, req)
		return
	case CorpHost:
		var is bool
		if path, is = strings.CutPrefix(path, "/api/v3"); !is {
			http.NotFound(w, req)
			return
		}
	case APIHost:
	default:
		http.NotFound(w, req)
		return
	}
	if req.Header.Get("Authorization") != "token "+Token {
		answer(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
		return
	}
	path, is := strings.CutPrefix(path, "/repos/"+Repo+"/actions/")
	if !is {
		answer(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
		return
	}
	g.api(w, req, strings.Split(path, "/"))
}

// refused notes a request, and answers it if Answers say so.
func (g *GitHub) refused(w http.ResponseWriter, req *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = append(g.requests, req.Method+" "+req.Host+req.URL.Path)
	if req.Host == StorageHost && req.Header.Get("Authorization") != "" {
		g.requests = append(g.requests, "the login was sent to the storage")
	}
	left := g.Answers[req.URL.Path]
	if len(left) == 0 {
		return false
	}
	g.Answers[req.URL.Path] = left[1:]
	if left[0] == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "0")
	}
	answer(w, left[0], map[string]any{"message": http.StatusText(left[0])})
	return true
}

// api answers for a path below that of the actions of the repository.
func (g *GitHub) api(w http.ResponseWriter, req *http.Request, path []string) {
	id := func(i int) int64 { n, _ := strconv.ParseInt(path[i], 10, 64); return n }
	run := len(path) > 2 && path[0] == "runs" && id(1) == g.RunID
	switch {
	case run && path[2] == "logs", run && len(path) == 5 && path[2] == "attempts" && path[3] == "1" && path[4] == "logs":
		if g.Logs == nil {
			answer(w, http.StatusGone, map[string]any{"message": "Server Error"})
			return
		}
		g.redirect(w, req, "logs")
	case run && path[2] == "artifacts":
		g.list(w, req)
	case len(path) == 3 && path[0] == "artifacts" && path[2] == "zip":
		g.redirect(w, req, "artifact-"+path[1])
	case len(path) > 1 && path[0] == "jobs":
		job, is := g.Jobs[id(1)]
		switch {
		case !is:
			answer(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
		case len(path) == 2:
			answer(w, http.StatusOK, map[string]any{"id": id(1), "run_id": g.RunID, "name": job.Name})
		default:
			g.redirect(w, req, "job-"+path[1])
		}
	default:
		answer(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
	}
}

// list lists a page of the artifacts.
func (g *GitHub) list(w http.ResponseWriter, req *http.Request) {
	length, err := strconv.Atoi(req.FormValue("per_page"))
	page, err2 := strconv.Atoi(req.FormValue("page"))
	if err != nil || err2 != nil || length > 100 {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "bad page"})
		return
	}
	if g.PageLen > 0 {
		length = min(length, g.PageLen)
	}
	items := []map[string]any{}
	for i := (page - 1) * length; i < min(page*length, len(g.Artifacts)); i++ {
		a := g.Artifacts[i]
		items = append(items, map[string]any{"id": i, "name": a.Name, "expired": a.Expired, "size_in_bytes": len(a.Data)})
	}
	answer(w, http.StatusOK, map[string]any{"total_count": len(g.Artifacts), "artifacts": items})
}

// redirect leads to the storage, by an address that is of use for a while.
func (g *GitHub) redirect(w http.ResponseWriter, req *http.Request, name string) {
	g.mu.Lock()
	g.signed++
	address := fmt.Sprintf("https://%s/%s?sig=secret%d", StorageHost, name, g.signed)
	g.mu.Unlock()
	http.Redirect(w, req, address, http.StatusFound) //nolint:gosec // the host is that of the storage
}

// storage gives a file, or a part of it.
func (g *GitHub) storage(w http.ResponseWriter, req *http.Request) {
	name := strings.TrimPrefix(req.URL.Path, "/")
	sig := req.FormValue("sig")
	g.mu.Lock()
	g.uses[sig]++
	expired := sig == "" || g.Uses > 0 && g.uses[sig] > g.Uses
	g.mu.Unlock()
	data, is := g.content(name)
	switch {
	case expired:
		http.Error(w, "the signature is not valid any more", http.StatusForbidden)
		return
	case !is:
		http.NotFound(w, req)
		return
	case g.NoRanges:
		_, _ = w.Write(data)
		return
	}
	if g.cut(name) && req.Header.Get("Range") != "" {
		w = &cutWriter{w, g.Cut}
	}
	http.ServeContent(w, req, name, time.Time{}, bytes.NewReader(data))
}

// content is a file of the storage.
func (g *GitHub) content(name string) ([]byte, bool) {
	if name == "logs" {
		return g.Logs, true
	}
	kind, number, _ := strings.Cut(name, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil:
	case kind == "artifact" && id < int64(len(g.Artifacts)) && !g.Artifacts[id].Expired:
		return g.Artifacts[id].Data, true
	case kind == "job":
		job, is := g.Jobs[id]
		return job.Log, is
	}
	return nil, false
}

// cut reports whether a transfer of a file is to break off.
func (g *GitHub) cut(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cuts[name]++
	return g.cuts[name] <= g.CutTimes
}

// cutWriter breaks off.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		_, _ = c.ResponseWriter.Write(p[:max(0, len(p)+c.left)])
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(p)
}

// answer answers with JSON.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
