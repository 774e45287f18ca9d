# The initial file system of a guest: static busybox and the modules that reach the real root.
# Sourced after kernel.sh.
# shellcheck shell=bash

# make_initrd RELEASE FILE
make_initrd() {
	local release=$1 file=$2 dir=$KERNELS_DIR/linux-$1 root module path
	root=$(mktemp -d "$KERNELS_DIR/initrd.XXXXXX")
	mkdir -p "$root"/{bin,proc,sys,dev,host,tmpfs,root,modules}
	cp "$TOOLS_DIR/bin/busybox" "$root/bin/busybox"
	cp scripts/kernels/init "$root/init"
	chmod 755 "$root/init"
	# In the order of insmod. What is built into the kernel is no file and needs none.
	for module in virtio_pci virtiofs overlay; do
		tool modprobe -d "$dir" -S "$release-$FLAVOUR" --show-depends "$module" |
			awk '$1 == "insmod" { print $2 }'
	done | awk '!seen[$0]++' >"$root/paths"
	while read -r path; do
		# busybox inserts what is not compressed, the same on every kernel.
		case $path in
		*.xz) xz -dc "$path" >"$root/modules/$(basename "$path" .xz)" ;;
		*) cp "$path" "$root/modules/" ;;
		esac
		basename "$path" .xz >>"$root/modules/order"
	done <"$root/paths"
	touch "$root/modules/order"
	rm "$root/paths"
	(cd "$root" && find . | "$TOOLS_DIR/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$file"
	rm -rf "$root"
}
