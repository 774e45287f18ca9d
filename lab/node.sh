#!/bin/bash
# In a virtual machine: makes it a node of the lab, with one endpoint. It can be run again.
#   node.sh NUMBER VTEP...      the addresses of all nodes on the underlay, its own among them
set -euo pipefail
number=$1
shift
vteps=("$@")
own=${vteps[number - 1]}

# By its address: what the device is called differs between providers.
device=$(ip -o -4 addr show | awk -v own="$own" '{ sub("/.*", "", $4) } $4 == own { print $2; exit }')
if [ -z "$device" ]; then
	echo "no device has the underlay's address $own: $(ip -br -4 addr show | tr '\n' ';')" >&2
	exit 1
fi

address() { echo "10.210.$1.10"; }

dpctl underlay set "$device" --vtep "$own"
dpctl network add lab --vni 210 --subnet 10.210.0.0/16 --range "10.210.$number.0/24"
for other in "${!vteps[@]}"; do
	[ $((other + 1)) -eq "$number" ] || dpctl node add "n$((other + 1))" --vtep "${vteps[other]}"
done
dpctl attach "e$number" --create --network lab --ip "$(address "$number")"
dpctl status

# The machines come up one after the other: the last one finds all the others.
if [ "$number" -lt ${#vteps[@]} ]; then
	echo "n$number is ready; the others follow"
	exit
fi
for other in $(seq $((number - 1))); do
	ip netns exec "e$number" ping -c 3 -i 0.2 -W 2 "$(address "$other")"
done
cat <<EOF

${#vteps[@]} nodes on Linux $(uname -r), whose endpoints reach each other. Look around:

  vagrant ssh n1 -c 'sudo ip netns exec e1 ping -c 3 $(address "$number")'
  vagrant ssh n1 -c 'sudo dpctl status'
  vagrant ssh n1 -c 'sudo dpctl dump fdb'          # where each MAC is
  vagrant ssh n1 -c 'sudo dpctl dump nodes'        # what was sent to which node
  vagrant ssh n1 -c 'sudo tcpdump -ni $device udp port 4789'
EOF
