#!/bin/bash
# Runs what `vagrant up` runs in its machines, without Vagrant: two clean roots of Debian with
# namespaces of their own stand for the machines, and a veth pair for the underlay.
#   scripts/test-lab.sh [SUITE]       trixie
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR
. scripts/kernels/common.sh
. scripts/kernels/apt.sh
. scripts/fresh/root.sh

[ "$(id -u)" -eq 0 ] || die 'debootstrap and namespaces want root'
suite=${1:-trixie}
mkdir -p "$KERNELS_DIR"
bring_debootstrap
work=$(mktemp -d "${TMPDIR:-/tmp}/dpctl-lab-roots.XXXXXX")
# shellcheck disable=SC2317 # called by the trap
clean_up() {
	stop_hosts
	rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

VTEPS=(192.168.56.11 192.168.56.12)

make_root "$suite" "$work/n1"
copy_checkout "$work/n1"
start_host n1 "$work/n1"
n1=$HOST
say 'n1: as in a fresh machine'
on_host "$n1" /dpctl/lab/provision.sh 0

# The second machine starts with what the first one has by now: the same commands find all there.
# A copy: on a root in common, what one machine remembers of its networks would show in the other.
cp -a --reflink=auto "$work/n1" "$work/n2"
start_host n2 "$work/n2"
n2=$HOST
say 'n2: the same'
on_host "$n2" /dpctl/lab/provision.sh 0

nsenter --target "$n1" --net ip link add eth1 type veth peer name eth1 netns "$n2"
for host in "$n1" "$n2"; do nsenter --target "$host" --net ip link set eth1 up; done
nsenter --target "$n1" --net ip addr add "${VTEPS[0]}/24" dev eth1
nsenter --target "$n2" --net ip addr add "${VTEPS[1]}/24" dev eth1

on_host "$n1" /dpctl/lab/node.sh 1 "${VTEPS[@]}"
on_host "$n2" /dpctl/lab/node.sh 2 "${VTEPS[@]}"
# Vagrant runs it again with every `vagrant provision`.
on_host "$n1" /dpctl/lab/node.sh 1 "${VTEPS[@]}"
on_host "$n1" ip netns exec e1 ping -c 3 -i 0.2 -W 2 10.210.2.10
on_host "$n1" dpctl reset --yes
on_host "$n2" dpctl reset --yes
echo 'the lab is up and was taken down again'
