// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"scxdiag/dump"
)

// OpenUnsafe opens a recording as Open does, but never waits for the disk.
func OpenUnsafe(path string) (*Store, error) { return open(path, "OFF") }

// Fill writes n entries without bodies.
func Fill(s *Store, n int) error {
	return s.transaction(context.Background(), func(ctx context.Context, c *sql.Conn) error {
		insert, err := c.PrepareContext(ctx, insertSnapshot)
		if err != nil {
			return err
		}
		defer insert.Close()
		start := time.Date(2026, 11, 15, 10, 0, 0, 0, time.UTC)
		for i := range n {
			at := start.Add(time.Duration(i) * time.Second)
			e := Entry{
				ID: fmt.Sprintf("%032x", uint64(i)*0x9e3779b97f4a7c15), Time: at, Added: at.Add(3 * time.Millisecond), Host: fmt.Sprintf("node%d", i%7),
				Boot: "6f1c2f0e-5b5c-4a65-9f0c-1d7e3f7f2a11", Kernel: "7.3.4+deb13-cloud-amd64", Scheduler: "mitosis_1.1.2_x86_64_unknown_linux_gnu",
				Trigger: dump.TriggerCrash, Kind: dump.Of(dump.ExitErrorStall), Reason: "runnable task stall", Signature: fmt.Sprintf("%016x", i%11),
				Title: "pinned task starved by an RT hog", Task: fmt.Sprintf("worker/%d:1[%d]", i%256, i), Tasks: 2000, Source: "live", Size: 12345,
			}
			if _, err := insert.ExecContext(ctx, e.row()...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Integrity is what SQLite says of the file, "ok" as a rule.
func Integrity(ctx context.Context, s *Store) (string, error) {
	var result string
	err := s.read.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&result)
	return result, err
}

// GetPlan is how SQLite goes about reading the snapshot with an ID.
func (s *Store) GetPlan(ctx context.Context, id string) (steps []string, err error) {
	rows, err := s.read.QueryContext(ctx, "EXPLAIN QUERY PLAN "+fmt.Sprintf(chainQuery, byID), id, maxChain)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var node, parent, unused int
		var detail string
		if err := rows.Scan(&node, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		steps = append(steps, detail)
	}
	return steps, rows.Err()
}
