# What boots a kernel: QEMU, a virtiofs server, static busybox, kmod. All of it is unpacked beside
# the checkout with what it needs that the system lacks. Sourced after apt.sh.
# shellcheck shell=bash

TOOLS_DIR=$KERNELS_DIR/tools

# our_libraries: where the unpacked tools find what the system lacks.
our_libraries() {
	local arch
	arch=$(uname -m)-linux-gnu
	echo "$TOOLS_DIR/usr/lib/$arch:$TOOLS_DIR/lib/$arch"
}

# tool COMMAND ARGUMENT...: run one of ours with our libraries.
tool() {
	local command=$1
	shift
	LD_LIBRARY_PATH=$(our_libraries) "$TOOLS_DIR/bin/$command" "$@"
}

# version_here PACKAGE [-t RELEASE]: the version that apt would take.
version_here() {
	local package=$1
	shift
	private_apt tools apt-cache "$@" policy "$package" | awk '$1 == "Candidate:" { print $2 }'
}

bring_tools() {
	local codename packages tmp package from=() chosen=()
	[ ! -e "$TOOLS_DIR/.complete" ] || return 0
	# shellcheck disable=SC1091 # the system's own file
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	fetch_lists tools "$codename" "$codename-backports"
	say "bringing QEMU and what else boots a kernel"
	# QEMU 7.2 of Debian 12 crashes 6.12 in four boots of six; 10 of its backports in none.
	[ "$codename" != bookworm ] || from=(-t bookworm-backports)
	# What apt would install on this machine, without installing it.
	packages=$(private_apt tools apt-get --print-uris -qq -y --no-install-recommends "${from[@]}" \
		install qemu-system-x86 kmod | awk '{ sub(/_.*/, "", $2); print $2 }')
	# shellcheck disable=SC2086 # a list of words
	for package in $(printf '%s\n' $packages qemu-system-x86 qemu-system-data kmod | sort -u); do
		chosen+=("$package=$(version_here "$package" "${from[@]}")")
	done
	tmp=$(mktemp -d "$KERNELS_DIR/tools.XXXXXX")
	unpack tools "$tmp" "${chosen[@]}" busybox-static
	bring_virtiofsd "$tmp"
	collect_commands "$tmp"
	touch "$tmp/.complete"
	rm -rf "$TOOLS_DIR"
	mv "$tmp" "$TOOLS_DIR"
}

# bring_virtiofsd ROOT: Debian 12 has it in an old QEMU package, later ones on its own.
bring_virtiofsd() {
	local root=$1
	if private_apt tools apt-cache show virtiofsd >/dev/null 2>&1; then
		unpack tools "$root" virtiofsd
		return
	fi
	unpack tools "$root/old" "qemu-system-common=$(version_here qemu-system-common)"
	mkdir -p "$root/usr/libexec"
	mv "$root/old/usr/lib/qemu/virtiofsd" "$root/usr/libexec/virtiofsd"
	rm -rf "$root/old"
}

# collect_commands ROOT: all in bin, for packages differ in where they put them, and kmod's links are
# absolute.
collect_commands() {
	local root=$1 name path
	mkdir -p "$root/bin"
	for name in qemu-system-x86_64 virtiofsd kmod busybox; do
		# Their packages also have documents and scripts of these names.
		path=$(find "$root" -type f -name "$name" -perm -100 -size +64k -print -quit)
		[ -n "$path" ] || die "the packages hold no $name"
		[ "$path" = "$root/bin/$name" ] || mv "$path" "$root/bin/$name"
	done
	ln -sf kmod "$root/bin/depmod"
	ln -sf kmod "$root/bin/modprobe"
	rm -rf "${root:?}/sbin" "${root:?}/usr/sbin" "${root:?}/usr/bin"
}
