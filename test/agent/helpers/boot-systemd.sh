#!/bin/bash
# boot-systemd.sh DIR REPOSITORY: systemd as process 1 of namespaces of its own, over a copy of this
# machine's root that is written to DIR. Nothing but what multi-user.target is told to want starts.
#   --check  say only whether that can be done here
# To boot again with the same DIR is a reboot: /run is empty, and the kernel has another boot id.
set -euo pipefail
dir=$(realpath "$1")
repository=$(realpath "$2")
check=${3:-}

# What is mounted here is seen nowhere else.
if [ "${PRIVATE:-}" != 1 ]; then
	PRIVATE=1 exec unshare --mount --propagation private bash "$0" "$dir" "$repository" "$check"
fi

# A control group of its own, in the one hierarchy of version 2, wherever else that is mounted.
mkdir -p "$dir/cgroup"
mount -t cgroup2 cgroup2 "$dir/cgroup"
group=$dir/cgroup/dpctl-test.$$
mkdir "$group"
trap 'kill -9 "$(cat "$dir/pid")"' TERM INT

export dir repository check
# shellcheck disable=SC2016 # expanded by the shell inside
boot='
root=$dir/root
mkdir -p "$dir/upper" "$dir/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$root"
[ "$check" != --check ] || exit 0
mount -t proc proc "$root/proc"
# As in any container: the parameters of the whole kernel are not this systemd'"'"'s.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,ro "$root/proc/sys"
cat /proc/sys/kernel/random/uuid >"$dir/boot-id"
mount --bind "$dir/boot-id" "$root/proc/sys/kernel/random/boot_id"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t bpf bpf "$root/sys/fs/bpf"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root$repository" "$root/run/netns" "$root/old"
mount --rbind "$repository" "$root$repository"
if [ ! -e "$dir/booted" ]; then
	rm -rf "$root/var/lib/dpctl" "$root/usr/local/lib/dpctl" "$root/usr/local/lib/systemd"
	rm -rf "$root"/etc/systemd/system/*
	touch "$dir/booted"
fi
: >"$root/etc/fstab"
mount -t tmpfs tmpfs "$root/usr/lib/systemd/system-generators"
for target in multi-user sysinit basic sockets timers paths local-fs remote-fs graphical; do
	wants=$root/usr/lib/systemd/system/$target.target.wants
	[ ! -d "$wants" ] || mount -t tmpfs tmpfs "$wants"
done
cd "$root"
pivot_root . old
umount -l /old
mount --make-rshared /
ip link set lo up
export container=other
exec /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=null --show-status=0 </dev/null
'
(
	trap - TERM INT
	echo $BASHPID >"$dir/pid"
	echo $BASHPID >"$group/cgroup.procs"
	exec unshare --mount --pid --fork --kill-child --net --uts --ipc --cgroup bash -euo pipefail -c "$boot"
) &
code=0
wait $! || code=$?
# Interrupted by a signal, which has killed it.
wait || true
for _ in {1..50}; do
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
	sleep 0.1
done
exit "$code"
