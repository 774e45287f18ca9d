#!/bin/bash
# First process of the namespaces that a suite has to itself: mounts what others on this machine
# would show in, then runs the command and takes in the orphans that it leaves.
#   private-namespaces.sh KEEP... -- COMMAND...
# What is hidden by a private folder stays visible where it is one of the paths to keep.
set -euo pipefail

keep=()
while [ "$1" != -- ]; do
	keep+=("$(realpath "$1")")
	shift
done
shift

# hide PLACE PATH...: put an empty file system on the place; these paths under it are as before. By
# descriptor, for their names lead nowhere once the place is covered.
hide() {
	local place=$1 type=tmpfs path fd fds=()
	shift
	[ "$place" != /sys ] || type=sysfs
	for path in "$@"; do
		exec {fd}<"$path"
		fds+=("$fd")
	done
	mount -t "$type" "$type" "$place"
	for path in "$@"; do
		fd=${fds[0]}
		fds=("${fds[@]:1}")
		if [ "$type" = tmpfs ]; then
			if [ -d "/proc/self/fd/$fd" ]; then mkdir -p "$path"; else touch "$path"; fi
		fi
		# Not canonical: as a name, it would lead to what now covers it.
		mount --no-canonicalize --rbind "/proc/self/fd/$fd" "$path"
		exec {fd}<&-
	done
}

# kept_in PLACE: the paths to keep that lie there, sets KEPT.
kept_in() {
	local path
	KEPT=()
	for path in "${keep[@]}"; do
		case $path in "$1"/*) KEPT+=("$path") ;; esac
	done
}

# The network namespace's own devices, and a bpffs of its own; tracing and cgroups are the machine's.
inner=()
for path in /sys/fs/cgroup /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security; do
	! mountpoint -q "$path" || inner+=("$path")
done
hide /sys "${inner[@]}"
mount -t bpf bpf /sys/fs/bpf

for place in /run /tmp /dev/shm; do
	[ -d "$place" ] || continue
	kept_in "$place"
	hide "$place" "${KEPT[@]}"
	chmod 1777 "$place"
done
chmod 755 /run
mkdir -p /run/lock /run/netns

# All of it but dpctl's folder, which must be free to be removed: a mount there would be busy.
shopt -s nullglob dotglob
others=()
for path in /var/lib/*; do
	case $path in /var/lib/dpctl) ;; *) [ -L "$path" ] || [ ! -e "$path" ] || others+=("$path") ;; esac
done
hide /var/lib "${others[@]}"
chmod 755 /var/lib
shopt -u nullglob dotglob

ip link set lo up

"$@"
# Not the last word of the script: a shell that becomes its last command takes in no orphans.
exit $?
