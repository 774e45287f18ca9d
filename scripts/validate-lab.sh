#!/bin/bash
# Validates lab/Vagrantfile with Vagrant, except for the providers' settings: no provider is needed.
#   scripts/validate-lab.sh [FOLDER]     lab
# Vagrant is the machine's own, or the one that the set-up unpacked.
set -euo pipefail
cd "$(dirname "$0")/.."
unpacked=$PWD/.vagrant/usr
folder=$(realpath "${1:-lab}")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/dpctl-validate.XXXXXX")
trap 'rm -rf --one-file-system "$scratch"' EXIT

# It leaves nothing behind, and does not check for a newer version.
export HOME=$scratch VAGRANT_HOME=$scratch/home VAGRANT_DOTFILE_PATH=$scratch/dot
export VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_CWD=$folder
look='vagrant validate --ignore-provider'
if command -v vagrant >/dev/null; then
	$look
else
	[ -e "$unpacked/bin/vagrant" ] || {
		echo 'no vagrant: install it, or run scripts/setup.sh' >&2
		exit 2
	}
	# Ruby finds its files in one place only: here they are seen there, by this process alone.
	unshare --mount bash -euc "mount -t tmpfs tmpfs '$scratch'
		mkdir '$scratch/changes' '$scratch/work'
		mount -t overlay -o 'lowerdir=$unpacked:/usr,upperdir=$scratch/changes,workdir=$scratch/work' \
			overlay /usr
		$look"
fi
