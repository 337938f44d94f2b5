# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What the outer machine must have: one table, which --check, --install and every run read.

readonly VIRTIOFSD=/usr/lib/qemu/virtiofsd

# lab, what must be there (a program or a path), Debian package. Without root, newuidmap lends the
# file daemon the root of a user namespace.
readonly NEEDS='
x86_64 qemu-system-x86_64                  qemu-system-x86
x86_64 /usr/share/seabios/bios-256k.bin    seabios
x86_64 /usr/lib/qemu/virtiofsd             qemu-system-common
x86_64 cpio                                cpio
x86_64 newuidmap                           uidmap
arm64  qemu-system-aarch64                 qemu-system-arm
arm64  /usr/lib/qemu/virtiofsd             qemu-system-common
arm64  cpio                                cpio
arm64  newuidmap                           uidmap
arm64  aarch64-linux-gnu-gcc               gcc-aarch64-linux-gnu
arm64  /usr/aarch64-linux-gnu/lib/libc.so.6 libc6-dev-arm64-cross
arm64  pkg-config                          pkg-config
'

is_there() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# each_need LAB COMMAND...: calls COMMAND with the thing and its package, for each need.
each_need() {
	local lab=$1 name thing package
	shift

	while read -r name thing package; do
		if [ "$name" = "$lab" ]; then
			"$@" "$thing" "$package"
		fi
	done <<<"$NEEDS"
}

print_missing() {
	is_there "$1" || printf '%s\n' "$2"
}

missing_packages() {
	each_need "$1" print_missing | sort -u | paste -s -d ' '
}

install_command() {
	printf 'apt-get install --no-install-recommends --yes %s' "$*"
}

# Ends with the one sentence that tells what to run where something is missing.
require_needs() {
	local lab=$1 missing
	missing=$(missing_packages "$lab")

	[ -z "$missing" ] ||
		fail "the $lab lab lacks $missing: run, as root, \`tools/lab --install $lab\`"
}

# Another apt-get at work is waited for.
apt_quietly() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@" >&2
}

install_needs() {
	local lab=$1 packages
	packages=$(missing_packages "$lab")

	if [ -z "$packages" ]; then
		say "all that the $lab lab needs is installed"
		return 0
	fi
	if [ "$(id -u)" -ne 0 ]; then
		say "run this as root: $(install_command "$packages")"
		return 1
	fi
	say "installing $packages"
	apt_quietly update || fail "apt-get could not read its sources"
	# Word splitting is wanted: a list of package names.
	# shellcheck disable=SC2086
	apt_quietly install --no-install-recommends --yes $packages ||
		fail "apt-get could not install $packages"
}

check_one() {
	if is_there "$1"; then
		printf '  ok       %s\n' "$1"
	else
		printf '  missing  %s (package %s)\n' "$1" "$2"
	fi
}

# Prints a line for each thing; answers whether a lab could run now, without fetching.
check_needs() {
	local lab=$1 missing
	missing=$(missing_packages "$lab")

	printf '%s:\n' "$lab"
	each_need "$lab" check_one
	check_cache "$lab"
	if [ -n "$missing" ]; then
		printf '  to get it, as root: %s\n' "$(install_command "$missing")"
		return 1
	fi
}
