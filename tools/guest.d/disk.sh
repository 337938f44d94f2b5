# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Disk images of Linux guests.

readonly DEBIAN_PACKAGES='systemd-sysv,udev,iproute2,openssh-server,dbus,netbase,iputils-ping'

# ext4 FOLDER IMAGE SIZE: an image of a file system with the folder's files.
ext4() {
	truncate -s "$3" "$2" &&
		PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -F -L root \
			-E lazy_itable_init=0,lazy_journal_init=0 -d "$1" "$2"
}

make_demo_disk() {
	local image=$1 tree=$1.tree

	fetch_packages amd64 "$tree" base-files busybox-static &&
		link_busybox "$tree" &&
		mkdir -p "$tree"/{dev,proc,sys,sbin,tmp,root,etc} &&
		cp "$GUEST_D/demo-init" "$tree/sbin/init" && cp "$GUEST_D/dhcp" "$tree/sbin/dhcp" &&
		chmod 0755 "$tree/sbin/init" "$tree/sbin/dhcp" &&
		rm -rf "$tree/usr/share/doc" && ext4 "$tree" "$image" 96M
}

# Debian as it comes, but for what only a console without a password needs.
make_debian_disk() {
	local image=$1 tree=$1.tree

	say "making a Debian system with mmdebstrap: a minute or two"
	mmdebstrap --quiet --variant=minbase --include="$DEBIAN_PACKAGES" \
		--customize-hook="$GUEST_D/debian-setup \"\$1\"" bookworm "$tree" >&2 &&
		ext4 "$tree" "$image" 1G && rm -rf "$tree"
}

print_disk() {
	local kind=$1 key image

	case $kind in
	demo) key=$(cat "$GUEST_D"/{demo-init,dhcp,disk.sh}) ;;
	debian)
		key=$(cat "$GUEST_D"/{debian-setup,disk.sh})
		command -v mmdebstrap >/dev/null ||
			fail "a Debian disk needs mmdebstrap: run \`tools/deps guest\`"
		;;
	*) fail "there is no disk \"$kind\": demo or debian" ;;
	esac
	key=$(sha256sum <<<"$key" | cut -c 1-16)
	image=$CACHE/guest/$kind-$key.img
	once "$image" "make_${kind}_disk"
	printf '%s\n' "$image"
}
