#!/bin/bash
# In a virtual machine: the README's commands in a fresh Debian.   provision.sh [1: with the tests]
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

# Requirements of the README.
if ! command -v git >/dev/null || ! command -v make >/dev/null; then
	apt-get -q update
	apt-get -q -y install --no-install-recommends git make
fi
cd "${DPCTL_CHECKOUT:-/dpctl}"
make demo
[ "${1:-0}" != 1 ] || make test
make install
