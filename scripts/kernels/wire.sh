#!/bin/bash
# The wire between the network cards of a guest; then COMMAND, which is to have their other ends.
#   wire.sh CARDS COMMAND...     in a network namespace of its own, which takes all of it away
# Each card is on a bridge of its own, behind a veth to the switch that merges (GRO) what comes by: the
# kernel looks at checksums there, and tells the card by the header of virtio which it has found right.
set -euo pipefail
cards=$1
shift
# The command's libraries are not for ip and ethtool.
libraries=$LD_LIBRARY_PATH
unset LD_LIBRARY_PATH
export PATH=$PATH:/usr/sbin:/sbin
ip link add switch type bridge
ip link set switch up
for ((card = 0; card < cards; card++)); do
	ip tuntap add "tap$card" mode tap vnet_hdr multi_queue
	ip link add "port$card" type bridge
	ip link add "up$card" type veth peer name "down$card"
	# A veth merges nothing of what its other end could pass whole.
	ethtool -K "up$card" tso off >/dev/null
	ethtool -K "down$card" gro on >/dev/null
	ip link set "up$card" master switch up
	ip link set "down$card" master "port$card" up
	ip link set "tap$card" master "port$card" up
	ip link set "port$card" up
done
LD_LIBRARY_PATH=$libraries exec "$@"
