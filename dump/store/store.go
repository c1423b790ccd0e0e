// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"bytes"
	"context"
	"database/sql"
	_ "embed" // for the schema
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"modernc.org/sqlite" // and its driver
)

// EnvPath names the environment variable that chooses the default recording.
const EnvPath = "SCXDIAG_STORE"

// Ext is the extension of the file names of recordings.
const Ext = ".scxdiag"

// Errors that callers tell apart.
var (
	// ErrNotFound is that of a snapshot that the recording does not hold.
	ErrNotFound = errors.New("no such snapshot")
	// ErrNotRecording is that of a file that is no recording.
	ErrNotRecording = errors.New("not a recording of scxdiag")
	// ErrDamaged is that of a recording, or of a snapshot in it, that cannot
	// be read. Salvage may help.
	ErrDamaged = errors.New("damaged")
	// ErrReadOnly is that of writing to a Store that only reads.
	ErrReadOnly = errors.New("recording is open for reading only")
)

// Store is an open recording. Its methods may be called by several goroutines
// at once. Several processes may have one recording open, for writing too.
type Store struct {
	path string
	read *sql.DB

	write  *sql.DB // nil if the store only reads
	conn   *sql.Conn
	mu     sync.Mutex // of all below, and of conn
	series series
	spare  *shredded // to be used again, nil if there is none
	closed bool

	bases baseCache
	check *checkpointer
	bound int64 // bytes of a recording that is in memory, 0 for a file
	made  bool  // the file was not there before
}

// Path is the name of the file, or that given to OpenBytes.
func (s *Store) Path() string { return s.path }

// DefaultPath is the name of the recording that is used where the user names
// none, the catalogue: $SCXDIAG_STORE, else scxdiag/catalogue.scxdiag in
// $XDG_STATE_HOME, which is ~/.local/state if it is not set.
func DefaultPath() (string, error) {
	if p := os.Getenv(EnvPath); p != "" {
		return p, nil
	}
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // a relative one is invalid by its specification
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the catalogue: %w; set %s", err, EnvPath)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "scxdiag", "catalogue"+Ext), nil
}

// MagicLen is how many bytes at the start of a file IsRecording needs.
const MagicLen = 72

// applicationID is the number by which SQLite files say whose they are: "scxD".
const applicationID = 's'<<24 | 'c'<<16 | 'x'<<8 | 'D'

// IsRecording reports whether a file that starts with b is a recording.
func IsRecording(b []byte) bool {
	return len(b) >= MagicLen && bytes.HasPrefix(b, []byte("SQLite format 3\x00")) &&
		binary.BigEndian.Uint32(b[68:]) == applicationID
}

// Open opens a recording for reading and writing, and makes it if it is not
// there. Without a path it is the one of DefaultPath, whose folder is made as
// well. Nobody but the user may read what is made.
func Open(path string) (*Store, error) {
	if path == "" {
		var err error
		if path, err = DefaultPath(); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of the catalogue: %w", err)
		}
	}
	s, err := open(path, "FULL")
	if err != nil {
		return nil, fmt.Errorf("open recording %s: %w", path, explain(err))
	}
	return s, nil
}

// open opens a recording, and makes it if need be, whole or not at all; durability is
// SQLite's setting synchronous.
func open(path, durability string) (*Store, error) {
	made, err := create(path)
	if err != nil {
		return nil, err
	}
	s, err := openMade(path, durability)
	if err != nil {
		if info, e := os.Stat(path); made && e == nil && info.Size() == 0 {
			err = errors.Join(err, os.Remove(path))
		}
		return nil, err
	}
	s.made = made
	return s, nil
}

func openMade(path, durability string) (*Store, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	s := &Store{path: path}
	var err error
	if s.write, err = connect(path, "mode=rw", "busy_timeout(10000)", "synchronous("+durability+")", "wal_autocheckpoint(0)", "secure_delete(1)"); err != nil {
		return nil, err
	}
	ctx := context.Background()
	if s.conn, err = s.write.Conn(ctx); err == nil {
		err = migrate(ctx, s.conn)
	}
	if err == nil {
		_, err = s.conn.ExecContext(ctx, "PRAGMA busy_timeout = 0") // begin waits in its own way
	}
	if err == nil {
		err = s.openRead("mode=ro")
	}
	if err != nil {
		return nil, errors.Join(err, s.closeAll())
	}
	s.check = startCheckpointer(path)
	return s, nil
}

