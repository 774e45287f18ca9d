#!/bin/bash
# Installs what the build, the tests and the demo need: Debian packages, a recent Node, the npm
# packages. Prints what it does, installs only what is missing, and is quick if nothing is.
set -euo pipefail
cd "$(dirname "$0")/.."

# Requirements are commands and files, not packages: a command may come from another package, with
# which ours would conflict (arping). A * stands for Debian's multiarch folder.
NEEDS='
clang                                  clang
llvm-objdump                           llvm
/usr/include/bpf/bpf_helpers.h         libbpf-dev
/usr/lib/*/libbpf.so.1                 libbpf1
/usr/include/linux/bpf.h               linux-libc-dev
/usr/include/stdio.h                   libc6-dev
bpftool                                bpftool
ip                                     iproute2
nft                                    nftables
ethtool                                ethtool
ping                                   iputils-ping
arping                                 iputils-arping
tcpdump                                tcpdump
/usr/lib/cni/portmap                   containernetworking-plugins
iptables                               iptables
tshark                                 tshark
iperf3                                 iperf3
sockperf                               sockperf
socat                                  socat
dnsmasq                                dnsmasq-base
udhcpc                                 udhcpc
nsenter                                util-linux
sysctl                                 procps
jq                                     jq
git                                    git
make                                   make
gcc                                    gcc
g++                                    g++
python3                                python3
shellcheck                             shellcheck
openssl                                openssl
systemd-analyze                        systemd
/etc/ssl/certs/ca-certificates.crt     ca-certificates
'
# The lowest Node that every dependency runs on.
NODE_MAJOR=20
NODE_MINOR=19

PATH=$PWD/.node/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 2
}

present() {
	case $1 in
	/*) compgen -G "$1" >/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing_packages() {
	local need package
	while read -r need package; do
		[ -z "$need" ] || present "$need" || echo "$package"
	done <<<"$NEEDS"
}

# apt_install PACKAGE...: as root; the lists are fetched only if there are none, or if the
# installation fails, which is what an outdated list does.
apt_install() {
	local root=()
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null ||
			die "missing Debian packages: $*. Run as root: apt-get install $*"
		root=(sudo)
	fi
	command -v apt-get >/dev/null ||
		die "missing: $* (Debian's names), and this is no Debian: install them by hand"
	local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q
		-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
	say "installing $*"
	if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null &&
		"${apt[@]}" install --no-install-recommends "$@" </dev/null >&2; then
		return
	fi
	"${apt[@]}" update </dev/null >&2 || say 'apt-get update failed; trying all the same'
	"${apt[@]}" install --no-install-recommends "$@" </dev/null >&2 ||
		die "could not install $*: see above"
}

# node_version: "major minor abi", nothing where there is no node.
node_version() {
	node -p 'const v = process.versions; v.node.split(".", 2).concat(v.modules).join(" ")' 2>/dev/null || true
}

new_enough() {
	local major minor abi
	read -r major minor abi <<<"$1"
	[ -n "${abi:-}" ] && { [ "$major" -gt $NODE_MAJOR ] ||
		{ [ "$major" -eq $NODE_MAJOR ] && [ "$minor" -ge $NODE_MINOR ]; }; }
}

# Debian's own Node, where it is new enough; else that one only fetches a newer one into .node.
bring_node() {
	if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
		apt_install nodejs npm
	fi
	hash -r
	if new_enough "$(node_version)" && command -v npm >/dev/null; then
		return
	fi
	say "node $(node --version) is older than $NODE_MAJOR.$NODE_MINOR: bringing a newer one into .node"
	rm -rf .node
	mkdir -p .node
	cp scripts/node/package.json scripts/node/package-lock.json .node/
	(cd .node && npm ci --no-audit --no-fund --ignore-scripts </dev/null >&2) ||
		die 'could not fetch a newer node with npm: see above'
	local own
	own=$(cd .node && echo node_modules/node-linux-*)
	[ -x ".node/$own/bin/node" ] || die "no node for $(uname -m) in the npm registry: install node >= $NODE_MAJOR.$NODE_MINOR by hand"
	mkdir .node/bin
	ln -s "../$own/bin/node" .node/bin/node
	ln -s ../node_modules/npm/bin/npm-cli.js .node/bin/npm
	ln -s ../node_modules/npm/bin/npx-cli.js .node/bin/npx
	hash -r
	new_enough "$(node_version)" || die "the node brought into .node does not run on this machine"
}

# What single tests ask for and whose packages would change the machine is unpacked beside the
# checkout: Open vSwitch's would start a switch and etcd's a store, now and at every boot, and
# Vagrant's would bring fifty more. Without them, those tests are left out.

# bring_beside DIR PACKAGES PATTERN COMMAND...: the packages, and of what comes with them those
# that the machine lacks and the pattern takes. The last command tells whether the machine has it.
bring_beside() {
	local dir=$1 package=$2
	if command -v "${!#}" >/dev/null || ! command -v apt-get >/dev/null ||
		[ -e "$dir/.complete" ] || [ -n "$(find "$dir.failed" -mmin -1440 2>/dev/null)" ]; then
		return
	fi
	say "bringing $package into $dir"
	rm -rf "$dir" "$dir.failed"
	if ! unpack_beside "$@" >&2; then
		rm -rf "$dir"
		touch "$dir.failed"
		say "could not: see above. The tests with it are left out; \`rm $dir.failed\` tries again"
	fi
}

# unpack_beside, as bring_beside: commands are linked to bin, libraries to libs.
unpack_beside() (
	dir=$1 package=$2 pattern=$3
	shift 3
	# shellcheck disable=SC2086 # a list of words
	packages=$(apt-get -s -qq --no-install-recommends install $package </dev/null |
		awk -v pattern="$pattern" '$1 == "Inst" && $2 ~ pattern { print $2 }')
	[ -n "$packages" ] || exit 1
	mkdir -p "$dir/debs" "$dir/bin" "$dir/libs"
	cd "$dir/debs" || exit 1
	# shellcheck disable=SC2086 # a list of words
	apt-get -q -o Acquire::Retries=3 -o APT::Sandbox::User=root download $packages </dev/null || exit 1
	cd ..
	for deb in debs/*.deb; do dpkg-deb -x "$deb" . || exit 1; done
	rm -rf debs
	for name in "$@"; do
		# A service's start script may have its name.
		path=$(find . -name "$name" -type f -perm -100 -not -path "*/init.d/*" -print -quit)
		[ -n "$path" ] || exit 1
		ln -s "../$path" "bin/$name"
	done
	find . -path '*-linux-gnu*' -name '*.so.*' -exec ln -sf ../{} libs/ \;
	touch .complete
)

# What the npm packages depend on: the lock, and the Node that native modules are compiled for.
npm_stamp() {
	{ cat package-lock.json && echo "$1" "$(uname -m)"; } | sha256sum
}

# Without C++ or headers the second FFI backend cannot be compiled; npm then leaves an optional
# package out and goes on.
bring_modules() {
	say 'installing the npm packages'
	# Headers for compiling: those beside the Node in use, for nothing else can be downloaded on
	# a machine that reaches only the registry.
	local prefix
	prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
	if [ -z "${npm_config_nodedir:-}" ] && [ -e "$prefix/include/node/node.h" ]; then
		export npm_config_nodedir=$prefix
	fi
	npm ci --no-audit --no-fund </dev/null >&2 || npm ci --no-audit --no-fund </dev/null >&2 ||
		die 'npm ci failed twice: see above'
	node -e 'require("koffi"); require("esbuild")' ||
		die 'koffi or esbuild does not load: were their install scripts kept from running?'
	node -e 'require("ffi-napi")' 2>/dev/null ||
		say 'the optional ffi-napi did not compile: DPCTL_FFI=ffi-napi and its tests are left out'
}

main() {
	local missing version stamp
	missing=$(missing_packages)
	# shellcheck disable=SC2086 # a list of words
	[ -z "$missing" ] || apt_install $missing
	bring_beside .openvswitch openvswitch-switch '^(openvswitch|lib)' \
		ovsdb-tool ovsdb-server ovs-vsctl ovs-vswitchd
	bring_beside .etcd 'etcd-server etcd-client' '^etcd-' etcdctl etcd
	bring_beside .vagrant vagrant . vagrant

	version=$(node_version)
	if ! new_enough "$version" || ! command -v npm >/dev/null; then
		bring_node
		version=$(node_version)
	fi

	stamp=$(npm_stamp "$version")
	if [ "$stamp" != "$(cat node_modules/.dpctl-setup 2>/dev/null || true)" ]; then
		bring_modules
		echo "$stamp" >node_modules/.dpctl-setup
	fi
}

# One at a time: two makes that start together would empty node_modules under each other. Children
# of main must not inherit the lock: apt starts services.
exec 9<"$0"
flock 9
main 9>&-
