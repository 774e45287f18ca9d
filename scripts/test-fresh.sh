#!/bin/bash
# The README's two commands in clean roots of Debian, like a freshly installed machine.
#   scripts/test-fresh.sh [SUITE...]       bookworm trixie
# DPCTL_FRESH_COMMANDS='make demo;make lint' runs these instead.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR
. scripts/kernels/common.sh
. scripts/kernels/apt.sh
. scripts/fresh/root.sh

[ "$(id -u)" -eq 0 ] || die 'debootstrap and namespaces want root'
suites=("$@")
[ $# -gt 0 ] || suites=(bookworm trixie)
IFS=';' read -ra commands <<<"${DPCTL_FRESH_COMMANDS:-make demo;make test}"

mkdir -p "$KERNELS_DIR/results"
bring_debootstrap
work=$(mktemp -d "${TMPDIR:-/tmp}/dpctl-fresh.XXXXXX")
# shellcheck disable=SC2317 # called by the trap
clean_up() {
	stop_hosts
	rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# run_suite SUITE: the last lines of each command, and all of it in results/.
run_suite() {
	local suite=$1 root=$work/$1 log=$KERNELS_DIR/results/fresh-$1.log started command status=0
	make_root "$suite" "$root"
	copy_checkout "$root"
	start_host "fresh-$suite" "$root"
	: >"$log"
	for command in "${commands[@]}"; do
		started=$SECONDS
		echo "== $command" >>"$log"
		if on_host "$HOST" sh -c "cd /dpctl && $command" >>"$log" 2>&1; then
			echo "$suite: $command: done in $((SECONDS - started)) s: $(tail -n 1 "$log")"
		else
			status=1
			echo "$suite: $command: FAILED after $((SECONDS - started)) s; see $log"
			grep -E '^(failed: |.* error: |E: )' "$log" | tail -n 20 || tail -n 20 "$log"
		fi
	done
	stop_hosts
	rm -rf --one-file-system "$root"
	return $status
}

failed=0
for suite in "${suites[@]}"; do run_suite "$suite" || failed=1; done
exit $failed
