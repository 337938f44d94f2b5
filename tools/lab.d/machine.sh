# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# The emulated host: QEMU's command line, and the daemon that shows it the outer machine's files.

# What follows spares the kernel work that costs time when it is emulated, and says nothing about
# KVM. Processors after the first are started by init, after the modules.
readonly KERNEL_WORDS='reboot=t panic=-1 mitigations=off maxcpus=1 cryptomgr.notests
rcupdate.rcu_expedited=1 init_on_alloc=0 random.trust_cpu=on audit=0 apparmor=0 printk.devkmsg=on'

readonly MEMORY_x86_64=2048
readonly MEMORY_arm64=1024

# Sets QEMU to the command that is the machine itself, without its memory, devices and kernel.
machine_x86_64() {
	QEMU=(qemu-system-x86_64 -M q35 -cpu 'EPYC,+svm,+npt,check=off')
	CONSOLE='console=ttyS0 tsc=reliable no_timer_check noreplace-smp'
}

# pauth-impdef: a pointer-authentication hash that is cheap to emulate.
machine_arm64() {
	QEMU=(qemu-system-aarch64 -M 'virt,virtualization=on,gic-version=3'
		-cpu 'max,pauth-impdef=on')
	CONSOLE='console=ttyAMA0'
}

# port NUMBER PATH: an output port of the job, written to PATH.
port() {
	QEMU+=(-chardev "file,id=port$1,path=$2"
		-device "virtserialport,bus=serial.0,nr=$1,chardev=port$1,name=lab.$1")
}

# Ports are numbered as init knows them. File descriptors: 3 status, 4 stdout, 5 stderr, 6 console.
machine_ports() {
	QEMU+=(-device 'virtio-serial-pci,id=serial,max_ports=8')
	case $STDIN_KIND in
	terminal)
		# Ctrl-] x ends QEMU, so that Ctrl-A stays the job's.
		QEMU+=(-echr 29 -chardev 'stdio,id=port0,signal=off,mux=on'
			-device 'virtconsole,bus=serial.0,nr=0,chardev=port0')
		;;
	pipe)
		QEMU+=(-chardev 'stdio,id=port3,signal=off'
			-device 'virtserialport,bus=serial.0,nr=3,chardev=port3,name=lab.3')
		;;
	esac
	port 1 /dev/fd/4
	port 2 /dev/fd/5
	port 4 /dev/fd/3
	QEMU+=(-chardev 'file,id=console,path=/dev/fd/6' -serial chardev:console)
}

# describe_machine LAB: sets QEMU to the whole command.
describe_machine() {
	local words

	"machine_$1"
	QEMU+=(-accel 'tcg,thread=multi' -smp "$CPUS" -m "$MEMORY"
		-nodefaults -no-user-config -display none -no-reboot
		-object "memory-backend-memfd,id=memory,size=${MEMORY}M,share=on"
		-numa 'node,memdev=memory'
		-chardev "socket,id=outer,path=$JOB/outer.socket"
		-device 'vhost-user-fs-pci,chardev=outer,tag=outer')
	machine_ports
	words="$CONSOLE ${KERNEL_WORDS//$'\n'/ } lab.job=$JOB lab.stdin=$STDIN_KIND"
	[ "$VERBOSE" = yes ] || words+=' quiet'
	QEMU+=(-kernel "$KERNEL" -initrd "$IMAGE" -append "$words")
}

# A child that dies with this shell, however that ends.
bound() {
	exec setpriv --pdeathsig KILL "$@"
}

make_noatime() {
	cc -D_GNU_SOURCE -O2 -shared -fPIC -o "$1" "$LAB_D/noatime.c" -ldl
}

# Sets FILES to the file daemon's command. Without root it runs in a user namespace, as the root
# that its sandbox needs; to the outer machine it is the user still.
describe_files() {
	local noatime

	FILES=("$VIRTIOFSD" -f -o source=/ -o sandbox=chroot -o cache=always)
	if [ "$(id -u)" -ne 0 ]; then
		noatime=$CACHE/lab/noatime-$(sha256sum <"$LAB_D/noatime.c" | cut -c 1-16).so
		once "$noatime" make_noatime
		FILES=(unshare --map-root-user --map-auto env "LD_PRELOAD=$noatime" "${FILES[@]}")
	fi
	FILES=("$LAB_D/listen" "$JOB/outer.socket" "${FILES[@]}")
}

# Starts the file daemon and waits until it is ready.
start_files() {
	local line

	exec {FILES_FD}< <(bound "${FILES[@]}" 2>&1 </dev/null)
	FILES_PID=$!
	while read -r -t 30 -u "$FILES_FD" line; do
		printf '%s\n' "$line" >>"$JOB/files.log"
		[[ $line == *'Waiting for vhost-user socket connection'* ]] && return
	done
	show_log files.log
	fail "the file daemon did not start"
}
