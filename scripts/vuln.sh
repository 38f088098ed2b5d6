#!/usr/bin/env bash
# Looks for known vulnerabilities in the code that is linked in. TOOL runs a developers' tool.
# Not every network reaches the database: then nothing is known, and nothing fails.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
# shellcheck disable=SC2086 # TOOL is a command with its arguments
said=$(${TOOL:-go tool -modfile=scripts/tools.mod} govulncheck -tags badgerfix ./... 2>&1) || status=$?
printf '%s\n' "$said"
case $status in
0 | 3) exit $status ;; # 3: there are findings
esac
if grep -Eq 'vuln\.go\.dev|fetching vulnerabilities' <<<"$said"; then
	echo "The database of vulnerabilities cannot be reached from here: nothing was checked."
	exit 0
fi
exit $status
