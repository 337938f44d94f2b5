# SPDX-License-Identifier: MIT
"""tar and cpio, and compression of small trees and a large file."""

from cases.case import shell

TREE = '''
mkdir -p t/a/b; seq 30000 >t/a/n; head -c 300000 /usr/bin/bash >t/a/b/x; ln t/a/n t/hard; ln -s a/n t/soft
: >t/empty; chmod 2711 t/a/b; chmod 1711 t/a/b/x; chmod 500 t/empty; truncate -s 100k t/sparse; mkfifo t/pipe
find t -exec touch -h -d "2023-04-05 06:07:08" {} +'''
LARGE = '''python3 - <<'END'
import random
random.seed(1)
words = [bytes(random.randrange(97, 123) for _ in range(random.randrange(2, 9))) for _ in range(3000)]
with open('large', 'wb') as file:
    file.write(b' '.join(random.choices(words, k=2900000))[:16 << 20])
END'''


def tar(name, option, **more):
    return shell(f'tar-{name}', f'''tar -c {option} -f x t; tar -t {option} -vf x; mkdir out
        tar -x {option} -f x -C out; find out/t -printf '%p %m %s %T@ %n %l\\n' | sort; tar -d {option} -f x && echo same''',
                 'tar', about=f'tar with {name}: there and back', make=TREE, **more)


def squeeze(package, name, make, back, **more):
    return shell(f'{name}', f'{make} <large >x; ls -l x | cut -d " " -f 5; {back} <x | cmp - large && echo same',
                 package, about=f'{make} of 16 MiB, and back', make=LARGE, limit=180, needs=('python3', name.split('-')[0]),
                 long=more.pop('long', True), **more)


CASES = [
    tar('nothing', ''),
    tar('gzip', '-z'),
    tar('bzip2', '-j', needs=('bzip2',)),
    tar('xz', '-J', needs=('xz',)),
    tar('zstd', '--zstd', needs=('zstd',)),
    shell('tar-options', '''tar cf x --sort=name --exclude=b --transform s/t/u/ t; tar tf x; tar xf x u/a/n -O | md5sum; tar rf x t/a/b; tar --delete -f x u/empty; tar tf x
        tar c t | (mkdir o; cd o; tar x); diff -r --no-dereference t/a o/t/a && echo same; tar --format=gnu -cSf y t/sparse; tar tvf y; tar xf nothing''', 'tar',
          about='tar: patterns, pipes, sparse files', make=TREE, status=2),
    shell('cpio', '''find t -depth | sort | cpio -o -H newc --reproducible >x; cpio -itv <x; mkdir o; cd o; cpio -idm --quiet <../x; find . | sort; cd ..; mkdir p; find t -depth | cpio -pdm p; find p | wc -l''',
          'cpio', about='cpio: there and back', make=TREE, needs=('cpio',), alike=((r'\d+ blocks?', 'blocks'),)),
    shell('gzip-small', '''gzip -nk t/a/n; gzip -l t/a/n.gz; gzip -t t/a/n.gz; zcat t/a/n.gz | md5sum; gunzip -f t/a/n.gz; gzip t/soft; zgrep -c 77 t/a/n; echo x | gunzip''', 'gzip',
          about='gzip of small files', make=TREE, status=1),
    shell('zip-python', 'python3 -m zipfile -c z.zip t/a; python3 -m zipfile -l z.zip | cut -c 1-40; python3 -m zipfile -e z.zip o; diff -r t/a o/a && echo same; python3 -m tarfile -l x', 'python3',
          about='python3: zipfile, tarfile', make=TREE + '; tar cf x t'),
    squeeze('gzip', 'gzip', 'gzip -n6', 'gzip -d'),
    squeeze('xz-utils', 'xz', 'xz -2', 'xz -d'),
    squeeze('xz-utils', 'xz-threads', 'xz -1 -T2 --block-size=4MiB', 'xz -d -T2'),
    squeeze('zstd', 'zstd', 'zstd -5 -q', 'zstd -d -q'),
    squeeze('zstd', 'zstd-threads', 'zstd -3 -q -T2', 'zstd -d -q', long=False),
    squeeze('bzip2', 'bzip2', 'bzip2', 'bzip2 -d'),
]
