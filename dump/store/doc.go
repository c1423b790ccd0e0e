// SPDX-License-Identifier: GPL-2.0-only

// Package store keeps snapshots in recordings. A recording is one SQLite file:
// the catalogue of what was seen on a machine, and the file in which snapshots
// travel, are the same thing.
//
// # What a recording holds
//
// Table snapshot has what can be searched for, body the snapshots, original
// what they were made from; see schema.sql. The id of a snapshot is the hash of
// its content, so that the same dump is there once. The header of the file says
// whose it is (application_id) and which version of the schema it has
// (user_version): the upper half of that is one that only a newer scxdiag can
// read if it is above ours, the lower half counts migrations, which Open runs.
// A file whose tables, indexes or triggers are not exactly those of its version
// is refused, since it may come from anyone.
//
// A body is CBOR, compressed with zstd. The snapshot in it is taken apart into
// columns, one for each field of each type of the model (model.go), and a column
// into what cannot be foreseen (numbers.go). Most snapshots of a series are
// relative to a recent one: every 64th is whole, and no other needs more than
// three before it. Deleting a snapshot rewrites those that are relative to it.
// The numbers of the dictionaries of a snapshot depend on nothing but the
// snapshot, so that rewriting one never concerns another.
//
// # What survives
//
// Add returns when the snapshot is in the write-ahead log and the log on the
// disk (synchronous=FULL: SQLite syncs the log with each commit). What is in
// the log has checksums; after a crash SQLite takes over the commits that are
// whole, in order, and drops the rest. It syncs the log before it moves pages
// from there to the file, and the file before it uses the log again, so that at
// any time either of them has each page. The names of new files are synced with
// their folders. A loss of power can thus take away a snapshot that Add has not
// acknowledged, and no other, as far as the disk keeps what it says it has
// written.
//
// Who opens a recording for writing also runs a goroutine that moves pages from
// the log to the file, a few at a time and without making anybody wait; the last
// one to close it moves the rest and removes the log. Transactions hold one
// snapshot, encoded before they begin. Readers never wait for writers, nor
// writers for readers.
//
// Damage is found by checksums (of zstd, in each body) and costs at most the
// snapshots that are relative to what is damaged. Salvage reads the pages of a
// file one by one, without the trees that lead to them.
package store