// OpenReader opens a recording for reading only, also while others write to
// it. Without a path it is the one of DefaultPath.
func OpenReader(path string) (*Store, error) {
	if path == "" {
		var err error
		if path, err = DefaultPath(); err != nil {
			return nil, err
		}
	}
	s, err := openReader(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open recording %s: nothing was recorded there: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("open recording %s: %w", path, explain(err))
	}
	return s, nil
}

func openReader(path string) (*Store, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	s := &Store{path: path}
	err := s.openRead("mode=ro")
	if err == nil {
		return s, nil
	}
	// Where the files that SQLite keeps beside a recording cannot be made, a
	// recording that nobody has open can still be read.
	if info, e := os.Stat(path + "-wal"); slices.Contains([]int{codeCantOpen, codeReadOnly, codeFull}, code(err)) {
		if errors.Is(e, fs.ErrNotExist) || e == nil && info.Size() == 0 {
			err = s.openRead("immutable=1")
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.closeAll())
	}
	return s, nil
}

func (s *Store) openRead(mode string) error {
	db, err := connect(s.path, mode, "busy_timeout(2000)", "query_only(1)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(maxReaders)
	db.SetMaxIdleConns(maxReaders)
	if err := verify(context.Background(), db); err != nil {
		return errors.Join(err, db.Close())
	}
	s.read = db
	return nil
}

// maxReaders is how many goroutines may read through one Store at once.
const maxReaders = 4

// connect opens the file.
func connect(path, mode string, pragmas ...string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return connectTo(url.URL{Scheme: "file", Path: path}, mode, pragmas...)
}

// connectTo opens what SQLite knows by a URL. What is in the schema of a file that
// somebody else made must not do anything.
func connectTo(u url.URL, mode string, pragmas ...string) (*sql.DB, error) {
	q := mode + "&_dqs=0&_defensive=1&_error_rc=1&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)"
	for _, p := range pragmas {
		q += "&_pragma=" + p
	}
	u.RawQuery = q
	return sql.Open("sqlite", u.String())
}

// create makes an empty file, if there is none; made is false if there is.
func create(path string) (made bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the user's choice
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(f.Close(), syncFolder(path))
}

// syncFolder makes the name of a new file survive a loss of power.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// inspect looks at the file before SQLite does: an empty one is fine.
func inspect(path string) error {
	f, info, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if info.Size() == 0 {
		return nil
	}
	head := make([]byte, MagicLen)
	if n, _ := f.ReadAt(head, 0); !IsRecording(head[:n]) {
		if _, err := os.Stat(path + "-journal"); err == nil {
			return nil // it is being made, or its maker was killed
		}
		return ErrNotRecording
	}
	return nil
}

// openRegular opens a regular file for reading, and refuses others: to open a pipe in
// the usual way would wait for somebody who writes to it.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the user's choice
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: not a regular file", ErrNotRecording)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// Close closes the recording. What was added to it is then in the one file,
// unless others have it open.
func (s *Store) Close() error {
	if err := s.closeAll(); err != nil {
		return fmt.Errorf("close recording %s: %w", s.path, explain(err))
	}
	return nil
}

// CloseUnused is Close, and removes the recording if this Store has made it and nothing
// is in it. One that somebody else has open stays.
func (s *Store) CloseUnused() error {
	if s.made {
		s.removeUnused()
	}
	return s.Close()
}

// removeUnused removes the file while nobody else can open it. If it cannot be removed,
// it stays as it is.
func (s *Store) removeUnused() {
	ctx := context.Background()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	var used bool
	if err := s.conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM snapshot)").Scan(&used); err != nil || used {
		return
	}
	if err := s.portable(ctx); err != nil { // somebody has it open
		return
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return
	}
	err := s.conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM snapshot)").Scan(&used)
	if err == nil && !used {
		_ = os.Remove(s.path)
	}
	_, _ = s.conn.ExecContext(ctx, "ROLLBACK") // nothing was written
}

