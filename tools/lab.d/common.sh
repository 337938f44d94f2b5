# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What tools/lab and tools/sysroot share: messages, the cache folder, and fetching Debian packages.

readonly LAB_FAILED=125

say() {
	printf '%s: %s\n' "$PROGRAM" "$*" >&2
}

fail() {
	say "$*"
	exit "$LAB_FAILED"
}

# Where everything that is fetched or made goes; it is made when it is first written to.
CACHE=${KEG_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/keg}
[[ $CACHE == /* ]] || CACHE=$PWD/$CACHE

make_folder() {
	mkdir -p "$1" 2>/dev/null ||
		fail "cannot make the cache folder $1: set KEG_CACHE to a folder that you can write"
}

# with_lock FILE COMMAND...: one process at a time; the others wait, then find the work done.
with_lock() {
	local lock=$1 status=0
	shift

	{ exec {LOCK_FD}>"$lock"; } 2>/dev/null ||
		fail "cannot write $lock: set KEG_CACHE to a folder that you can write"
	if ! flock --nonblock "$LOCK_FD"; then
		say "waiting for another run that fetches the same ($lock)"
		flock "$LOCK_FD"
	fi
	"$@" || status=$?
	exec {LOCK_FD}>&-
	return "$status"
}

# once TARGET MAKER ARGS...: makes the folder or file TARGET unless it is there. MAKER gets a
# temporary path to fill as its last argument; TARGET appears when it is complete, or not at all.
once() {
	local target=$1
	shift

	[ -e "$target" ] && return 0
	make_folder "${target%/*}"
	with_lock "${target%/*}/.lock" make_once "$target" "$@"
}

make_once() {
	local target=$1 temp
	shift

	[ -e "$target" ] && return 0
	temp=$(mktemp -d "${target%/*}/.making.XXXXXX") || return
	# A subshell of its own, so that a maker may fail() and this still cleans up.
	if ( "$@" "$temp/made" ); then
		mv -T "$temp/made" "$target" && rm -rf "$temp"
	else
		rm -rf "$temp"
		fail "could not make $target"
	fi
}

# apt's settings for another architecture: a package index of our own in FOLDER, so that
# neither root nor `dpkg --add-architecture` is needed. Sources and keys are the machine's.
apt_conf() {
	local arch=$1 folder=$2

	cat <<-CONF
		#clear APT::Architectures;
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::GzipIndexes "true";
		Dir::State "$folder";
		Dir::State::Lists "$folder/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$folder";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
	CONF
}

# apt_index ARCH: brings the index up to date; prints the path of its apt configuration.
apt_index() {
	local arch=$1 folder=$CACHE/apt/$1

	command -v apt-get >/dev/null ||
		fail "fetching Debian packages needs apt-get, which is not on this machine"
	mkdir -p "$folder/lists/partial" "$folder/archives/partial" &&
		apt_conf "$arch" "$folder" >"$folder/apt.conf" || return
	say "fetching the index of Debian's $arch packages"
	apt-get -qq -c "$folder/apt.conf" update >&2 || return
	printf '%s\n' "$folder/apt.conf"
}

# fetch_packages ARCH FOLDER PACKAGE...: unpacks packages into FOLDER; nothing is installed.
# A package written as NAME> stands for the package that NAME depends on first (a kernel's).
fetch_packages() {
	local arch=$1 folder=$2 conf name deb
	shift 2

	mkdir -p "$folder/.debs" || return
	conf=$(with_lock "$CACHE/.apt-$arch.lock" apt_index "$arch") || return
	for name in "$@"; do
		if [[ $name == *'>' ]]; then
			name=$(apt-cache -c "$conf" depends --important "${name%>}" |
				sed -n 's/^ *Depends: *//p' | head -n 1)
		fi
		[ -n "$name" ] || fail "the machine's apt sources have no such $arch package: $*"
		say "fetching $name ($arch)"
		(cd "$folder/.debs" && apt-get -qq -c "$conf" download "$name" >&2) || return
	done
	for deb in "$folder"/.debs/*.deb; do
		dpkg -x "$deb" "$folder" || return
	done
	rm -rf "$folder/.debs"
}
