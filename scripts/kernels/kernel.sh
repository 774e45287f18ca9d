# Debian's kernels, by short names: "6.12" is the latest 6.12 that any suite has, "newest" the latest
# of all. Sourced after apt.sh.
# shellcheck shell=bash

SUITES_WITH_KERNELS='bullseye bullseye-security bookworm bookworm-security bookworm-backports
	trixie trixie-security trixie-backports sid'

# The cloud flavour: a third of the size, with all that a virtual machine and the tests need.
FLAVOUR=cloud-amd64

# kernel_lists: fetch what can be chosen from.
kernel_lists() {
	mkdir -p "$KERNELS_DIR"
	# With no package taken as installed, apt does not prefer what this machine has.
	: >"$KERNELS_DIR/no-packages"
	# shellcheck disable=SC2086 # a list of words
	APT_STATUS=$KERNELS_DIR/no-packages fetch_lists kernels $SUITES_WITH_KERNELS
}

# releases: "version release" of each kernel there is, oldest first, as in "6.1.176-1 6.1.0-50".
releases() {
	APT_STATUS=$KERNELS_DIR/no-packages private_apt kernels apt-cache dumpavail |
		awk -v flavour="-$FLAVOUR\$" '
			$1 == "Package:" { name = $2 }
			$1 == "Version:" && name ~ "^linux-image-[0-9.]+[0-9+-].*" flavour && name ~ /[0-9]\.[0-9]+\.[0-9]/ {
				release = name
				sub(/^linux-image-/, "", release)
				sub(flavour, "", release)
				print $2, release
			}' | sort -V
}

# choose NAME: the release that a short name stands for.
choose() {
	local want=$1
	releases | awk -v want="$want" '
		want == "newest" || $1 ~ "^" want "[.-]" || $2 == want { found = $2 }
		END { print found }'
}

# version_of RELEASE: the version of its package.
version_of() { releases | awk -v release="$1" '$2 == release { print $1 }' | tail -n 1; }

# bring_kernel RELEASE: unpack it; its folder has vmlinuz and lib/modules.
bring_kernel() {
	local release=$1 dir=$KERNELS_DIR/linux-$1 tmp=$KERNELS_DIR/linux-$1.$$ packages=() part name
	[ ! -e "$dir/.complete" ] || return 0
	say "bringing Linux $release"
	# Before 6.19 the image is one package, later it is three behind one of the old name.
	for part in image base binary modules; do
		name=linux-$part-$release-$FLAVOUR
		# Some are only a name that another package provides.
		! APT_STATUS=$KERNELS_DIR/no-packages private_apt kernels apt-cache policy "$name" |
			grep 'Candidate: [^(]' >/dev/null || packages+=("$name")
	done
	mkdir -p "$tmp"
	APT_STATUS=$KERNELS_DIR/no-packages unpack kernels "$tmp" "${packages[@]}"
	mkdir -p "$tmp/lib"
	[ ! -d "$tmp/usr/lib/modules" ] || mv "$tmp/usr/lib/modules" "$tmp/lib/modules"
	find "$tmp" -name 'vmlinuz*' -type f -exec mv {} "$tmp/vmlinuz" \;
	[ -e "$tmp/vmlinuz" ] || die "no kernel image in ${packages[*]}"
	rm -rf "${tmp:?}/usr" "${tmp:?}/boot"
	tool depmod -b "$tmp" "$release-$FLAVOUR"
	touch "$tmp/.complete"
	rm -rf "$dir"
	mv "$tmp" "$dir"
}
