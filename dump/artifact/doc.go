// SPDX-License-Identifier: GPL-2.0-only

// Package artifact goes through what a CI run leaves behind: files, folders, and
// archives of any depth in each other. It yields the byte streams in them, unpacked,
// lines taken out of their records, with names such as "run.zip!/logs/7_run.txt".
//
// Archives are hostile. Nothing is written anywhere, names lead nowhere, links are
// not followed, and [Limits] bound what one file may unfold to. What is not read is
// told with the reason, and the rest goes on.
package artifact
