// SPDX-License-Identifier: GPL-2.0-only

// Package unwrap turns logs that keep each line in a record into plain lines: the
// journal as journalctl -o export, json, json-pretty and verbose print it, the
// files of Docker's json-file driver, dmesg -J, and other logs of JSON objects that
// have a text in MESSAGE, msg or log.
//
// What comes out is what journalctl -o short-iso-precise or dmesg would have
// printed, a line for each line of a text. What is no record passes as it is.
package unwrap
