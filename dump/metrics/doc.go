// SPDX-License-Identifier: GPL-2.0-only

// Package metrics counts what a recorder sees, and serves it to Prometheus.
package metrics