func (s *Store) closeAll() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.check.stop()
	var errs []error
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.conn != nil {
		// The last connection does this by itself, but that may be of somebody
		// who only reads, and does not.
		_, err := s.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)")
		errs = append(errs, err, s.conn.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	return errors.Join(errs...)
}

// transaction runs f while nobody else writes. It waits for others for
// maxWait at most. f must be quick.
func (s *Store) transaction(ctx context.Context, f func(ctx context.Context, c *sql.Conn) error) error {
	if s.write == nil {
		return ErrReadOnly
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fs.ErrClosed
	}
	return transaction(ctx, s.conn, f)
}

func transaction(ctx context.Context, c *sql.Conn, f func(ctx context.Context, c *sql.Conn) error) error {
	if err := begin(ctx, c); err != nil {
		return err
	}
	return within(ctx, c, f)
}

// within runs f in the transaction that has begun, and commits it if there is
// no error.
func within(ctx context.Context, c *sql.Conn, f func(ctx context.Context, c *sql.Conn) error) error {
	ctx = context.WithoutCancel(ctx) // it is short now, and half of it is of no use
	err := f(ctx, c)
	if err == nil {
		if _, err = c.ExecContext(ctx, "COMMIT"); err == nil {
			return nil
		}
	}
	// After some errors SQLite has rolled back already.
	_, _ = c.ExecContext(ctx, "ROLLBACK")
	return err
}

const (
	// maxWait is how long to wait for other writers, whose transactions take
	// milliseconds.
	maxWait = 10 * time.Second
	// retryAfter is how soon to try again. SQLite's own waiting doubles its
	// pauses up to 100 ms and is overtaken by everyone meanwhile.
	retryAfter = 500 * time.Microsecond
)

// begin starts a transaction that may write.
func begin(ctx context.Context, c *sql.Conn) error {
	return patiently(ctx, func() error {
		_, err := c.ExecContext(ctx, "BEGIN IMMEDIATE")
		return err
	})
}

// patiently tries again as long as others are in the way.
func patiently(ctx context.Context, try func() error) error {
	err := try()
	if code(err) != codeBusy {
		return err
	}
	tick := time.NewTicker(retryAfter)
	defer tick.Stop()
	end := time.After(maxWait)
	for code(err) == codeBusy {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return fmt.Errorf("another program has been writing to it for %v: %w", maxWait, err)
		case <-tick.C:
			err = try()
		}
	}
	return err
}

// Primary result codes of SQLite.
const (
	codePerm     = 3
	codeBusy     = 5
	codeNoMem    = 7
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26

	codeIOShmSize = codeIO | 19<<8 // there is no room for a file beside the recording
)

// code is the primary result code of an error of SQLite, 0 of any other.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		if e.Code() == codeIOShmSize {
			return codeFull
		}
		return e.Code() & 0xff
	}
	return 0
}

// explained is an error of SQLite in words that tell what to do.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// IsPassing reports whether an error is one of a recording that may be well again
// later, without another program that records or another file: a full disk, one that
// fails, others who write to it all the time, damage, which somebody may repair.
func IsPassing(err error) bool {
	switch code(err) {
	case codeFull, codeIO, codeBusy, codeNoMem:
		return true
	}
	return errors.Is(err, ErrDamaged) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EIO)
}

func explain(err error) error {
	switch code(err) {
	case codeFull:
		return &explained{"the disk is full: free some room elsewhere on it first, which deleting takes as well; what was recorded is not harmed", err}
	case codeReadOnly, codePerm:
		return &explained{"it may not be written to; record elsewhere, or change who may", err}
	case codeCantOpen:
		return &explained{"the file, or those that SQLite keeps beside it, cannot be opened; look at the permissions of the folder", err}
	case codeCorrupt, codeNotADB:
		return &explained{"the file is damaged; import --salvage --record NEW FILE rescues what is intact", errors.Join(ErrDamaged, err)}
	case codeIO:
		return &explained{"reading or writing the file failed: " + err.Error(), err}
	case codeNoMem:
		return &explained{"no memory left", err}
	}
	return err
}

