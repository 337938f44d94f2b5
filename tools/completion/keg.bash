# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of keg's command line in bash: the program itself knows what may come next. Where it says
# nothing, bash offers files.
_keg() {
	mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _keg keg
