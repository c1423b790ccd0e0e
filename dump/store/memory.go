// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
)

// OpenBytes opens a recording that is in memory, such as one out of an archive,
// for reading only; name is for messages. What a write-ahead log beside the file
// had is not in it. It changes data, of which it has a copy when it returns, outside of
// Go's memory. Opening one that was forged can take long, until ctx ends.
func OpenBytes(ctx context.Context, name string, data []byte) (*Store, error) {
	s, err := openBytes(ctx, name, data)
	if err != nil {
		return nil, fmt.Errorf("open recording %s: %w", name, explain(err))
	}
	return s, nil
}

func openBytes(ctx context.Context, name string, data []byte) (*Store, error) {
	if !IsRecording(data) {
		return nil, ErrNotRecording
	}
	withoutLog(data)
	db, err := connectTo(url.URL{Scheme: "file", Opaque: ":memory:"}, "mode=memory", "query_only(1)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each would have a file of its own
	if err = fill(ctx, db, data); err == nil {
		err = verify(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{path: name, read: db, bound: int64(len(data))}, nil
}

// withoutLog has a file say that no write-ahead log is used with it: there is none
// for what is in memory, and SQLite would refuse it.
func withoutLog(data []byte) {
	const writeVersion, readVersion, rollback, log = 18, 19, 1, 2
	for _, i := range []int{writeVersion, readVersion} {
		if data[i] == log {
			data[i] = rollback
		}
	}
}

// fill makes a file the database of the only connection there is.
func fill(ctx context.Context, db *sql.DB, data []byte) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return conn.Raw(func(c any) error {
		d, ok := c.(interface{ Deserialize(buf []byte) error })
		if !ok {
			return errors.New("the driver cannot open what is in memory")
		}
		return d.Deserialize(data)
	})
}

// canHold reports whether as many bytes as were read can be in the file: pages of
// one that somebody forged may be in it over and over.
func (s *Store) canHold(bytes int64) bool { return s.bound == 0 || bytes <= s.bound }
