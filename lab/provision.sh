#!/bin/bash
# In a virtual machine: what the README says, in a fresh Debian.   provision.sh [1: with the tests]
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

# What the README takes for granted.
if ! command -v git >/dev/null || ! command -v make >/dev/null; then
	apt-get -q update
	apt-get -q -y install --no-install-recommends git make
fi
cd "${DPCTL_CHECKOUT:-/dpctl}"
make demo
[ "${1:-0}" != 1 ] || make test
make install
