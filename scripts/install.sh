#!/bin/bash
# install.sh DESTDIR PREFIX              copy what runs to PREFIX
# install.sh --uninstall DESTDIR PREFIX  remove it again; what dpctl made in the kernel stays: see
#                                        `dpctl reset`
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

manual=$dest/share/man/man8/dpctl.8
declare -A completions=(
	[bash]=$dest/share/bash-completion/completions/dpctl
	[zsh]=$dest/share/zsh/site-functions/_dpctl
	[fish]=$dest/share/fish/vendor_completions.d/dpctl.fish
)

if $uninstall; then
	rm -rf "$lib"
	rm -f "$dest/bin/dpctl" "$manual" "${completions[@]}"
	exit
fi

rm -rf "$lib"
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
ln -sfn ../lib/dpctl/dist/dpctl.cjs "$dest/bin/dpctl"

install -D -m 644 docs/dpctl.8 "$manual"
for shell in "${!completions[@]}"; do
	mkdir -p "$(dirname "${completions[$shell]}")"
	node dist/dpctl.cjs completion "$shell" >"${completions[$shell]}"
done
echo "installed $prefix/bin/dpctl"
