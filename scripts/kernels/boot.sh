# One boot of one kernel under QEMU. Sourced after initrd.sh.
# shellcheck shell=bash

# A boot takes 2 to 4 s on a quiet machine. One that takes this long has died.
BOOT_LIMIT=${DPCTL_KERNELS_BOOT_LIMIT:-120}
# For a kernel, both tries together. The core suite takes some minutes in emulation.
RUN_LIMIT=${DPCTL_KERNELS_RUN_LIMIT:-1800}
MEMORY_MB=2048
# Emulated by default, which works everywhere. DPCTL_KERNELS_ACCEL=kvm uses hardware virtualization.
ACCEL=${DPCTL_KERNELS_ACCEL:-tcg,thread=multi}

# start_server SOCKET LOG: offer this machine's root to one guest; sets SERVER to its process.
start_server() {
	local socket=$1 log=$2 options
	# The old server, in C, takes what the new one has as words of their own by -o.
	if tool virtiofsd --help 2>&1 | grep -q -e '--shared-dir'; then
		options=(--shared-dir=/ --cache=always --sandbox=chroot)
	else
		options=(-o source=/ -o cache=always -o sandbox=chroot)
	fi
	LD_LIBRARY_PATH=$(our_libraries) nice -n "$NICE" "$TOOLS_DIR/bin/virtiofsd" \
		--socket-path="$socket" "${options[@]}" >"$log" 2>&1 </dev/null &
	SERVER=$!
	for _ in $(seq 50); do
		[ ! -S "$socket" ] || return 0
		sleep 0.1
	done
	die "virtiofsd offers nothing: $(tail -n 1 "$log")"
}

# Network cards of a guest, in the order of its eth0 and on.
NICS=3

# start_guest RELEASE DIR: boot it; sets GUEST to QEMU's process. DIR gets console.log and result.
# DIR/nics: with network cards, whose wire is in a network namespace that ends with QEMU.
start_guest() {
	local release=$1 dir=$2 nic cards=() wire=()
	if [ -e "$dir/nics" ]; then
		wire=(unshare --net scripts/kernels/wire.sh "$NICS")
		for ((nic = 0; nic < NICS; nic++)); do
			# XDP wants queues of its own to send by, one for each processor.
			cards+=(-netdev "tap,id=wire$nic,ifname=tap$nic,script=no,downscript=no,queues=$((2 * CPUS))"
				-device "virtio-net-pci,netdev=wire$nic,mac=0a:58:0a:5a:00:0$((nic + 1)),mq=on,romfile=")
		done
	fi
	local line=(console=ttyS0 panic=-1 loglevel=4 net.ifnames=0
		"dpctl.guest=$PWD/scripts/kernels/guest.sh" "dpctl.checkout=$PWD"
		"dpctl.modules=$KERNELS_DIR/linux-$release/lib/modules"
		"dpctl.tools=$TOOLS_DIR" "dpctl.dir=$dir")
	LD_LIBRARY_PATH=$(our_libraries) nice -n "$NICE" "${wire[@]}" "$TOOLS_DIR/bin/qemu-system-x86_64" \
		-L "$TOOLS_DIR/usr/share/qemu" -L "$TOOLS_DIR/usr/share/seabios" \
		-nodefaults -no-user-config -no-reboot -display none -accel "$ACCEL" -cpu max -smp "$CPUS" \
		-m "$MEMORY_MB" -object "memory-backend-memfd,id=ram,size=${MEMORY_MB}M,share=on" \
		-machine q35,memory-backend=ram \
		-chardev "socket,id=root,path=$dir/root.sock" \
		-device vhost-user-fs-pci,chardev=root,tag=hostroot \
		"${cards[@]}" \
		-serial "file:$dir/console.log" -serial "file:$dir/result" \
		-kernel "$KERNELS_DIR/linux-$release/vmlinuz" -initrd "$dir/initrd" \
		-append "${line[*]}" >"$dir/qemu.log" 2>&1 </dev/null &
	GUEST=$!
}

# await_guest DIR END: wait until it is off, or SECONDS reach END. Prints why it did not boot or
# finish.
await_guest() {
	local dir=$1 end=$2 started=$SECONDS
	while kill -0 "$GUEST" 2>/dev/null; do
		if [ ! -s "$dir/result" ] && [ $((SECONDS - started)) -gt "$BOOT_LIMIT" ]; then
			echo "not up after $BOOT_LIMIT s"
			return
		fi
		if [ "$SECONDS" -gt "$end" ]; then
			echo "not finished after $RUN_LIMIT s"
			return
		fi
		sleep 1
	done
	if [ ! -s "$dir/result" ]; then
		echo 'ended before it was up'
	elif ! grep -q '"done"' "$dir/result"; then
		echo 'ended before its tests had'
	fi
}

# stop_all: end what start_server and start_guest began.
stop_all() {
	local pid
	for pid in ${GUEST:-} ${SERVER:-}; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	GUEST=
	SERVER=
}

# boot RELEASE DIR END: one attempt, until SECONDS reach END. DIR/why gets the problem, and stays empty
# if the guest finished.
boot() {
	local release=$1 dir=$2 end=$3
	rm -f "$dir"/{console.log,result,qemu.log,root.sock}
	: >"$dir/result"
	make_initrd "$release" "$dir/initrd"
	start_server "$dir/root.sock" "$dir/virtiofsd.log"
	start_guest "$release" "$dir"
	await_guest "$dir" "$end" >"$dir/why"
	stop_all
}
