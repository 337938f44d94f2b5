# SPDX-License-Identifier: MIT
"""Programs for a terminal, on pseudo terminals of their own."""

from cases.case import shell

EXPECT = r'''
log_user 0; set timeout 20
spawn sh -c {stty -echo; echo ready; read line; echo "<$line>"; exit 4}
expect ready; send "hello\r"; expect -re {<(.*)>}; puts $expect_out(1,string); expect eof; puts [lindex [wait] 3]
spawn cat; send "one\r"; expect "one\r\none\r\n"; send "\004"; expect eof; puts end; wait
spawn sh -c {trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 1; done}
expect ready; send "\003"; expect interrupted; expect eof; puts [lindex [wait] 3]
'''
# What is in the window, once it is there.
TMUX = '''
export SHELL=/bin/sh; t="tmux -S ./t -f /dev/null"; $t new-session -d -x 60 -y 10 cat; $t send-keys hello Enter
until $t capture-pane -p | grep -c hello | grep -q 2; do sleep 0.05; done; $t capture-pane -p | head -n 3; $t split-window 'echo second; read x'
until $t list-panes | grep -q ^1; do sleep 0.05; done; until $t capture-pane -p | grep second; do sleep 0.05; done; $t list-panes | cut -d: -f1,2 | cut -c1-10
$t display-message -p '#{session_name} #{window_panes}'; $t kill-server; echo $?; rm -f t'''
SCREEN = '''
mkdir -m 700 s; export SCREENDIR=$PWD/s; screen -dmS x cat; until screen -ls | grep -q Detached; do sleep 0.05; done; screen -S x -X stuff 'hello\\n'
until [ -s h ] && [ $(grep -c hello h) = 2 ]; do sleep 0.1; screen -S x -X hardcopy $PWD/h; done; grep hello h; screen -S x -X quit; until screen -ls | grep -q 'No Sockets'; do sleep 0.05; done; rm -rf s h'''


def on_terminal(name, command, script, package, about, **more):
    """A command that is typed to, what it prints being for a terminal and not compared."""
    return shell(name, f'{{ {script}; }} | TERM=xterm script -qec "stty rows 24 cols 80; {command}" /dev/null >/dev/null; echo $?; [ ! -e x ] || cat x',
                 package, needs=(command.split()[0], 'script'), about=about, **more)


CASES = [
    shell('expect', 'expect x.exp', 'expect', about='a dialogue, the end of a file, an interrupt', files={'x.exp': EXPECT}, needs=('expect',)),
    shell('tmux', TMUX, 'tmux', about='a server, two panes, what is typed and seen', needs=('tmux',)),
    shell('screen', SCREEN, 'screen', about='a detached session, what is typed and seen', needs=('screen',)),
    on_terminal('vim', 'vim -u NONE -i NONE -n x', 'sleep 0.5; printf \'ihello\\033:wq\\r\'; sleep 1', 'vim', 'a line is typed and written'),
    on_terminal('nano', 'nano -I x', 'sleep 0.5; printf \'hello\\017\\r\'; sleep 0.5; printf \'\\030\'; sleep 0.5', 'nano', 'a line is typed and written'),
    on_terminal('less', 'less +G y', 'sleep 0.5; printf \'gq\'; sleep 0.5', 'less', 'the end and the beginning of a file', files={'y': 'line\n' * 1000}),
    on_terminal('htop', 'htop', 'sleep 1; printf q; sleep 0.5', 'htop', 'what runs', uncompared=()),
    shell('script', 'script -qec "tty | tr -d 0-9; stty -a | head -n 1; echo hello; mesg n; mesg; exit 3" /dev/null', 'bsdutils', about='a program on a terminal, its mode, mesg', status=3, needs=('script', 'mesg')),
]
