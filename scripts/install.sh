#!/bin/bash
# install.sh DESTDIR PREFIX [UNITDIR]              copy what runs to PREFIX, and the systemd units
# install.sh --uninstall DESTDIR PREFIX [UNITDIR]  remove it again; refused while this node is in use
#                                                  (FORCE=1: what dpctl made in the kernel stays)
set -euo pipefail
cd "$(dirname "$0")/.."

uninstall=false
if [ "${1:-}" = --uninstall ]; then
	uninstall=true
	shift
fi
prefix=${2:?usage: install.sh [--uninstall] DESTDIR PREFIX}
dest=${1:-}$prefix
lib=$dest/lib/dpctl
unitdir=${3:-$prefix/lib/systemd/system}
units=${1:-}$unitdir
staged=${1:-}

manual=$dest/share/man/man8/dpctl.8
declare -A completions=(
	[bash]=$dest/share/bash-completion/completions/dpctl
	[zsh]=$dest/share/zsh/site-functions/_dpctl
	[fish]=$dest/share/fish/vendor_completions.d/dpctl.fish
)

# Whether the systemd that runs here is meant, and not a directory that becomes a package.
manages() {
	[ -z "$staged" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null
}

# in_use: says what would be left without a program that removes it. Without a record, nothing is.
in_use() {
	local endpoints networks
	[ -z "$staged" ] && [ -x "$dest/bin/dpctl" ] || return 1
	[ -e /run/dpctl ] || [ -e /var/lib/dpctl ] || return 1
	if ! endpoints=$("$dest/bin/dpctl" endpoints -o name) ||
		! networks=$("$dest/bin/dpctl" network list -o name); then
		echo "cannot tell whether dpctl is in use on this machine: see above" >&2
		return 0
	fi
	echo "dpctl is in use on this machine: endpoints: $(wc -w <<<"$endpoints"), networks: $(wc -w <<<"$networks")" >&2
}

if $uninstall; then
	if [ "${FORCE:-}" != 1 ] && in_use; then
		echo "remove them with \`dpctl reset\`, or leave them as they are: make uninstall FORCE=1" >&2
		exit 1
	fi
	if manages; then
		systemctl --quiet disable --now dpctl-agent.service dpctl-restore.service 2>/dev/null || true
	fi
	rm -f "$units/dpctl-agent.service" "$units/dpctl-restore.service"
	if manages; then systemctl daemon-reload; fi
	rm -rf "$lib"
	rm -f "$dest/bin/dpctl" "$manual" "${completions[@]}"
	exit
fi

# Made beside it: a running agent, and a command that starts now, see the old copy or the new one.
there=$lib
lib=$lib.new
rm -rf "$lib" "$there.old"
mkdir -p "$lib/dist/bpf" "$lib/node_modules/@koromix" "$dest/bin"
cp dist/bpf/*.o "$lib/dist/bpf/"
install -D -m 755 dist/cni/dpctl-cni "$lib/cni/dpctl-cni"
# Libraries that the bundle loads when it needs them.
cp -r dist/lib "$lib/dist/"
# What the bench compiles, runs and puts into its report.
mkdir -p "$lib/bpf" "$lib/src/bench" "$lib/dist/src/bench/bpf" "$lib/node_modules/uplot/dist"
cp -r bpf/dpctl.h bpf/contract "$lib/bpf/"
cp -r src/bench/native src/bench/report "$lib/src/bench/"
rm -f "$lib"/src/bench/report/*.ts
cp dist/src/bench/bpf/*.o "$lib/dist/src/bench/bpf/"
cp node_modules/uplot/dist/uPlot.iife.min.js node_modules/uplot/dist/uPlot.min.css \
	"$lib/node_modules/uplot/dist/"
cp package.json LICENSE* "$lib/" 2>/dev/null || cp package.json "$lib/"
# The FFI backend and its binary for this machine; the rest is in the bundle.
cp -r node_modules/koffi "$lib/node_modules/"
cp -r node_modules/@koromix/koffi-linux-* "$lib/node_modules/@koromix/"

# A Node that the set-up brought into the checkout goes along: the installed copy must outlive it.
node=$(command -v node)
case $node in
"$PWD"/.node/*)
	mkdir -p "$lib/bin"
	cp "$(readlink -f "$node")" "$lib/bin/node"
	node=$prefix/lib/dpctl/bin/node
	;;
esac
{
	echo "#!$node"
	tail -n +2 dist/dpctl.cjs
} >"$lib/dist/dpctl.cjs"
chmod 755 "$lib/dist/dpctl.cjs"
[ ! -e "$there" ] || mv "$there" "$there.old"
mv "$lib" "$there"
rm -rf "$there.old"
ln -sfn ../lib/dpctl/dist/dpctl.cjs "$dest/bin/dpctl"

install -D -m 644 docs/dpctl.8 "$manual"
for shell in "${!completions[@]}"; do
	mkdir -p "$(dirname "${completions[$shell]}")"
	node dist/dpctl.cjs completion "$shell" >"${completions[$shell]}"
done

mkdir -p "$units"
for unit in systemd/*.service; do
	sed "s,@BINDIR@,$prefix/bin," "$unit" >"$units/${unit#*/}"
	chmod 644 "$units/${unit#*/}"
done
if manages; then systemctl daemon-reload; fi
echo "installed $prefix/bin/dpctl"
