# SPDX-License-Identifier: MIT
"""Shells, and what they call: dash, bash, coreutils."""

from cases.case import Case, shell

BASH = '/bin/bash'


def dash(name, script, **more):
    return shell(f'dash-{name}', script, about=f'dash: {name}', **more)


def bash(name, script, **more):
    return shell(f'bash-{name}', script, 'bash', BASH, about=f'bash: {name}', **more)


def coreutils(name, script, **more):
    return shell(f'coreutils-{name}', script, 'coreutils', about=f'coreutils: {name}', **more)


DASH = [
    dash('pipes', '''
        seq 1 5000 | grep -v 3 | sort -rn | head -n 7 | while read n; do echo "<$n>"; done
        yes | head -n 3; (echo a; echo b >&2) 2>&1 | sort
        false | true; echo $?; ! true | false; echo $?'''),
    dash('subshells', '''
        x=1; (x=2; (x=3; echo $x); echo $x); echo $x
        for i in 1 2 3; do (exit $i); echo $?; done
        a=$(cd /usr; pwd); echo $a; pwd | sed "s|$HOME|home|"'''),
    dash('traps', '''
        trap 'echo exit' EXIT; trap 'echo usr1' USR1; kill -USR1 $$; kill -USR1 $$
        (trap 'echo inner; exit 4' TERM; kill -TERM $(sh -c 'echo $PPID'); echo never); echo $?
        trap '' INT; kill -INT $$; echo still; trap - INT; kill -INT $$; echo never''', status=-2),
    dash('heredoc', '''
        n=7; cat <<END; cat <<'END'; cat <<-END | tr a-z A-Z
        n is $n, $((n * 6)), $(echo nested)
END
        n is $n
END
\t\ttabs gone
\tEND
        i=0; while [ $i -lt 3 ]; do cat <<END
$i
END
        i=$((i + 1)); done'''),
    dash('jobs', '''
        for i in 1 2 3; do (sleep 0.$i; exit $i) & eval p$i=$!; done
        wait $p3; echo $?; wait $p1; echo $?; wait $p2; echo $?; wait; echo $?
        sleep 30 & kill $!; wait $!; echo $?'''),
    dash('files', '''
        umask 027; mkdir d; echo x >d/f; : >>d/g; ln -s f d/l; cat d/l
        exec 3>out 4<d/f; read v <&4; echo $v >&3; exec 3>&- 4<&-; cat out
        for f in d/*; do [ -L $f ] && echo "$f link" || echo "$f"; done
        cd d && rm f && cat l; echo $?; set -C; echo no >g; echo $?'''),
    dash('errors', 'nothing; echo $?; ./f; echo $?; /; echo $?; cd /nothing; echo $?; '
                   'echo x >/proc/nothing; . /nothing', files={'f': 'no program'}, status=2),
    dash('script', './first a "b c"; echo $?', files={
        'first': '#!/bin/sh\necho "$0 $# $2"; exec ./second "$@"\n',
        'second': '#!/bin/bash -e\necho "second: $*"; false; echo never\n'}),
    dash('killed', 'kill -KILL $$', status=-9),
    dash('segfault', 'ulimit -c 0; kill -SEGV $$', status=-11),
    dash('many', 'i=0; while [ $i -lt 300 ]; do i=$((i + 1)); /bin/true; done; echo $i', long=True),
    dash('limits', 'ulimit -c 0; ulimit -c; ulimit -n 100; ulimit -n; ulimit -f 1; '
                   '(dd if=/dev/zero of=big bs=1k count=600 2>/dev/null); echo $?; wc -c big'),
]

