// SPDX-License-Identifier: GPL-2.0-only

// Package store keeps snapshots in recordings. A recording is one SQLite file.
package store
