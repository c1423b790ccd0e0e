-- SPDX-License-Identifier: GPL-2.0-only
-- Schema version 1 of a recording. See doc.go.

CREATE TABLE about (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What can be searched for; all of it but boot and added is in the body, too.
CREATE TABLE snapshot (
	seq       INTEGER PRIMARY KEY AUTOINCREMENT, -- grows in the order of commits
	id        TEXT NOT NULL UNIQUE,              -- dump.Snapshot.ID
	entry     BLOB NOT NULL,                     -- all columns of the row in one, for listing
	time      INTEGER,                           -- of the snapshot, ns since 1970; NULL: unknown
	added     INTEGER NOT NULL,                  -- when it was first recorded, ns since 1970
	host      TEXT NOT NULL,
	boot      TEXT NOT NULL,                     -- boot id of the machine
	kernel    TEXT NOT NULL,                     -- release, or a range of series
	scheduler TEXT NOT NULL,
	trigger   TEXT NOT NULL,
	kind      INTEGER,                           -- of the exit; NULL: unknown, or no exit
	reason    TEXT NOT NULL,
	signature TEXT NOT NULL,
	title     TEXT NOT NULL,                     -- of the signature
	task      TEXT NOT NULL,                     -- that the exit message names, "comm[pid]"
	tasks     INTEGER NOT NULL,                  -- how many the snapshot has
	lost      INTEGER NOT NULL,                  -- records dropped
	flags     INTEGER NOT NULL,                  -- 1: truncated, 2: incomplete, 4: failure, 8: has its text, 16: has its records
	source    TEXT NOT NULL,                     -- name of what it was read from
	size      INTEGER NOT NULL                   -- bytes of the body and the original
) STRICT;

-- The snapshots: CBOR, compressed with zstd.
CREATE TABLE body (
	seq  INTEGER PRIMARY KEY,
	id   TEXT NOT NULL,
	base INTEGER,       -- seq of the whole body that this one is relative to; NULL: it is whole
	data BLOB NOT NULL
) STRICT;

CREATE INDEX body_base ON body (base) WHERE base IS NOT NULL;

-- What the snapshots were made from, compressed with zstd.
CREATE TABLE original (
	seq     INTEGER PRIMARY KEY,
	text    BLOB,
	records BLOB
) STRICT;
