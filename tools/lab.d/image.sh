# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2153
# The lab's kernel and its initramfs: fetched and made once, kept in the cache.

# Loaded in this order, with what they depend on before each.
readonly MODULES_x86_64='kvm-amd virtio_pci virtio_console virtiofs overlay tun loop'
readonly MODULES_arm64='virtio_pci virtio_console virtiofs overlay'

# The programs of busybox that the lab's own scripts call.
readonly APPLETS='cat chmod chroot cp echo hostname insmod ip ln mkdir mkfifo mount poweroff
readlink sed setsid sh sync tr umount unshare usleep'

debian_arch() {
	case $1 in
	x86_64) echo amd64 ;;
	arm64) echo arm64 ;;
	esac
}

check_cache() {
	local system=$CACHE/lab/$1/system

	if [ -e "$system" ]; then
		printf '  ok       %s\n' "$(kernel_of "$system")"
	else
		printf '  fetched on first use, or by tools/lab --fetch %s: a kernel and busybox\n' "$1"
	fi
}

kernel_of() {
	local kernel
	for kernel in "$1"/boot/vmlinu*; do
		printf '%s\n' "$kernel"
		return
	done
}

fetch_system() {
	local arch
	arch=$(debian_arch "$1")

	fetch_packages "$arch" "$2" "linux-image-cloud-$arch>" busybox-static
}

# Prints the files of the modules named, each after those it depends on, perhaps repeated.
modules_in_order() {
	local system=$1 name file depends
	shift

	for name in "$@"; do
		file=$(find "$system/lib/modules" -name "$name.ko" -o -name "${name//-/_}.ko" \
			-o -name "${name//_/-}.ko" | head -n 1)
		[ -n "$file" ] || fail "the lab's kernel has no module $name"
		depends=$(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr ',' ' ')
		# Word splitting is wanted: a list of module names.
		# shellcheck disable=SC2086
		modules_in_order "$system" $depends || return
		printf '%s\n' "$file"
	done
}

# make_image LAB SYSTEM IMAGE: an uncompressed archive; unpacking costs more than reading here.
make_image() {
	local lab=$1 system=$2 image=$3 list=MODULES_$1 tree file applet modules
	tree=$image.tree

	mkdir -p "$tree"/{bin,dev,modules,proc,sys} || return
	cp "$system/bin/busybox" "$tree/bin/" || return
	for applet in $APPLETS; do
		ln -s busybox "$tree/bin/$applet"
	done
	cp "$LAB_D/init" "$LAB_D/job" "$tree/" && cp "$LAB_D/root.$lab" "$tree/root.sh" &&
		chmod 0755 "$tree/init" "$tree/job" || return
	# shellcheck disable=SC2086
	modules=$(modules_in_order "$system" ${!list}) || return
	while read -r file; do
		cp "$file" "$tree/modules/" && echo "${file##*/}" >>"$tree/modules/order" || return
	done < <(awk '!seen[$0]++' <<<"$modules")
	(cd "$tree" && find . | LC_ALL=C sort |
		cpio --quiet --create --format=newc --owner=0:0) >"$image"
}

# image_key LAB SYSTEM: changes whenever the image would.
image_key() {
	{
		kernel_of "$2"
		cat "$LAB_D/init" "$LAB_D/job" "$LAB_D/root.$1" "$LAB_D/image.sh"
	} | sha256sum | cut -c 1-16
}

# Fetches and makes what is missing; sets KERNEL and IMAGE.
prepare_image() {
	local lab=$1 cache=$CACHE/lab/$1

	once "$cache/system" fetch_system "$lab"
	KERNEL=$(kernel_of "$cache/system")
	IMAGE=$cache/initramfs-$(image_key "$lab" "$cache/system").img
	once "$IMAGE" make_image "$lab" "$cache/system"
}
