#!/bin/bash
# Runs in a guest once it has a root: sets up the machine, runs the core suite, and powers off. Results
# go to the second serial port as lines of JSON; text for people goes to the first.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
read -ra words </proc/cmdline
for word in "${words[@]}"; do
	case $word in
	dpctl.checkout=*) checkout=${word#*=} ;;
	dpctl.modules=*) modules=${word#*=} ;;
	dpctl.tools=*) tools=${word#*=} ;;
	dpctl.dir=*) dir=${word#*=} ;;
	esac
done

off() {
	sync
	"$tools/bin/busybox" poweroff -f
}
trap off EXIT

exec </dev/null >/dev/ttyS0 2>&1
say() { printf '%s\n' "$1" >/dev/ttyS1; }
say "{\"booted\":\"$(uname -r)\"}"

# Required files may be in a folder that is about to be covered.
for place in checkout tools modules dir; do
	mkdir -p "/mnt/dpctl/$place"
	mount --bind "${!place}" "/mnt/dpctl/$place"
done
checkout=/mnt/dpctl/checkout tools=/mnt/dpctl/tools modules=/mnt/dpctl/modules dir=/mnt/dpctl/dir

# Processes of the host must not appear to run here.
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
rm -rf /var/lib/dpctl /etc/netns
hostname guest
ip link set lo up

# The kernel asks /sbin/modprobe for what it needs: the unpacked one, where there is none.
mkdir -p /lib/modules
mount --bind "$modules" /lib/modules
rm -f /usr/sbin/modprobe
cat >/usr/sbin/modprobe <<EOF
#!/bin/sh
exec env LD_LIBRARY_PATH=$tools/usr/lib/$(uname -m)-linux-gnu:$tools/lib/$(uname -m)-linux-gnu \
	$tools/bin/modprobe "\$@"
EOF
chmod 755 /usr/sbin/modprobe

# Its driver is not among those that reach the root.
[ ! -e "$dir/nics" ] || modprobe virtio_net

cd "$checkout" || exit
export PATH=$checkout/.node/bin:$PATH
if [ -e "$dir/run" ]; then
	bash "$dir/run"
	say "{\"done\":$?}"
else
	mapfile -t parts <"$dir/parts"
	if [ -s "$dir/broken" ]; then
		# The endpoint's object is broken on purpose: the run must detect it.
		mkdir /run/broken
		cp dist/bpf/*.o /run/broken/
		cp "dist/test/kernels/bpf/$(cat "$dir/broken").bpf.o" /run/broken/endpoint.bpf.o
		export DPCTL_BPF_DIR=/run/broken
	fi
	node dist/scripts/kernels/core-suite.js /dev/ttyS1 "${parts[@]}"
	say "{\"done\":$?}"
fi
