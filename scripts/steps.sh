#!/usr/bin/env bash
# Runs make targets one after the other, stops at the first that fails, and says at the end what each took and what was left out.
#
#   scripts/steps.sh vet unit fuzz
set -euo pipefail
cd "$(dirname "$0")/.."

report=""
for step in "$@"; do
	printf '\n== %s\n' "$step"
	began=$SECONDS
	if ! "${MAKE:-make}" --no-print-directory "$step"; then
		printf '%s\n== %s FAILED after %d s\n' "$report" "$step" $((SECONDS - began)) >&2
		exit 1
	fi
	report+=$(printf '\n   %-12s %4d s' "$step" $((SECONDS - began)))
done

printf '\n== passed:%s\n   %-12s %4d s\n' "$report" together "$SECONDS"

if [ -z "${CI:-}" ]; then
	echo "Left out: race, test-386, test-kill, test-powercut, soak, cross, test-foreign, tidy, lint, dist-twice, rig (make check runs them too)."
fi
if [ ! -x /usr/sbin/mosquitto ] && ! command -v mosquitto >/dev/null; then
	echo "Left out: the tests with the mosquitto broker, which is not installed (apt-get install mosquitto)."
fi
