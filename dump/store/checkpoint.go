// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// checkpointer moves what was committed from the write-ahead log to where it
// belongs, beside the writer and without stopping it.
type checkpointer struct {
	wake   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once

	mu      sync.Mutex
	written int // bytes since the last time
}

const (
	// checkpointAfter is how many bytes are written before a checkpoint. Few
	// at a time keep the disk free for those who wait for theirs.
	checkpointAfter = 1 << 20
	// maxLog is how many pages the log may have before it is made to start
	// anew, which has writers wait for a moment. A log starts anew by itself
	// whenever nobody is behind in it.
	maxLog = 4096
	// maxPause is how long writers may have to wait then.
	maxPause = 20 * time.Millisecond
)

func startCheckpointer(path string) *checkpointer {
	ctx, cancel := context.WithCancel(context.Background())
	c := &checkpointer{wake: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		db, err := connect(path, "mode=rw", fmt.Sprintf("busy_timeout(%d)", maxPause.Milliseconds()), "synchronous(FULL)", "wal_autocheckpoint(0)")
		if err != nil {
			return // the log only grows
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.wake:
				c.run(ctx, db)
			}
		}
	}()
	return c
}

// run moves what can be moved. What cannot is moved next time, or when the last
// one closes the recording; an error means nothing else.
func (c *checkpointer) run(ctx context.Context, db *sql.DB) {
	var busy, log, moved int
	err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &log, &moved)
	if err == nil && log > maxLog && log-moved < checkpointAfter/defaultPageSize {
		_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(RESTART)")
	}
}

// wrote says that bytes were committed.
func (c *checkpointer) wrote(bytes int) {
	c.mu.Lock()
	c.written += bytes
	due := c.written >= checkpointAfter
	if due {
		c.written = 0
	}
	c.mu.Unlock()
	if !due {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default: // it has yet to begin
	}
}

func (c *checkpointer) stop() {
	if c == nil {
		return
	}
	c.once.Do(func() {
		c.cancel()
		<-c.done
	})
}
