# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# The initrd of Linux guests: busybox, the drivers of keg's machine, and init.

# Loaded in this order, with what they depend on before each.
readonly GUEST_MODULES='virtio_pci virtio_mmio virtio_blk virtio_net virtio_console virtio_rng
pvpanic-mmio button evdev'

readonly GUEST_APPLETS='awk cat chmod chroot cmp cp cut date dd df echo env expr false free fstrim grep
halt head hostname ifconfig insmod ip kill ln ls md5sum mkdir mknod mount mv nc nproc od ping
poweroff ps reboot rm route sed seq setsid sh sha256sum sleep sort stat switch_root sync tail
tee telnet test time timeout touch tr true udhcpc umount uname usleep wc wget xargs'

# link_busybox FOLDER: its applets, beside it.
link_busybox() {
	local applet

	for applet in $GUEST_APPLETS; do
		ln -s busybox "$1/bin/$applet" || return
	done
}

# archive FOLDER: its files as a newc archive, which the kernel unpacks; root's, to the guest.
archive() {
	(cd "$1" && find . | LC_ALL=C sort |
		cpio --quiet --create --format=newc --owner=0:0)
}

make_initrd() {
	local system=$CACHE/lab/x86_64/system image=$1 tree=$1.tree modules

	mkdir -p "$tree"/{bin,dev,etc,modules,proc,sys,root,tmp} &&
		cp "$system/bin/busybox" "$tree/bin/" && link_busybox "$tree" &&
		cp "$GUEST_D/init" "$GUEST_D/dhcp" "$tree/" && chmod 0755 "$tree"/{init,dhcp} || return
	# Word splitting is wanted: a list of module names.
	# shellcheck disable=SC2086
	modules=$(modules_in_order "$system" $GUEST_MODULES) || return
	while read -r file; do
		cp "$file" "$tree/modules/" && echo "${file##*/}" >>"$tree/modules/order" || return
	done < <(awk '!seen[$0]++' <<<"$modules")
	archive "$tree" >"$image"
}

print_initrd() {
	local key image

	print_kernel >/dev/null
	key=$({
		kernel_of "$CACHE/lab/x86_64/system"
		cat "$GUEST_D/init" "$GUEST_D/dhcp" "$GUEST_D/initrd.sh"
	} | sha256sum | cut -c 1-16)
	image=$CACHE/guest/initrd-$key.img
	once "$image" make_initrd
	printf '%s\n' "$image"
}

# The kernel unpacks archives that follow each other: the job's comes after the drivers'.
make_job_initrd() {
	local image=${!#} base=$1 job=$2 tree=${!#}.tree

	mkdir -p "$tree" && cp "$job" "$tree/job" && chmod 0755 "$tree/job" || return
	[ $# -eq 3 ] || cp "${@:3:$#-3}" "$tree/" || return
	{ cat "$base" && archive "$tree"; } >"$image"
}

print_job_initrd() {
	local base file key image

	for file; do
		[ -f "$file" ] || fail "there is no file $file"
	done
	base=$(print_initrd) || exit
	key=$({ echo "$base" "$@"; cat "$@"; } | sha256sum | cut -c 1-16)
	image=$CACHE/guest/job-$key.img
	once "$image" make_job_initrd "$base" "$@"
	printf '%s\n' "$image"
}
