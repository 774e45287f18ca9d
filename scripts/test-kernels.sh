#!/bin/bash
# Boots kernels of Debian under QEMU and runs the core suite in each.
#   scripts/test-kernels.sh [KERNEL...]      as in 6.1 6.12 6.18 newest
# DPCTL_KERNELS_PARTS='load system' runs these parts of the suite only.
# DPCTL_KERNELS_BREAK=unbounded|too-new puts a broken program (test/kernels/bpf/) in the endpoint's
# place: the run has to fail. DPCTL_KERNELS_RUN='COMMAND' runs that instead of the suite.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR
. scripts/kernels/common.sh
. scripts/kernels/apt.sh
. scripts/kernels/tools.sh
. scripts/kernels/kernel.sh
. scripts/kernels/initrd.sh
. scripts/kernels/boot.sh

[ "$(id -u)" -eq 0 ] || die 'the guests get this machine as their root file system: run as root'
[ "$(uname -m)" = x86_64 ] || die 'the matrix boots x86_64 kernels, and emulates on x86_64 only'
NICE=${DPCTL_KERNELS_NICE:-5}
CPUS=${DPCTL_KERNELS_CPUS:-2}

kernels=("$@")
[ $# -gt 0 ] || kernels=(5.10 6.1 6.12 6.18 newest)

results=$KERNELS_DIR/results
mkdir -p "$KERNELS_DIR"
exec 9<"$0"
flock -n 9 || die 'another run of the matrix is under way in this checkout'
bring_tools 9<&-
kernel_lists 9<&-

work=$(mktemp -d "${TMPDIR:-/tmp}/dpctl-kernels.XXXXXX")
clean_up() {
	stop_all
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# run_kernel NAME: what it said stays in results/, the last run of each kernel.
run_kernel() {
	local name=$1 release dir try why started=$SECONDS troubles=()
	release=$(choose "$name")
	[ -n "$release" ] || die "no suite has a kernel $name"
	bring_kernel "$release"
	dir=$work/$name
	mkdir "$dir"
	[ -z "${DPCTL_KERNELS_RUN:-}" ] || printf '%s\n' "$DPCTL_KERNELS_RUN" >"$dir/run"
	printf '%s' "${DPCTL_KERNELS_BREAK:-}" >"$dir/broken"
	tr ' ' '\n' <<<"${DPCTL_KERNELS_PARTS:-}" | sed '/^$/d' >"$dir/parts"
	for try in 1 2; do
		say "booting Linux $release, which takes some minutes"
		boot "$release" "$dir"
		why=$(cat "$dir/why")
		[ -n "$why" ] || break
		say "$release: $why; it said last:"
		tail -n 5 "$dir/console.log" >&2 || true
		troubles+=("{\"trouble\":\"try $try: $why\"}")
		# Only the emulator is given a second chance. What a guest did once it was up is its own.
		[ ! -s "$dir/result" ] || break
	done
	mkdir -p "$results"
	cp "$dir/console.log" "$results/$name.log"
	{
		cat "$dir/result"
		printf '\n{"version":"%s"}\n{"total":%d}\n' "$(version_of "$release")" $((SECONDS - started))
		[ ${#troubles[@]} -eq 0 ] || printf '%s\n' "${troubles[@]}"
	} >"$results/$name.jsonl"
}

for kernel in "${kernels[@]}"; do run_kernel "$kernel" 9<&-; done
if [ -n "${DPCTL_KERNELS_RUN:-}" ]; then
	for kernel in "${kernels[@]}"; do cat "$results/$kernel.log"; done
	exit
fi
node dist/scripts/kernels/report.js "$results" "${kernels[@]}"
