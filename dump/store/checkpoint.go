// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql"
	"sync"
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

// checkpointAfter is how many bytes are written before a checkpoint.
const checkpointAfter = 4 << 20

func startCheckpointer(path string) *checkpointer {
	ctx, cancel := context.WithCancel(context.Background())
	c := &checkpointer{wake: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		db, err := connect(path, "mode=rw", "busy_timeout(0)", "synchronous(FULL)", "wal_autocheckpoint(0)")
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

func (c *checkpointer) run(ctx context.Context, db *sql.DB) {
	// What cannot be moved now is moved next time, or when the last one
	// closes the recording.
	_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
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
