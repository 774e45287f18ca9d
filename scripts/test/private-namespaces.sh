#!/bin/bash
# Init process of a suite's private namespaces: covers the folders in which other processes of this
# machine would show, then runs the command and reaps the orphans that it leaves.
#   private-namespaces.sh KEEP... -- COMMAND...
# The paths to keep stay visible although a private folder covers them.
set -euo pipefail

keep=()
while [ "$1" != -- ]; do
	keep+=("$(realpath "$1")")
	shift
done
shift

# hide PLACE PATH...: mount an empty file system on the place; the paths below it stay visible. By
# descriptor, because their names lead nowhere once the place is covered.
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

# All of it except dpctl's folder, which must be removable: a mount point would be busy.
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
# Not the last command of the script: a shell that execs its last command reaps no orphans.
exit $?
