// SPDX-License-Identifier: GPL-2.0-only

// Package privilege gives up what this process may do and no longer needs to.
package privilege
