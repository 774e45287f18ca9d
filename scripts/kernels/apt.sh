# Packages of any Debian suite, downloaded by apt with a state directory of its own: neither the
# system's lists nor its packages change. Sourced after common.sh.
# shellcheck shell=bash

# Lists older than this are fetched again: the newest kernel changes every week or two.
LISTS_MAX_AGE_MIN=$((24 * 60))

# repositories: the addresses the system itself uses for Debian, each with a release it has there.
repositories() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Origin: Debian'
}

main_repository() { repositories | awk '$2 !~ /security/ { print $1; exit }'; }
security_repository() { repositories | awk '$2 ~ /security/ { print $1; exit }'; }

# private_apt NAME COMMAND...: apt with the lists of one of our directories.
private_apt() {
	local dir=$KERNELS_DIR/apt/$1 command=$2
	shift 2
	"$command" -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" \
		-o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null -o Dir::Etc::preferences=/dev/null \
		-o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Default-Release= \
		-o APT::Sandbox::User=root \
		${APT_STATUS:+-o Dir::State::status="$APT_STATUS"} "$@"
}

# fetch_lists NAME SUITE...: what these suites have. One that is gone from the mirror is left out.
fetch_lists() {
	local name=$1 dir=$KERNELS_DIR/apt/$1 main security suite key
	shift
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	if [ -n "$(find "$dir/fetched" -mmin -$LISTS_MAX_AGE_MIN 2>/dev/null)" ]; then
		return
	fi
	main=$(main_repository)
	security=$(security_repository)
	[ -n "$main" ] || die 'apt knows no Debian repository: run apt-get update'
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e "$key" ] || die "missing $key: install debian-archive-keyring"
	for suite in "$@"; do
		case $suite in
		*-security) [ -z "$security" ] || echo "deb [signed-by=$key] $security $suite main" ;;
		*) echo "deb [signed-by=$key] $main $suite main" ;;
		esac
	done >"$dir/sources.list"
	say "fetching the package lists of $*"
	private_apt "$name" apt-get -qq update >&2 ||
		say 'some list could not be fetched; going on with the others'
	touch "$dir/fetched"
}

# unpack NAME ROOT PACKAGE...: download and unpack, nothing is installed. PACKAGE may be NAME=VERSION.
unpack() {
	local name=$1 root=$2 deb dir
	shift 2
	dir=$(mktemp -d "$KERNELS_DIR/deb.XXXXXX")
	mkdir -p "$root"
	(cd "$dir" && private_apt "$name" apt-get -qq download "$@") >&2 || {
		rm -rf "$dir"
		die "could not download $*"
	}
	for deb in "$dir"/*.deb; do dpkg-deb -x "$deb" "$root"; done
	rm -rf "$dir"
}
