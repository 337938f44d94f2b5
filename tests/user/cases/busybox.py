# SPDX-License-Identifier: MIT
"""busybox, static: its shell runs its own applets, one or a few a case."""

from cases.case import Case

WORDS = 'pear 3\napple 7\nfig 3\nquince 11\napple 2\nmedlar 5\n'
NUMBERS = ''.join(f'{i * 7919 % 1000} {i}\n' for i in range(2000))
FILES = {
    'words': WORDS,
    'numbers': NUMBERS,
    'tree/a/one': 'one\n' * 100,
    'tree/a/two': 'two\n',
    'tree/b/c/three': '',
    'tree/run': '#!/bin/sh\necho run\n',
    'data': bytes(i * i % 251 for i in range(70000)),
}
# Modes as they may be, and times that ls and tar show.
MAKE = 'chmod 640 words; ln -s a/one tree/link; find . -exec touch -h -d "2024-01-02 03:04:05" {} +'

# Applets, and the script that runs them in the shell, where they are what their names mean.
SCRIPTS = {
    'ar': 'ar -t lib.a; ar -p lib.a words | md5sum',
    'ascii': 'ascii',
    'ash': 'f() { local i=0; while [ $i -lt 200 ]; do i=$((i + 1)); done; echo $i; }; f; (exit 3); '
           'echo $?; echo ${1:-none} "$#"; set -- a b c; shift; echo "$@"; trap "echo bye" EXIT',
    'awk': "awk '{ s[$1] += $2 } END { for (w in s) print w, s[w] }' words | sort; "
           "awk 'BEGIN { printf \"%.6f %d %s\\n\", 22 / 7, 7 % 2, toupper(\"x\") }'",
    'base64': 'base64 data | tail -n 3; base64 data | base64 -d | cmp - data && echo same',
    'basename': 'basename /usr/lib/x.so .so; dirname /usr/lib/x.so',
    'bc': 'echo "scale=30; 4*a(1); 2^200; sqrt(2)" | bc -l',
    'bunzip2': 'bzip2 -k data; bunzip2 -c data.bz2 | cmp - data && echo same; bzcat data.bz2 | wc -c',
    'bzip2': 'bzip2 -9 data; ls -l data.bz2 | cut -c 1-10; bzip2 -d data.bz2; wc -c data',
    'cal': 'cal 2 2024; cal -y 1999 | md5sum',
    'cat': 'cat words - words <numbers | wc; cat -n words; cat nothing',
    'chmod': 'chmod 1751 data; chmod -R go-rwx tree; chmod u+x,g=w words; ls -ln | cut -c 1-10',
    'chown': 'chown 0:0 data; chown -h 0 tree/link; chgrp -R 0 tree; ls -lnR | cut -c 1-30',
    'cmp': 'cmp words numbers; cmp words words; echo $?; cmp -l data words | head -n 3',
    'cp': 'cp -a tree copy; cp words w2; cp -r tree/a c2; find copy c2 | sort; cp nothing x',
    'cpio': 'find tree | sort | cpio -o -H newc >t.cpio; mkdir x; cd x; cpio -idm <../t.cpio; '
            'find . | sort; cpio -t <../t.cpio',
    'crc32': 'crc32 data words; cksum data 2>&1',
    'cut': 'cut -d " " -f 2 words; cut -c 2-4 words; cut -b 1,3 words',
    'date': 'date -u -d @86399 "+%F %T %j %a"; TZ=EST5 date -d "2024-01-02 03:04" +%c',
    'dc': 'echo "2 100 ^ p 10 k 2 v p" | dc; dc -e "[la 1 + d sa p 5 >x] sx 0 sa lx x"',
    'dd': 'dd if=data bs=1000 skip=3 count=5 2>/dev/null | md5sum; dd if=data of=o bs=4k conv=sync '
          '2>&1 | head -n 2; dd if=words of=data bs=1 seek=100 conv=notrunc 2>/dev/null',
    'diff': 'diff -u words numbers | sed 1,2d | head -n 20; cp -a tree t2; echo x >>t2/a/two; '
            'rm t2/run; diff -rq tree t2',
    'dos2unix': 'unix2dos words; od -c words | head -n 2; dos2unix words; od -c words | head -n 2',
    'du': 'du -a nothing; echo $?; printf x >y; du -b y 2>&1 | head -n 1',
    'echo': 'echo -n a; echo -e "b\\tc\\x41"; echo "d  e"',
    'ed': 'printf "2d\\n1a\\nnew\\n.\\n,p\\nw\\nq\\n" | ed words',
    'egrep': 'egrep -c "a|q" words; fgrep -n 3 words; egrep -v "^(a|f)" words',
    'env': 'env -i A=1 B=2 env; env -u HOME A=3 sh -c "echo \\$A \\$HOME"; env | sort',
    'expand': 'printf "a\\tb\\n" | expand -t 4 | od -c; printf "        c\\n" | unexpand | od -c',
    'expr': 'expr 6 \\* 7; expr abc : "a\\(.\\)c"; expr 1 = 2; echo $?; expr length hello',
    'factor': 'factor 1 97 123456789 1000000016000000063',
    'fallocate': 'fallocate -l 5000 f; wc -c f; fallocate -l 100 -o 9000 f; stat -c %s f',
    'false': 'false; echo $?; true; echo $?; ! false; echo $?',
    'find': 'find tree -type f -size -1 | sort; find . -name "t*" -newer nothing; '
            'find tree -perm -100 -exec echo {} \\; | sort; find . -empty; find tree -type l',
    'fold': 'fold -w 7 words; head -c 500 numbers | tr "\\n" " " | fold -s -w 30',
    'getopt': 'getopt -o ab:c -l long: -- -a -bx --long y rest',
    'grep': 'grep -n a words; grep -c 99 numbers; grep -ril ONE tree; grep -E -o "[0-9]{3} 1[0-9]$" '
            'numbers; grep -w 3 words; grep nothing words; echo $?; grep x nothing; echo $?',
    'gzip': 'gzip -9 numbers; gzip -t numbers.gz; gunzip -c numbers.gz | md5sum; zcat numbers.gz | '
            'tail -n 1; gunzip numbers.gz; ls',
    'head': 'head -n 2 words; head -c 5 words; head -n -4 words; head -q -n 1 words numbers',
    'hexdump': 'hexdump -C data | head -n 5; hexdump words | tail -n 3; hd words | head -n 2',
    'id': 'id -u; id -g; id -un; whoami',
    'modes': 'mkdir -p -m 750 x/y/z; cp words x/y/z; chmod 600 x/y/z/words; ls -lR x | cut -c 1-10',
    'kill': 'sleep 30 & kill $!; wait $!; echo $?; kill -l 9; kill -0 $$; echo $?; kill -9 999999; echo $?',
    'killed': 'sh -c "kill -9 \\$\\$"; echo $?; sh -c "kill -SEGV \\$\\$"; echo $?; '
              'trap "echo usr1" USR1; kill -USR1 $$; echo after',
    'link': 'link words w2; unlink words; ls -l | cut -c 1-15',
    'ln': 'ln words hard; ln -s words soft; ln -sf tree soft2; ls -l | cut -c 1-13; readlink soft; '
          'ln words hard; cat soft',
    'ls': 'ls; ls -lA --full-time | sed 1d; ls -lnR; ls -1S; ls -F tree; ls -i words >/dev/null; ls nothing',
    'lzma': 'unlzma -c a.lzma | md5sum; lzcat a.lzma | wc; xzcat a.xz | md5sum; unxz -k a.xz; wc a',
    'md5sum': 'md5sum words data numbers >sums; cat sums; md5sum -c sums; echo x >>words; md5sum -c sums',
    'mkdir': 'mkdir a b; mkdir a; mkdir -p c/d/e; rmdir b; rmdir c; rmdir -p c/d/e; ls',
    'mkfifo': 'mkfifo p; ls -l p | cut -c 1-10; (cat words >p) & sort <p; wait',
    'mknod': 'mknod p p && ls -l p | cut -c 1-10',
    'mkpasswd': 'mkpasswd -m sha512 -S saltsalt password',
    'mktemp': 'f=$(mktemp -p . t.XXXXXX); echo ${#f}; ls -l $f | cut -c 1-10; rm $f; d=$(mktemp -d); '
              'test -d $d && echo folder; rmdir $d',
    'mv': 'mv words w2; mv w2 numbers tree; mkdir x; mv tree x; ls -R; mv nothing y; echo $?',
    'nice': 'renice 5 $$; sh -c "echo still here"',
    'nl': 'nl words; nl -b a -v 7 -w 3 words',
    'od': 'od -c words; od -x data | head -n 3; od -A d -t u1 data | tail -n 2; od -t f8 data | head -n 3',
    'paste': 'cut -c 1-3 words >a; cut -c 4- words >b; paste a b; paste -s -d , a',
    'patch': 'cp words w2; echo more >>w2; sed -i s/fig/date/ w2; diff -u words w2 >p; '
             'patch words p; cmp words w2 && echo same; patch -R words <p; cat words',
    'printf': 'printf "%5d|%-5s|%05.2f|%x|%o|%c|%b|%%\\n" 42 ab 3.14159 255 8 xyz "a\\tb"; printf "%s\\n" 1 2 3',
    'pwd': 'cd tree/a; pwd; cd ../..; cd tree/b/c && pwd -P; cd nothing; cd; pwd',
    'readlink': 'readlink tree/link; readlink -f tree/link; realpath tree/../words; readlink words; echo $?',
    'rev': 'rev words; tac words',
    'rm': 'rm words; rm -r tree; rm nothing; rm -f nothing; echo $?; mkdir d; rm d; ls',
    'run-parts': 'mkdir p; printf "#!/bin/sh\\necho two\\n" >p/2; printf "#!/bin/sh\\necho one\\n" >p/1; '
                 'chmod +x p/*; run-parts p; run-parts --test p',
    'sed': 'sed -n "2,4p" words; sed "s/\\([a-z]*\\) \\(.*\\)/\\2 \\1/" words; sed -i "/fig/d; $ a end" words; '
           'sed -e "N; y/abc/xyz/; P; D" words; cat words',
    'seq': 'seq 5; seq -w 8 12; seq -s , 1 2 9; seq 1 0.5 3; seq 100000 | md5sum',
    'setsid': 'setsid sh -c "echo session"; sh -c "setsid sleep 0; echo $?"',
    'sha': 'sha1sum data; sha256sum data; sha512sum data; sha3sum data; sha1sum - <words',
    'shred': 'shred -n 1 -z words; od words; shred -u numbers; ls',
    'shuf': 'shuf -i 1-50 | sort -n | md5sum; shuf words | sort | cmp - words; shuf -n 1 -e x',
    'sleep': 'sleep 0.05; usleep 1000; sleep 0.01 & wait; echo awake',
    'sort': 'sort words; sort -k 2n words; sort -u -k 1,1 words; sort -rn numbers | head -n 3; '
            'sort -t " " -k 1,1n -k 2,2r numbers | md5sum; sort -c words; echo $?',
    'stat': 'stat -c "%n %s %a %F %h %U" words data tree tree/link; stat -c %y words; stat nothing',
    'strings': 'strings -n 3 data; strings -n 4 words; strings -o words | head -n 2',
    'sum': 'cksum words 2>/dev/null; md5sum </dev/null; sync; echo $?',
    'tail': 'tail -n 2 words; tail -c 7 words; tail -n +5 words; tail -q -n 1 words numbers; '
            'seq 1000 | tail -n 3',
    'tar': 'tar cf t.tar tree words; tar tvf t.tar; mkdir x; tar xf t.tar -C x; find x | sort; '
           'tar czf t.tgz tree; tar tzf t.tgz; tar xf t.tar -O words; tar tf nothing',
    'tee': 'echo a | tee x y | tr a b; echo c | tee -a x; cat x y',
    'test': 'test -f words && [ -d tree ] && [ ! -e nothing ] && [ -x tree/run ] && [ -L tree/link ] && '
            'echo yes; [ 1 -lt 2 -a b \\> a ]; echo $?; [ words -ef words ]; echo $?; [ -t 0 ]; echo $?',
    'time': '{ time sleep 0; } 2>&1 | wc -l; ts </dev/null',
    'timeout': 'timeout 0.1 sleep 20; echo $?; timeout 20 true; echo $?; timeout -s KILL 0.1 sleep 20; echo $?',
    'touch': 'touch new; touch -d "2020-02-03 04:05:06" new; stat -c %Y new; touch -r words new; '
             'stat -c %Y new; touch -c nothing; ls; touch nothing/x',
    'tr': 'tr a-z A-Z <words; tr -d aeiou <words; tr -s "p " "_" <words; tr -c "a-z\\n" . <words',
    'truncate': 'truncate -s 10 words; cat words; truncate -s +5 words; od -c words; truncate -s 1M big; wc -c big',
    'tty': 'tty; echo $?; stty 2>&1; stty size </dev/null; echo $?',
    'uname': 'uname -s; uname -m; arch; uname -o',
    'uniq': 'sort numbers | cut -c 1 | uniq -c; cut -d " " -f 1 words | sort | uniq -d; sort words | uniq -u',
    'unzip': 'unzip -l a.zip | sed 1d; mkdir u; unzip -q a.zip -d u; find u | sort; unzip -p a.zip words | md5sum',
    'uuencode': 'uuencode words x | tee u | head -n 3; uudecode -o y u; cmp words y && echo same; uuencode -m words z',
    'vi': 'printf "dd:s/a/b/\\n:wq\\n" | vi words >/dev/null 2>&1; cat words',
    'wc': 'wc words numbers data; wc -l <words; wc -c -w words; wc -L words',
    'which': 'which sh; which nothing; echo $?; type cat; command -v sed',
    'xargs': 'seq 20 | xargs -n 6; find tree -type f | sort | xargs ls -d; seq 3 | xargs -I{} echo a{}b; '
             'echo x | xargs false; echo $?; seq 5 | xargs -P 2 -n 1 true',
    'xxd': 'xxd words; xxd -p words | xxd -r -p | cmp - words; xxd -s 3 -l 9 words',
    'xz': 'xz -dc a.xz | md5sum; xz -d a.xz; ls',
    'yes': 'yes | head -n 3; yes no | head -n 100000 | md5sum',
    'pipes': 'cat data | cat | cat | cat | md5sum; seq 20000 | grep 7 | sort -r | uniq | head -n 5 | tr 0-9 a-j; '
             'for i in 1 2 3 4 5; do echo $i; done | while read x; do echo "<$x>"; done',
    'procs': 'for i in $(seq 30); do (exit $((i % 3))); done; echo $?; a=$(echo $(echo $(echo deep))); echo $a; '
             'for i in 1 2 3 4; do (sleep 0.$((i * 2)); echo $i) & done; wait',
    'redirect': 'echo a >x; echo b >>x; exec 3<x; read l <&3; read m <&3; echo $l$m; exec 3<&-; ls nothing 2>&1 >/dev/null; '
                'cat <<END\nhere $HOME\nEND\necho out >&2; : >x; wc -c x; set -C; echo >x; echo $?',
    'set-user-id': 'chmod 4755 data; ls -l data | cut -c 1-10',
    'chown-others': 'chown 12:34 data; ls -ln data | cut -c 1-30',
    'groups': 'id -G; ls -d /home',
    'chroot': 'mkdir r; cp /usr/bin/busybox r; chroot r /busybox echo in',
    'parent': 'ls -ld ..; ls -d /var/* | wc -l',
    'mount': 'hostname; mkdir m; mount -t tmpfs x m && umount m && echo mounted',
    'watch': 'timeout 0.3 watch -n 0.1 -t echo hi >/dev/null; echo $?',
}
MORE = {
    # It has the files' inodes.
    'cpio': {'unlike': ('t.cpio',)},
    'ar': {'make': 'ar rcD lib.a words numbers'},
    'lzma': {'make': 'cp data a; xz -kc -F lzma a >a.lzma; xz a', 'needs': ('xz',)},
    'xz': {'make': 'cp data a; xz a', 'needs': ('xz',)},
    'unzip': {'make': 'python3 -m zipfile -c a.zip words data', 'needs': ('python3',)},
}

# Those that take a second or more.
LONG = ('factor', 'timeout', 'watch')
# Scripts whose last command fails, as it should.
FAIL = ('cat', 'cp', 'diff', 'ls', 'md5sum', 'stat', 'tar', 'touch')
# What a program that is not trusted may not do, though outside it may: name, why.
OTHERWISE = {
    'set-user-id': 'no file gets a set-user-ID or set-group-ID bit',
    'chown-others': 'files stay their owner\'s',
    'groups': 'a program has one group, whatever the host\'s',
    'chroot': 'no other root folder',
    'parent': 'nothing is seen of a folder above what was bound',
    'mount': 'no mounts',
}


def case_of(name, script):
    more = dict(MORE.get(name, {}))
    make = MAKE if 'make' not in more else more.pop('make') + '; ' + MAKE
    return Case(f'busybox-{name}', ['/usr/bin/busybox', 'sh', '-c', script + '\n'], 'busybox-static',
                f'busybox {name}', files=FILES, make=make, status=1 if name in FAIL else 0,
                otherwise=OTHERWISE.get(name, ''), long=name in LONG, **more)


CASES = [case_of(name, script) for name, script in SCRIPTS.items()]
