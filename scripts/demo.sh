#!/usr/bin/env bash
# The main job, shown working: namespaces connected by dpctl, real traffic between them, what the
# kernel holds, and nothing left behind. `make demo` builds what this needs.
set -euo pipefail

root=$(dirname "$(dirname "$(readlink -f "$0")")")
work=$(mktemp -d)
# A root of its own: a dpctl that this machine already uses is not touched.
export DPCTL_ROOT=$work/node
ns=(demo$$a demo$$b demo$$c)
lab=d$$
server=

clean() {
	status=$?
	trap - EXIT
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	"$root/dist/dpctl.cjs" lab down --name "$lab" >/dev/null 2>&1 || true
	"$root/dist/dpctl.cjs" reset --yes >/dev/null 2>&1 || true
	for name in "${ns[@]}"; do ip netns del "$name" 2>/dev/null || true; done
	rm -rf "$work"
	exit "$status"
}
trap clean EXIT
trap 'exit 130' INT TERM

bold=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\033[1m'
	plain=$'\033[0m'
fi

dpctl() { "$root/dist/dpctl.cjs" "$@"; }
say() { printf '\n%s# %s%s\n' "$bold" "$1" "$plain"; }
run() {
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	"$@"
}

if [ "$(id -u)" != 0 ]; then
	echo "make demo makes network namespaces, so it needs root: sudo make demo" >&2
	exit 2
fi

say 'Two namespaces, as a container runtime would make them'
run ip netns add "${ns[0]}"
run ip netns add "${ns[1]}"

say 'One command each connects them; the first also makes the tables and a default network'
run dpctl attach "${ns[0]}"
run dpctl attach "${ns[1]}"
say 'It makes the namespace too, if asked'
run dpctl attach "${ns[2]}" --create
peer=$(dpctl endpoints -o json | jq -r ".[] | select(.ns == \"${ns[1]}\") | .ip4" | cut -d/ -f1)
peer6=$(dpctl endpoints -o json | jq -r ".[] | select(.ns == \"${ns[1]}\") | .ip6" | cut -d/ -f1)

say 'There is no bridge on this machine that carries this'
run ip -d link show type bridge

say 'Real traffic'
run ip netns exec "${ns[0]}" ping -c 3 -i 0.2 -W 2 "$peer"
run ip netns exec "${ns[0]}" ping -c 3 -i 0.2 -W 2 "$peer6"
ip netns exec "${ns[1]}" iperf3 --server --one-off >/dev/null 2>&1 &
server=$!
sleep 0.5
run ip netns exec "${ns[0]}" iperf3 --client "$peer" --time 2 --interval 0
wait "$server" || true
server=

say 'A frame with a forged source address is dropped'
run ip -n "${ns[2]}" addr add 10.201.9.9/16 dev eth0
if run ip netns exec "${ns[2]}" ping -c 2 -i 0.2 -W 1 -I 10.201.9.9 "$peer"; then
	echo 'the spoofed address was answered: that is a bug' >&2
	exit 1
fi
run ip -n "${ns[2]}" addr del 10.201.9.9/16 dev eth0

say "What the kernel's tables hold"
run dpctl endpoints
run dpctl dump fdb
run dpctl dump neigh
run dpctl dump stats
run dpctl dump progs
run dpctl status

say 'Two nodes, each a namespace with a root of its own, joined by VXLAN that never leaves eBPF'
run dpctl lab up --name "$lab" --nodes 2 --endpoints 1
far=$(dpctl lab list -o json | jq -r '.[] | select(.where == "n2e1") | .ip4' | cut -d/ -f1)
run dpctl lab exec --name "$lab" n1e1 -- ping -c 3 -i 0.2 -W 2 "$far"
dpctl lab exec --name "$lab" n2e1 -- iperf3 --server --one-off >/dev/null 2>&1 &
server=$!
sleep 0.7
run dpctl lab exec --name "$lab" n1e1 -- iperf3 --client "$far" --time 2 --interval 0
wait "$server" || true
server=
say 'What carried it: no vxlan device has a frame of it'
run dpctl lab exec --name "$lab" n1 -- dpctl underlay show
run dpctl lab exec --name "$lab" n1 -- dpctl dump nodes
run dpctl lab exec --name "$lab" n1 -- dpctl dump fdb
run dpctl lab down --name "$lab"

say 'And it goes without a trace'
run dpctl detach "${ns[0]}"
run dpctl reset --yes
run ip -br link show type veth
