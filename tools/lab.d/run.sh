# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2153
# One run of a job in a lab: write it down, start the machine, pass the output, get the status.

# TCG's own fault, seen rarely; the run says nothing about the job then.
readonly QEMU_FAULT='tcg_handle_interrupt: assertion failed'
readonly ATTEMPTS=3

quote() {
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

show_log() {
	[ -s "$JOB/$1" ] && tail -n 20 "$JOB/$1" | sed "s/^/  ${1%.log}: /" >&2
}

# The folder's path is on the kernel's command line, where blanks and quotes mean something, and
# that of a socket, which is short.
make_job_folder() {
	local base=${TMPDIR:-/tmp}

	[[ $base =~ ^/[A-Za-z0-9_./+-]{0,80}$ ]] || base=/tmp
	JOB=$(mktemp -d "$base/lab.XXXXXX") || fail "cannot make a folder in $base"
}

# The script that the lab's shell runs: folder, environment, command.
job_script() {
	local name word

	printf 'cd %s || exit %s\n' "$(quote "$PWD")" "$LAB_FAILED"
	printf 'unset OLDPWD\n'
	for name in "${!ENVIRONMENT[@]}"; do
		printf 'export %s=%s\n' "$name" "$(quote "${ENVIRONMENT[$name]}")"
	done
	if [ "$STDIN_KIND" = terminal ]; then
		printf 'stty rows %s cols %s\n' "${LINES:-24}" "${COLUMNS:-80}"
	fi
	printf exec
	for word in "$@"; do
		printf ' %s' "$(quote "$word")"
	done
	printf '\n'
}

print_lines() {
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

write_job() {
	job_script "$@" >"$JOB/command"
	print_lines "${WRITABLE[@]}" >"$JOB/writable"
	print_lines "$PWD" "$TREE" "$JOB" >"$JOB/show"
	printf '%s' "$SYSROOT" >"$JOB/sysroot"
}

# Starts what carries the job's streams; each ends when QEMU, at its other end, does. A reader of
# ours that went away is told to this shell, which ends the lab.
start_streams() {
	exec {OUT_FD}> >(cat || kill -USR1 $$)
	OUT_PID=$!
	exec {ERR_FD}> >(cat >&2 || kill -USR1 $$)
	ERR_PID=$!
	case $STDIN_KIND in
	pipe) exec {IN_FD}< <(bound cat <&"$USER_STDIN") ;;
	terminal) exec {IN_FD}<&"$USER_STDIN" ;;
	none) exec {IN_FD}</dev/null ;;
	esac
}

start_qemu() {
	exec {USER_STDOUT}>&1
	exec {STATUS_FD}< <(
		exec 3>&1 4>&"$OUT_FD" 5>&"$ERR_FD" 6>&2 <&"$IN_FD" 2>>"$JOB/qemu.log"
		[ "$VERBOSE" = yes ] || exec 6>>"$JOB/console.log"
		if [ "$STDIN_KIND" = terminal ]; then
			exec 1>&"$USER_STDOUT"
		else
			exec 1>&2
		fi
		bound "${QEMU[@]}"
	)
	QEMU_PID=$!
	exec {OUT_FD}>&- {ERR_FD}>&- {IN_FD}<&- {USER_STDOUT}>&-
}

# Ends the machine and the file daemon, and waits for the last of the output.
stop_machine() {
	local pid

	for pid in $QEMU_PID $FILES_PID; do
		kill -KILL "$pid" 2>/dev/null
	done
	for pid in $QEMU_PID $FILES_PID $OUT_PID $ERR_PID; do
		wait "$pid" 2>/dev/null
	done
	QEMU_PID='' FILES_PID='' OUT_PID='' ERR_PID=''
	[ -z "$TERMINAL_MODE" ] || stty "$TERMINAL_MODE" <&"$USER_STDIN"
}

# One boot. Sets STATUS to the job's status, or leaves it empty where the lab failed.
run_once() {
	local line='' reading=0

	rm -f "$JOB"/*.log
	start_files
	start_streams
	start_qemu
	read -r -t "$TIMEOUT" -u "$STATUS_FD" line || reading=$?
	stop_machine
	exec {STATUS_FD}<&- {FILES_FD}<&-
	STATUS=''
	if [[ $line == 'status '* ]]; then
		STATUS=${line#status }
	elif [ "$reading" -gt 128 ]; then
		say "the time limit of $TIMEOUT s is over"
		STATUS=124
	fi
}

run_job() {
	local attempt

	for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
		run_once
		[ -z "$STATUS" ] || return 0
		show_log console.log
		show_log qemu.log
		grep -q "$QEMU_FAULT" "$JOB/qemu.log" || break
		say "QEMU failed by a fault of its own, which says nothing about the command"
		# What was read from a stream cannot be read again.
		[ "$STDIN_KIND" = none ] || break
		[ "$attempt" -eq "$ATTEMPTS" ] || say "running it again: its output starts over"
	done
	fail "the $LAB lab ended before the command did"
}

finish() {
	stop_machine
	rm -rf "$JOB"
}
