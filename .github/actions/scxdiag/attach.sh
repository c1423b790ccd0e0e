# SPDX-License-Identifier: GPL-2.0-only
#
# Puts what scxdiag attach finds into the summary of the job and into annotations,
# and fails as $FAIL_ON says. $PATHS is a path a line; $BASELINE may be empty.

set -u

paths=()
while IFS= read -r path; do
	[ -z "$path" ] || paths+=("$path")
done <<<"$PATHS"

options=(--fail-on "$FAIL_ON")
[ -z "$BASELINE" ] || options+=(--baseline "$BASELINE")

"$SCXDIAG" attach --format markdown "${options[@]}" -- "${paths[@]}" >>"$GITHUB_STEP_SUMMARY"
code=$?
# What cannot be read was said already.
"$SCXDIAG" attach --format github "${options[@]}" -- "${paths[@]}" 2>/dev/null
if [ "$code" -eq 1 ] && [ "$FAIL_ON" = never ]; then
	exit 0
fi
exit "$code"
