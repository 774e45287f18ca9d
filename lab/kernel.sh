#!/bin/bash
# In a virtual machine: the newest kernel of this Debian's backports. The machine has to be booted
# again after it.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
backports=/etc/apt/sources.list.d/dpctl-backports.list
apt-get -q update
# The address that the machine has Debian from already.
# shellcheck disable=SC2016 # apt's own variables
uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
	awk -v release="$codename" '$2 == release { print $1; exit }')
echo "deb $uri $codename-backports main" >"$backports"
apt-get -q update
flavour=$(uname -r | sed -n 's/.*\(cloud-[a-z0-9]*\)$/\1/p')
: "${flavour:=$(dpkg --print-architecture)}"
apt-get -q -y install -t "$codename-backports" "linux-image-$flavour"