BASHES = [
    bash('arrays', '''
        a=(one two "three four"); declare -A m=([x]=1 [y]=2); a+=(five); unset 'a[0]'
        echo "${#a[@]} ${a[*]} ${!a[*]} ${a[@]: -1}"; for k in x y; do echo "$k=${m[$k]}"; done
        mapfile -t lines < <(seq 5); printf '[%s]' "${lines[@]}"; echo
        s=hello; echo ${s^^} ${s:1:3} ${s/l/L} ${s//l/L} ${#s}; [[ $s =~ h(.)l ]] && echo ${BASH_REMATCH[1]}'''),
    bash('substitution', '''
        diff <(seq 5) <(seq 2 6); paste <(echo a) <(echo b) <(echo c); cat <(cat <(cat <(echo deep)))
        (tee >(tr a-z A-Z >upper) >(wc -c >count) <<<"some words" >/dev/null)
        while [ ! -s upper ] || [ ! -s count ]; do sleep 0.02; done; cat upper count; read a b <<<"x y z"; echo "$b"'''),
    bash('jobs', '''
        for i in 3 1 2; do (sleep 0.$((i * 3)); exit $i) & done
        wait -n; echo $?; wait -n; echo $?; wait -n; echo $?; wait -n; echo $?
        coproc cat; echo through >&"${COPROC[1]}"; read -r x <&"${COPROC[0]}"; echo $x
        exec {COPROC[1]}>&-; wait'''),
    bash('traps', '''
        set -eE; trap 'echo "line $LINENO: $BASH_COMMAND"' ERR; trap 'echo done $?' EXIT
        trap 'echo hup' HUP; kill -HUP $$; f() { false; }; f || echo caught; (exit 5)''', status=5),
    bash('pipestatus', '''
        set -o pipefail; false | true | (exit 4); echo $? ${PIPESTATUS[*]}
        yes | head -n 1; echo ${PIPESTATUS[*]}; shopt -s lastpipe; echo v | read x; echo "$x"'''),
    bash('globs', '''
        shopt -s globstar nullglob
        echo **/*.c; echo echo [ab]*; echo nothing*
        for f in ?.c; do echo "$f"; done; echo {1..5}{x,y} ~''',
         make='mkdir -p d/e; touch a.c b.c d/c.c d/e/f.c d/g.h'),
    bash('arithmetic', '''
        f() { (($1 < 2)) && echo $1 || echo $(($(f $(($1 - 1))) + $(f $(($1 - 2))))); }; f 9
        for ((i = 0, s = 0; i < 20000; i++)); do ((s += i ^ 5)); done; echo $s $((2 ** 62)) $((16#ff))
        printf '%(%F %T)T\\n' 86399; printf '%q %03d %x\\n' 'a b' 7 255'''),
    bash('read', '''
        while IFS=, read -r a b; do echo "$b-$a"; done <data; exec 5<>pipe; read -t 0.1 x <&5; echo $?
        read -n 3 y <data; echo $y; read -d , z <data; echo "$z"; echo p >&5; read q <&5; echo $q''',
         files={'data': '1,2\n3,4\nx,y z\n'}, make='mkfifo pipe'),
    bash('signals', '''
        trap 'echo term; exit 3' TERM; (sleep 0.1; kill -TERM $$) & sleep 10 & wait $!; echo never''', status=3),
    bash('loops', 'for ((i = 0; i < 100; i++)); do x=$(echo $i | sed s/1/one/); done; echo $x', long=True),
]

TREE = 'mkdir -p t/a/b t/c; seq 1000 >t/a/n; echo x >t/c/x; ln -s ../a/n t/c/l; ln t/a/n t/a/h; ' \
       'chmod 604 t/c/x; find t -exec touch -h -d "2023-04-05 06:07:08.123456789" {} +'
