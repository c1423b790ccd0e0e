// SPDX-License-Identifier: GPL-2.0-only

// Package keep adds snapshots to a recording while nobody watches: it keeps the
// recording within bounds, holds what the disk does not take for now, and knows the
// crashes that were recorded before this program was started again.
package keep
