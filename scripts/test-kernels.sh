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
# Nearly all work of a guest is sequential.
CPUS=${DPCTL_KERNELS_CPUS:-1}
# Guests at a time, with a processor each.
JOBS=${DPCTL_KERNELS_JOBS:-1}

kernels=("$@")
[ $# -gt 0 ] || kernels=(5.10 6.1 6.12 6.18 newest)

results=$KERNELS_DIR/results
mkdir -p "$KERNELS_DIR"
exec 9<"$0"
flock -n 9 || die 'another run of the matrix is under way in this checkout'
bring_tools 9<&-
kernel_lists 9<&-

work=$(mktemp -d "${TMPDIR:-/tmp}/dpctl-kernels.XXXXXX")
running=()
clean_up() {
	local pid
	for pid in "${running[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# run_kernel NAME RELEASE VERSION: keeps the results of each kernel's last run in results/.
run_kernel() {
	local name=$1 release=$2 version=$3 dir=$work/$1 try why started=$SECONDS troubles=() host
	trap stop_all EXIT
	trap 'exit 130' INT TERM
	host="$(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg), $JOBS guests at a time"
	mkdir "$dir"
	[ -z "${DPCTL_KERNELS_RUN:-}" ] || printf '%s\n' "$DPCTL_KERNELS_RUN" >"$dir/run"
	printf '%s' "${DPCTL_KERNELS_BREAK:-}" >"$dir/broken"
	tr ' ' '\n' <<<"${DPCTL_KERNELS_PARTS:-}" | sed '/^$/d' >"$dir/parts"
	# Without taps there are no cards, and the part says that it was skipped.
	if [ -c /dev/net/tun ] && { [ ! -s "$dir/parts" ] || grep -qx virtio "$dir/parts"; }; then
		touch "$dir/nics"
	fi
	for try in 1 2; do
		say "booting Linux $release, which takes some minutes"
		boot "$release" "$dir" $((started + RUN_LIMIT))
		why=$(cat "$dir/why")
		[ -n "$why" ] || break
		say "$release: $why; it said last:"
		tail -n 5 "$dir/console.log" >&2 || true
		troubles+=("{\"trouble\":\"try $try: $why\"}")
		# Only a failure of the emulator is retried, never one of a guest's tests.
		! grep -q -e '"part"' -e '"done"' "$dir/result" || break
		[ $((SECONDS - started)) -lt $((RUN_LIMIT / 2)) ] || break
	done
	cp "$dir/console.log" "$results/$name.log"
	{
		cat "$dir/result"
		printf '\n{"version":"%s"}\n{"host":"%s"}\n{"total":%d}\n' \
			"$version" "$host" $((SECONDS - started))
		[ ${#troubles[@]} -eq 0 ] || printf '%s\n' "${troubles[@]}"
	} >"$results/$name.jsonl"
}

mkdir -p "$results"
# One after the other, for apt's folders are shared.
chosen=()
versions=()
for kernel in "${kernels[@]}"; do
	release=$(choose "$kernel" 9<&-)
	[ -n "$release" ] || die "no suite has a kernel $kernel"
	bring_kernel "$release" 9<&-
	chosen+=("$release")
	versions+=("$(version_of "$release" 9<&-)")
done
for i in "${!kernels[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do sleep 1; done
	run_kernel "${kernels[i]}" "${chosen[i]}" "${versions[i]}" 9<&- &
	running+=($!)
done
for pid in "${running[@]}"; do wait "$pid" || say 'a guest could not be run'; done
running=()
if [ -n "${DPCTL_KERNELS_RUN:-}" ]; then
	for kernel in "${kernels[@]}"; do cat "$results/$kernel.log"; done
	exit
fi
node dist/scripts/kernels/report.js "$results" "${kernels[@]}"
