#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME, JOBS (one for each processor) of them at once, and fails if one finds something. FLAGS are the flags of go test.
#
#   FUZZTIME=10m JOBS=4 FLAGS='-tags badgerfix' scripts/fuzz.sh ./drivers/...
#   scripts/fuzz.sh --keep ./drivers/...
#
# What a target fails on, go keeps in the package's testdata/fuzz and tries again in every later `go test`: commit it with the mend.
# With --keep nothing is run: of the inputs that earlier runs found worth trying, the KEEP (12) shortest of each target come to
# those that are there, so that every later run begins with them.
set -euo pipefail
cd "$(dirname "$0")/.."

read -ra flags <<<"${FLAGS:-}"
keep=
if [ "${1:-}" = --keep ]; then
	keep=${KEEP:-12}
	shift
fi
if [ $# -eq 0 ]; then
	set -- ./...
fi
jobs=${JOBS:-$(nproc)}
workers=$((($(nproc) + jobs - 1) / jobs))
cache=$(go env GOCACHE)/fuzz
mkdir -p build/fuzz

# try TARGET PACKAGE DIR BINARY: one target, one line about it, and 1 if it found something.
try() {
	local target=$1 package=$2 dir=$3 binary=$4 began=$SECONDS status=0 result=ok said tried
	said=$(cd "$dir" && "$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "${FUZZTIME:-3s}" \
		-test.fuzzcachedir "$cache/$package" -test.parallel "$workers" </dev/null 2>&1) || status=$?
	if [ $status -ne 0 ]; then
		# The end of the time can catch the engine in the middle of an input, which it then takes for a failure.
		if grep -q 'context deadline exceeded' <<<"$said" && ! grep -q 'Failing input written' <<<"$said"; then
			result="ok (time ran out within an input)"
		else
			result=FAILED
		fi
	fi
	tried=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' <<<"$said" | tail -1)
	printf '%-28s %-34s %9s inputs %3d s  %s\n' "${package#*/*/*/}" "$target" "${tried:-0}" $((SECONDS - began)) "$result"
	if [ "$result" = FAILED ]; then
		printf '%s\n' "$said" | tail -40
		return 1
	fi
}
export -f try
export cache workers FUZZTIME

# copy TARGET PACKAGE DIR: the shortest inputs that were found join those of the project.
copy() {
	local from=$cache/$2/$1 to=$3/testdata/fuzz/$1 file
	[ -d "$from" ] || return 0
	mkdir -p "$to"
	find "$from" -type f -size -9 -printf '%s %f\n' | sort -n | head -"$keep" | while read -r _ file; do
		cp -n "$from/$file" "$to/"
	done
	printf '%-28s %-34s %4d inputs kept\n' "${2#*/*/*/}" "$1" "$(find "$to" -type f | wc -l)"
}

# `go test -list` names the targets of a package, then the package: "FuzzFrame", "ok  <package> 0.01s".
listed=$(go test "${flags[@]}" -list '^Fuzz' "$@") || {
	printf '%s\n' "$listed" >&2
	exit 1
}
lines=()
targets=()
while read -r word package _; do
	case $word in
	Fuzz*) targets+=("$word") ;;
	ok)
		if [ ${#targets[@]} -eq 0 ]; then
			continue
		fi
		dir=$(go list -f '{{.Dir}}' "$package")
		binary=$PWD/build/fuzz/$(tr / - <<<"${package#*/*/*/}").test
		if [ -z "$keep" ]; then
			go test "${flags[@]}" -c -fuzz . -o "$binary" "$package"
		fi
		for target in "${targets[@]}"; do
			if [ -n "$keep" ]; then
				copy "$target" "$package" "$dir"
			else
				lines+=("$target $package $dir $binary")
			fi
		done
		targets=()
		;;
	esac
done <<<"$listed"

if [ ${#lines[@]} -gt 0 ]; then
	# shellcheck disable=SC2016 # the words are for the inner shell
	printf '%s\n' "${lines[@]}" | xargs -P "$jobs" -L 1 bash -c 'try "$@"' try || {
		echo "a fuzz target found something" >&2
		exit 1
	}
fi
rm -rf build/fuzz
