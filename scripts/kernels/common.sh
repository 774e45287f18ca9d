# Shared by the kernel matrix's scripts; sourced, with the repository as the working directory.
# shellcheck shell=bash

# Everything that is downloaded and unpacked: kept between runs, gone with `make distclean`.
# shellcheck disable=SC2034 # used by the others
KERNELS_DIR=${DPCTL_KERNELS_DIR:-$PWD/.kernels}

say() { printf 'kernels: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 2
}
