# SPDX-License-Identifier: MIT
"""gcc and make, what they build, and static programs of other kinds than glibc's."""

from cases.case import Case, shell

MAIN = '''
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <pthread.h>
#include <zlib.h>
#include "parts.h"

static void *work(void *n) { return (void *)part_primes((long)n); }

int main(int argc, char **argv)
{
	pthread_t threads[4];
	long sum = 0;
	unsigned char data[1000], out[2000];
	uLongf size = sizeof(out);

	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i * 20000));
	for (int i = 0; i < 4; i++) {
		void *result;
		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	for (int i = 0; i < 1000; i++)
		data[i] = (unsigned char)part_mix((unsigned)i);
	compress(out, &size, data, sizeof(data));
	printf("%ld primes, %.12f, %lu bytes, %s\\n", sum, cos(part_mix(3) / 7.0), (unsigned long)size,
		argc > 1 ? argv[1] : "nothing");
	return argc;
}
'''
FILES = {
    'main.c': MAIN,
    'parts.h': 'long part_primes(long n);\nunsigned part_mix(unsigned n);\n',
    'primes.c': '#include "parts.h"\nlong part_primes(long n)\n{\n\tlong found = 0;\n\tfor (long i = 2; i < n; i++) {\n\t\tlong d = 2;\n'
                '\t\twhile (d * d <= i && i % d)\n\t\t\td++;\n\t\tfound += d * d > i;\n\t}\n\treturn found;\n}\n',
    'mix.c': '#include "parts.h"\nunsigned part_mix(unsigned n)\n{\n\tn ^= n >> 7;\n\tn *= 0x9e3779b1u;\n\treturn n >> 13 & 31;\n}\n',
    'Makefile': 'CFLAGS = -O2 -Wall\nLDLIBS = -lz -lm -lpthread\nprogram: main.o primes.o mix.o\n\t$(CC) -o $@ $^ $(LDLIBS)\n'
                'main.o primes.o mix.o: parts.h\nclean:\n\trm -f *.o program\n.PHONY: clean\n',
    'bad.c': 'int main(void) { return undefined; }\n',
}
MANY = '''
mkdir m; for i in $(seq 24); do echo "int f$i(int x) { int s = 0; for (int i = 0; i < x; i++) s += i * $i; return s; }" >m/f$i.c; done
(for i in $(seq 24); do echo "int f$i(int);"; done; echo '#include <stdio.h>'; echo 'int main(void) { int s = 0;'; for i in $(seq 24); do echo "s += f$i(100);"; done; echo 'printf("%d\\\\n", s); }') >m/main.c
printf 'OBJECTS := $(patsubst %%.c,%%.o,$(wildcard *.c))\\nprogram: $(OBJECTS)\\n\\t@gcc -o $@ $^\\n%%.o: %%.c\\n\\t@gcc -O1 -c -o $@ $<\\n' >m/Makefile'''
SOURCE = '$HERE/guest/'
STATIC = '-static -nostdlib -ffreestanding -fno-stack-protector'


def gcc(name, script, **more):
    return shell(f'gcc-{name}', script, 'gcc-12', about=f'gcc: {name}', files=FILES, needs=('gcc', '/usr/include/zlib.h'), limit=120, **more)


CASES = [
    gcc('one', 'gcc -O2 -c mix.c primes.c && nm mix.o; gcc -S -O1 -o - mix.c | wc -l; gcc -E main.c | grep -c part_; gcc bad.c', status=1, alike=((r'cc\w{6}', 'cc'),)),
    gcc('program', 'gcc -O2 -g -o program main.c primes.c mix.c -lz -lm -lpthread && ./program inside; echo $?'),
    gcc('static', 'gcc -O2 -static -o program main.c primes.c mix.c -lz -lm && ./program inside; echo $?; strip program; ./program', status=1, long=True),
    gcc('library', 'gcc -O2 -fPIC -shared -o libparts.so primes.c mix.c && gcc -O2 -flto -o program main.c -L. -lparts -lz -lm && LD_LIBRARY_PATH=. ./program x; ./program', status=127, long=True),
    gcc('sanitizers', 'gcc -O1 -fsanitize=undefined -o program main.c primes.c mix.c -lz -lm && ./program ubsan', status=2, long=True),
    shell('make', 'make program && ./program; make; touch mix.c; make 2>&1; make clean; make -n program; make nothing', 'make', about='make: a program, again, clean',
          files=FILES, status=2, needs=('make', 'gcc', '/usr/include/zlib.h'), limit=120),
    shell('make-parallel', 'cd m && make -j4 -s && ./program && make -j4 && rm f3.o && make -j4', 'make', about='make -j4: 25 compilations', make=MANY, needs=('make', 'gcc'), limit=300, long=True),
    Case('musl', ['@HERE@/program', 'word'], 'musl-tools', 'a static program of musl: threads, malloc, stdio, fork, faults',
         make=f'musl-gcc -static -O2 -o program {SOURCE}musl.c', needs=('musl-gcc',), status=7),
    Case('musl-dynamic', ['@HERE@/program', 'word'], 'musl', 'the same, dynamic', make=f'musl-gcc -O2 -o program {SOURCE}musl.c', needs=('musl-gcc',), status=7, long=True),
    Case('glibc-static', ['@HERE@/program', 'word'], 'libc6-dev', 'the same, with glibc, static', make=f'gcc -static -O2 -o program {SOURCE}musl.c', needs=('gcc',), status=7),
    Case('glibc-static-pie', ['@HERE@/program', 'word'], 'libc6-dev', 'the same, static-pie', make=f'gcc -static-pie -O2 -o program {SOURCE}musl.c', needs=('gcc',), status=7),
    Case('golike', ['@HERE@/program'], 'gcc-12', 'a static program that uses the kernel as Go\'s runtime does', make=f'gcc -O2 {STATIC} -o program {SOURCE}golike.c', needs=('gcc',), status=3),
]
