# Clean Debian roots with namespaces of their own, like a freshly installed machine. Sourced after kernels/apt.sh, with the repository as the working directory.
# shellcheck shell=bash

HOSTS=()
PROCESSES=()
AUTHORITY=

# bring_debootstrap: unpacked beside the checkout, with the user-mode network that the roots use.
bring_debootstrap() {
	local codename
	DEBOOTSTRAP_DIR=$KERNELS_DIR/fresh/usr/share/debootstrap
	SLIRP=$KERNELS_DIR/fresh/usr/bin/slirp4netns
	if [ ! -e "$KERNELS_DIR/fresh/.complete" ]; then
		# shellcheck disable=SC1091 # the system's own file
		codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
		fetch_lists tools "$codename" "$codename-backports"
		unpack tools "$KERNELS_DIR/fresh" debootstrap slirp4netns libslirp0
		touch "$KERNELS_DIR/fresh/.complete"
	fi
	export DEBOOTSTRAP_DIR
}

# make_root SUITE ROOT: what the installer of Debian leaves, and git and make, as the README has it.
make_root() {
	local suite=$1 root=$2
	say "a clean root of $suite"
	mkdir -p "$KERNELS_DIR/debs"
	"$KERNELS_DIR/fresh/usr/sbin/debootstrap" --variant=minbase --include=git,make \
		--cache-dir="$KERNELS_DIR/debs" "$suite" "$root" "$(main_repository)" >"$root.log" 2>&1 || {
		tail -n 5 "$root.log" >&2
		die "debootstrap $suite failed"
	}
	echo 'nameserver 10.0.2.3' >"$root/etc/resolv.conf"
	# A network that looks into what is fetched has an authority that npm must be told of.
	AUTHORITY=${NODE_EXTRA_CA_CERTS:-$(npm config get cafile 2>/dev/null || true)}
	[ -f "$AUTHORITY" ] || AUTHORITY=
	[ -z "$AUTHORITY" ] || cp "$AUTHORITY" "$root/etc/lab-authority.crt"
}

# copy_checkout ROOT: what is committed.
copy_checkout() {
	git -c advice.detachedHead=false clone -q --no-hardlinks . "$1/dpctl"
}

# start_host NAME ROOT: namespaces that are a machine of their own, with the root in them and the
# network outside by a process of this user. Sets HOST to the process that holds them.
start_host() {
	local name=$1 root=$2 ready=$2.ready
	rm -f "$ready"
	unshare --mount --pid --fork --kill-child --uts --ipc --net --propagation private \
		bash scripts/fresh/host.sh "$name" "$root" "$ready" </dev/null &
	HOST=$!
	HOSTS+=("$HOST")
	for _ in $(seq 100); do
		[ ! -s "$ready" ] || break
		sleep 0.1
	done
	[ -s "$ready" ] || die "the namespaces of $name did not come up"
	LD_LIBRARY_PATH=$KERNELS_DIR/fresh/usr/lib/$(uname -m)-linux-gnu \
		"$SLIRP" --configure --mtu=65520 --disable-host-loopback "$HOST" tap0 >"$root.slirp" 2>&1 &
	PROCESSES+=("$!")
	for _ in $(seq 100); do
		! grep -q tap0 "/proc/$HOST/net/dev" || return 0
		sleep 0.1
	done
	die "no network for $name: $(tail -n 1 "$root.slirp")"
}

# on_host HOST COMMAND...: run it there, as root after a log-in.
on_host() {
	local host=$1 inner
	shift
	inner=$(pgrep -P "$host")
	nsenter --target "$inner" --mount --pid --uts --ipc --net \
		env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		${AUTHORITY:+npm_config_cafile=/etc/lab-authority.crt} "$@" </dev/null
}

stop_hosts() {
	local pid
	for pid in "${PROCESSES[@]}" "${HOSTS[@]}"; do
		# unshare lets any other signal pass it by while it waits for its child.
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	HOSTS=()
	PROCESSES=()
}
