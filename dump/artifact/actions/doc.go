// SPDX-License-Identifier: GPL-2.0-only

// Package actions fetches what a run of GitHub Actions leaves behind: the log of a
// job, the archive of all logs, the artifacts. It asks the REST API with the login
// of the gh command ($GH_TOKEN, its hosts file, $GH_HOST). Nothing is written to
// disk: what is fetched is read where it is, piece by piece.
package actions