COREUTILS = [
    coreutils('sort', 'sort -n n | md5sum; sort -R --random-source=n n | sort -n | uniq -c | wc -l; '
                      'sort -k 1.2,1.3 -s n | tail -n 2; sort -S 100k --parallel=2 n | md5sum; '
                      'comm -12 n n; join n n | head -n 2; tsort n | head -n 1', make='seq 1 3 20000 | rev | sort >n'),
    coreutils('copy', 'cp -a t u; cp --reflink=auto t/a/n v; cp -r --preserve=mode t/c w; install -m 751 t/a/n i/j -D; '
                      'mv u/a moved; ls -lR --time-style=full-iso u moved | grep -v total; cp -v t/c/x y; cp t z', make=TREE, status=1),
    coreutils('ls', 'ls -lRn --time-style=full-iso t | grep -v ^total; ls -aF t/c; ls --color=always t/c; stat -c "%n %s %a %h %y %F" t/*/*; '
                    'ls -U1 t | sort; dir t; ls -li t/a | awk "{ print \\$1 }" | sort -u | wc -l; readlink -e t/c/l | sed "s|.*/||"', make=TREE),
    coreutils('sums', 'for s in md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum sum; do $s t/a/n t/c/x; done; '
                      'md5sum t/a/* >m; md5sum -c m; basenc --base32 t/c/x; base64 t/a/n | md5sum; od -An -tx4 t/a/n | head -n 2', make=TREE),
    coreutils('texts', 'fmt -w 30 f; fold -w 20 f; pr -h x -l 20 f | grep -v -e - ; nl f; expand f | unexpand -a; tac f; paste -d: f f; '
                       'cut -c 3-9 f; tr -s a-z < f; wc f; ptx f | head -n 3; head -c 20 f; tail -c 20 f; csplit -s f 3; split -n 3 f s.; shuf --random-source=f f',
              files={'f': 'the quick brown\tfox jumps\nover the lazy dog\nand then some more of it\nlast\n'}),
    coreutils('dd', 'dd if=/dev/zero bs=64k count=64 status=none | md5sum; dd if=t/a/n of=o bs=100 skip=2 seek=5 count=7 2>&1 | head -n 2; '
                    'dd if=o conv=ucase,swab status=none | md5sum; truncate -s 1M sparse; cp --sparse=always sparse s2; stat -c %s s2; '
                    'dd if=/dev/full of=/dev/full count=1 2>&1 | head -n 1; head -c 100000 /dev/urandom | wc -c', make=TREE),
    coreutils('times', 'touch -d "2001-02-03 04:05:06.5" a; stat -c "%y" a; touch -r a b; touch -a -t 200001010000 a; stat -c "%x %y" a b; '
                       'date -r a +%s; date -d @1e9 2>&1; TZ=Asia/Tokyo date -d @0; date -d 2024-02-30', status=1),
    coreutils('run', 'env -i A=b env; nice -n 5 nice; timeout 0.1 sleep 9; echo $?; timeout -s INT 0.1 sleep 9; echo $?; nohup echo x; '
                     'stdbuf -o0 echo y; printenv HOME | wc -l; sh -c "exit 9"; echo $?; setsid -w echo s; nproc >/dev/null; sleep 0.01 0.02'),
    coreutils('names', 'id -u; id -un; whoami; groups; logname; tty; pwd; uname -s -m; hostid | wc -c; dirname a/b; basename a/b.c .c; realpath t/../t/c/l; pathchk -p x; mktemp -u | wc -c; '
                       'test -w t && echo writable; test -O t && echo own; getconf PAGE_SIZE; arch', make=TREE,
              alike=((r'logname: no login name\n', ''),)),
    coreutils('numbers', 'seq -w 3 9 | paste -sd+ | bc; factor 18446744073709551557 360; numfmt --to=iec 1048576 123456; expr 3 + 4 \\* 2; printf "%.3e %a\\n" 12345 1; '
                         'seq 1e6 | tail -n 1; echo $((1 << 40))', needs=('bc',)),
    coreutils('fifo', 'mkfifo p; cat p >o & seq 100000 >p; wait; md5sum o; mknod n p; ls -l n p | cut -c 1-10; test -p p && echo pipe'),
    coreutils('refused', 'mkdir t/c/x; rmdir t; rm t; mv t t/a; ln t hard; cat t; cp x; ls -d t/nothing; '
                         'chmod 999 t; true', make=TREE)]

# On a pseudo terminal of its own.
TERMINALS = [
    shell('script', 'script -qec "stty -a; test -t 0 && echo terminal; exit 3" log </dev/null; echo $?; rm log',
          'bsdutils', about='script: a terminal', needs=('/usr/bin/script',)),
]

CASES = [Case('true', ['/bin/true'], 'coreutils', 'true'),
         Case('false', ['/bin/false'], 'coreutils', 'false', status=1),
         Case('input', ['/bin/cat'], 'coreutils', 'cat of 4 MiB through pipes',
              input=bytes(range(256)) * 16384)] + DASH + BASHES + COREUTILS + TERMINALS
