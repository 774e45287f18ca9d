#!/bin/bash
# First process of a clean root's namespaces: mounts what a booted system has, makes the root the
# only one there is, as for a machine that booted from it, and then holds the namespaces. A root
# that was merely changed to is left by a process that enters the mount namespace, as dpctl does.
#   host.sh NAME ROOT READY
set -euo pipefail
name=$1 root=$2 ready=$3
exec 9>"$ready"
hostname "$name"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t bpf bpf "$root/sys/fs/bpf"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/net"
touch "$root/dev/net/tun"
mount --bind /dev/net/tun "$root/dev/net/tun"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
ip link set lo up
mkdir "$root/mnt/old"
cd "$root"
pivot_root . mnt/old
cd /
hash -r
umount --lazy /mnt/old
rmdir /mnt/old
echo ready >&9
exec 9>&-
# Like any init process, it reaps orphans.
sleep infinity &
while ! wait; do :; done