//go:embed schema.sql
var schema1 string

// migrations lead from each version of the schema to the next. What a version
// has once made stays as it is: later ones only add to the list.
var migrations = []string{schema1}

// major is the upper half of user_version. It changes when older versions of
// scxdiag cannot read what newer ones write; the lower half is how many
// migrations were run.
const major = 1

// neededVersion is the version of scxdiag that reads this major version of the
// schema. It is written into each recording for those that cannot.
const neededVersion = "v0.1.0"

// version reads how many migrations were run, and refuses a newer major
// version.
func version(ctx context.Context, q queryer) (minor int, err error) {
	var v int
	if err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v); err != nil {
		return 0, err
	}
	maj := v >> 16
	if maj <= major {
		return v & 0xffff, nil
	}
	need := "a newer version"
	var s string
	if err := q.QueryRowContext(ctx, "SELECT value FROM about WHERE key = 'needs'").Scan(&s); err == nil && len(s) < 40 {
		need = "version " + strconv.Quote(s) + " or later"
	}
	return 0, fmt.Errorf("it was written by a newer scxdiag (schema %d, this one reads up to %d): get %s of scxdiag to read it", maj, major, need)
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, c *sql.Conn) error {
	minor, err := version(ctx, c)
	if err != nil {
		return err
	}
	if minor < len(migrations) {
		if err := patiently(ctx, func() error { return runMigrations(ctx, c) }); err != nil {
			return err
		}
	}
	// Only now, so that the file itself says from the beginning what it is.
	return patiently(ctx, func() error {
		_, err := c.ExecContext(ctx, "PRAGMA journal_mode = WAL")
		return err
	})
}

func runMigrations(ctx context.Context, c *sql.Conn) error {
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	return within(ctx, c, func(ctx context.Context, c *sql.Conn) error {
		// Of a new file this must be the first thing written, and not on its
		// own: the file says what it is from the beginning. Pages that become
		// free can then be given back bit by bit.
		if _, err := c.ExecContext(ctx, "PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
			return err
		}
		minor, err := version(ctx, c) // somebody else may have been first
		if err != nil {
			return err
		}
		for ; minor < len(migrations); minor++ {
			if _, err := c.ExecContext(ctx, migrations[minor]); err != nil {
				return err
			}
		}
		if _, err := c.ExecContext(ctx, "INSERT OR REPLACE INTO about VALUES ('needs', ?)", neededVersion); err != nil {
			return err
		}
		for _, p := range []string{
			"PRAGMA application_id = " + strconv.Itoa(applicationID),
			"PRAGMA user_version = " + strconv.Itoa(major<<16|minor),
		} {
			if _, err := c.ExecContext(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// verify refuses a file whose schema is not the one of its version: the
// queries of this package could then mean anything.
func verify(ctx context.Context, q queryer) error {
	var app int
	if err := q.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return err
	}
	if app != applicationID {
		return ErrNotRecording
	}
	minor, err := version(ctx, q)
	if err != nil {
		return err
	}
	got, err := readSchema(ctx, q)
	if err != nil {
		return err
	}
	want, err := schemaOf(ctx, min(minor, len(migrations)))
	if err != nil {
		return err
	}
	if minor <= len(migrations) && got != want {
		return fmt.Errorf("%w: its tables are not those of schema %d.%d", ErrDamaged, major, minor)
	}
	return nil
}

// schemaOf is what readSchema gives for a new file after n migrations.
func schemaOf(ctx context.Context, n int) (string, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return "", err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, m := range migrations[:n] {
		if _, err := db.ExecContext(ctx, m); err != nil {
			return "", err
		}
	}
	return readSchema(ctx, db)
}

func readSchema(ctx context.Context, q queryer) (string, error) {
	rows, err := q.QueryContext(ctx, "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var all []byte
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return "", err
		}
		all = append(append(all, s...), 0)
	}
	return string(all), rows.Err()
}
