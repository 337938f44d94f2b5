# SPDX-License-Identifier: MIT
"""python3: its own tests, and scripts that use much of the system."""

from cases.case import Case

# What unittest tells of times, and of what the tests were run in.
TIMES = ((r'Ran (\d+) tests? in [\d.]+s', r'Ran \\1 tests'), (r'Total duration: .*', 'duration'),
         (r'\d+:\d\d:\d\d (load avg: [\d.]+ )?', ''), (r'(test_\w+) passed in .*', r'\\1 passed'),
         (r'\b[\d.]+ (sec|min|ms)( [\d.]+ (sec|ms))?', 'time'), (r'test_python_\w+', 'test_python'),
         (r'== .*', '=='), (r'Using random seed .*', 'seed'))

# What keg says of a fault that ended the program.
REPORT = ((r'keg: .*\n', ''),)


def script(name, text, **more):
    return Case(f'python-{name}', ['/usr/bin/python3', 'script.py'], 'python3.11',
                f'python3: {name}', files={'script.py': text}, **more)


def own(name, without=(), **more):
    """Its own tests, of one module, each test's result compared; without some that are told of
    elsewhere."""
    words = ['-m', 'test.test_' + name, '-v']
    if without:
        words = ['-m', 'test', '-v', *(word for one in without for word in ('-i', one)), 'test_' + name]
    return Case(f'python-test-{name}', ['/usr/bin/python3', *words], 'libpython3.11-testsuite',
                f'python3 -m test test_{name}' + (f', without {", ".join(without)}' if without else ''),
                needs=('/usr/lib/python3.11/test/test_json',), limit=400, alike=more.pop('alike', TIMES),
                long=more.pop('long', True), **more)


CASES = [
    script('hello', 'import sys\nprint("hello", *sys.argv[1:], sys.version_info[:2])\n'),
    script('json', '''
import json, re, collections, hashlib
data = {f'k{i}': [i, i / 7, str(i) * 3, None, {'n': i % 5}] for i in range(20000)}
text = json.dumps(data, sort_keys=True)
assert json.loads(text) == data
print(len(text), hashlib.sha256(text.encode()).hexdigest())
print(collections.Counter(re.findall(r'"n": (\\d)', text)))
'''),
    script('subprocess', '''
import subprocess, os, signal, sys
print(subprocess.run(['sort', '-r'], input=b'a\\nc\\nb\\n', stdout=subprocess.PIPE).stdout)
print(subprocess.run('exit 7', shell=True).returncode)
p = subprocess.Popen(['sleep', '30']); p.send_signal(signal.SIGTERM); print(p.wait())
a = subprocess.Popen(['seq', '100000'], stdout=subprocess.PIPE)
b = subprocess.Popen(['md5sum'], stdin=a.stdout, stdout=subprocess.PIPE); a.stdout.close()
print(b.communicate()[0], a.wait())
try:
    subprocess.run(['sleep', '9'], timeout=0.1)
except subprocess.TimeoutExpired as error:
    print(type(error).__name__)
try:
    subprocess.run(['/nothing'])
except FileNotFoundError as error:
    print(error)
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, b'child'); os._exit(3)
print(os.read(r, 10), os.waitstatus_to_exitcode(os.wait()[1]))
print(subprocess.run(['sh', '-c', 'ls -l /proc/self/fd/1 | cut -c 1-5'], stdout=subprocess.PIPE).stdout)
'''),
    script('threading', '''
import threading, queue, time, concurrent.futures
lock, total = threading.Lock(), 0
def add():
    global total
    for _ in range(3000):
        with lock:
            total += 1
threads = [threading.Thread(target=add) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]; print(total)
q = queue.Queue(3)
def feed():
    for i in range(500):
        q.put(i)
    q.put(None)
threading.Thread(target=feed).start()
print(sum(iter(q.get, None)))
with concurrent.futures.ThreadPoolExecutor(5) as pool:
    print(list(pool.map(lambda x: (time.sleep(0.01), x * x)[1], range(20))))
e = threading.Event(); threading.Timer(0.05, e.set).start(); print(e.wait(5), threading.Event().wait(0.01))
b = threading.Barrier(4); done = []
ts = [threading.Thread(target=lambda: (b.wait(), done.append(1))) for _ in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]; print(len(done))
'''),
    script('multiprocessing', '''
import multiprocessing as mp, os
def square(x):
    return x * x
def work(q, value, lock):
    for _ in range(200):
        with lock:
            value.value += 1
    q.put('done')
if __name__ == '__main__':
    for method in 'fork', 'spawn':
        context = mp.get_context(method)
        with context.Pool(3) as pool:
            print(method, sum(pool.map(square, range(100))))
        q, value, lock = context.Queue(), context.Value('i', 0), context.Lock()
        ps = [context.Process(target=work, args=(q, value, lock)) for _ in range(3)]
        [p.start() for p in ps]; print([q.get() for _ in ps]); [p.join() for p in ps]
        print(value.value, [p.exitcode for p in ps])
        a, b = context.Pipe(); a.send({'x': [1, 2]}); print(b.recv())
'''),
    script('asyncio', '''
import asyncio, socket
async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper()); await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_unix_server(echo, 'socket')
    async def ask(i):
        reader, writer = await asyncio.open_unix_connection('socket')
        for j in range(5):
            writer.write(f'line {i} {j}\\n'.encode())
            yield_ = await reader.readline()
        writer.close()
        return yield_
    print(await asyncio.gather(*(ask(i) for i in range(10))))
    server.close()
    p = await asyncio.create_subprocess_exec('cat', stdin=-1, stdout=-1)
    print(await p.communicate(b'through cat'), p.returncode)
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.05)
    except asyncio.TimeoutError:
        print('timeout')
    print(await asyncio.to_thread(sum, range(1000)))
asyncio.run(main())
''', unlike=('socket',)),
    script('files', '''
import os, tempfile, mmap, shutil, stat, fcntl, pathlib, errno, glob
with tempfile.TemporaryDirectory() as d:
    p = pathlib.Path(d) / 'f'; p.write_bytes(b'x' * 10000); os.link(p, d + '/g'); os.symlink('f', d + '/s')
    print(sorted(os.listdir(d)), p.stat().st_nlink, os.readlink(d + '/s'), oct(p.stat().st_mode))
    with open(p, 'r+b') as f:
        m = mmap.mmap(f.fileno(), 0); m[5000:5005] = b'hello'; m.flush(); print(m.find(b'hello')); m.close()
        f.seek(4999); print(f.read(7)); fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB); fcntl.lockf(f, fcntl.LOCK_EX)
        f.truncate(100); print(os.fstat(f.fileno()).st_size)
        print(os.pread(f.fileno(), 4, 2), os.pwritev(f.fileno(), [b'ab', b'cd'], 50), os.sendfile is not None)
with tempfile.TemporaryFile() as f:
    f.write(b'y' * 5000); f.seek(-3, 2); print(f.read())
m = mmap.mmap(-1, 1 << 20); m[0] = 1
if os.fork() == 0:
    m[1] = 42; os._exit(0)
os.wait(); print(m[0], m[1])
os.makedirs('a/b/c'); shutil.copytree('a', 'z'); os.rename('z/b', 'a/d'); print(sorted(glob.glob('**', recursive=True)))
for call in (lambda: os.rmdir('a'), lambda: os.open('nothing', 0), lambda: os.mkdir('a'), lambda: os.open('a', os.O_WRONLY),
             lambda: os.close(999), lambda: os.lseek(0, -5, 0), lambda: os.listdir('script.py')):
    try:
        call()
    except OSError as e:
        print(errno.errorcode[e.errno])
fd = os.open('.', os.O_RDONLY | os.O_DIRECTORY); print(os.stat('a', dir_fd=fd).st_mode, os.access('a', os.W_OK)); os.chdir(fd)
os.utime('a', ns=(123456789, 987654321)); print(os.stat('a').st_mtime_ns, os.statvfs('.').f_bsize, os.getcwd() == os.environ['HOME'])
shutil.rmtree('a'); shutil.rmtree('z')
'''),
    script('descriptors', 'import os\nprint(os.listdir("/proc/self/fd"))\n'),
    # Debian's package is without the module's own tests.
    script('sqlite3', '''
import sqlite3, threading, os
db = sqlite3.connect('x.db', timeout=20, isolation_level=None); db.execute('PRAGMA journal_mode = wal'); db.execute('CREATE TABLE t (n INTEGER, s TEXT, b BLOB)')
with db:
    db.execute('BEGIN'); db.executemany('INSERT INTO t VALUES (?, ?, ?)', ((i, f'text {i}', bytes([i % 256]) * 9) for i in range(20000))); db.execute('COMMIT')
db.create_function('twice', 1, lambda x: x * 2); db.create_collation('back', lambda a, b: (a < b) - (a > b))
print(db.execute('SELECT sum(twice(n)), count(DISTINCT b), max(s COLLATE back) FROM t').fetchone())
def add(who):
    own = sqlite3.connect('x.db', timeout=20)
    for i in range(20):
        with own:
            own.execute('INSERT INTO t VALUES (?, ?, NULL)', (-who, str(i)))
    own.close()
threads = [threading.Thread(target=add, args=(k,)) for k in range(1, 4)]; [t.start() for t in threads]; [t.join() for t in threads]
if os.fork() == 0:
    add(9); os._exit(0)
os.wait(); print(db.execute('SELECT n, count(*) FROM t WHERE n < 0 GROUP BY n').fetchall(), db.execute('PRAGMA integrity_check').fetchone())
try:
    db.execute('SELECT * FROM nothing')
except sqlite3.OperationalError as error:
    print(error)
copy = sqlite3.connect(':memory:'); db.backup(copy); print(copy.execute('SELECT count(*) FROM t').fetchone(), len(list(copy.iterdump())))
''', unlike=('x.db', 'x.db-wal', 'x.db-shm')),
    script('pidfd', 'import os\nprint(os.pidfd_open(os.getpid()) > 2)\n'),
    script('pty', 'import os, pty\npty.spawn(["echo", "on a terminal"])\n'),
    script('notify', 'import fcntl, os\nfcntl.fcntl(os.open(".", 0), fcntl.F_NOTIFY, fcntl.DN_CREATE)\n',
           status=0, otherwise='keg is a kernel without F_NOTIFY, as those are that are built without dnotify'),
    script('attributes', '''
import os
os.setxattr('script.py', 'user.x', b'y'); print(os.getxattr('script.py', 'user.x'), os.listxattr('script.py'))
'''),
    script('signals', '''
import signal, os, time, sys, threading, faulthandler
hits = []
signal.signal(signal.SIGALRM, lambda n, f: hits.append(n))
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
while len(hits) < 5:
    time.sleep(1)
signal.setitimer(signal.ITIMER_REAL, 0); print(hits)
hits.clear(); signal.setitimer(signal.ITIMER_REAL, 0.02)
while not hits:
    pass
print('preempted'); signal.setitimer(signal.ITIMER_REAL, 0)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1)
print(signal.sigpending(), signal.sigwait([signal.SIGUSR1]))
print(signal.sigtimedwait([signal.SIGUSR2], 0.01))
if os.fork() == 0:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGSTOP); os._exit(5)
_, status = os.waitpid(-1, os.WUNTRACED); print(os.WIFSTOPPED(status), os.WSTOPSIG(status))
os.kill(_, signal.SIGCONT); print(os.waitpid(_, 0)[1] >> 8)
r, w = os.pipe(); signal.set_wakeup_fd(w, warn_on_full_buffer=False) if os.set_blocking(w, False) is None else 0
signal.raise_signal(signal.SIGALRM); print(os.read(r, 1))
signal.pthread_kill(threading.get_ident(), signal.SIGALRM); print(len(hits))
os.close(r)
try:
    os.write(w, b'x')
except BrokenPipeError:
    print('broken pipe')
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print('interrupted')
sys.stdout.flush(); signal.signal(signal.SIGTERM, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGTERM)
''', status=-15),
    script('select', '''
import os, select, socket, selectors
a, b = socket.socketpair(); r, w = os.pipe()
print(select.select([a, r], [b, w], [], 0)[1] == [b, w]); os.write(w, b'x'); print(select.select([a, r], [], [])[0] == [r])
e = select.epoll(); e.register(a, select.EPOLLIN | select.EPOLLET); e.register(r, select.EPOLLIN)
print(len(e.poll(0))); b.send(b'hi'); print(len(e.poll(1))); print(len(e.poll(0))); e.unregister(r)
p = select.poll(); p.register(a, select.POLLIN | select.POLLOUT); print(p.poll(100)[0][1]); b.close(); print(p.poll(100)[0][1])
s = selectors.DefaultSelector(); s.register(r, selectors.EVENT_READ, 'r'); print([k.data for k, _ in s.select(0)])
l = socket.socket(socket.AF_UNIX); l.bind('s'); l.listen(); c = socket.socket(socket.AF_UNIX); c.connect('s'); d, _ = l.accept()
c.sendall(b'q' * 100000); n = 0
while n < 100000:
    n += len(d.recv(65536))
print(n); socket.send_fds(c, [b'fd'], [w]); print(len(socket.recv_fds(d, 10, 1)[1]))
try:
    socket.create_connection(('127.0.0.1', 1))
except OSError as error:
    print('refused')
''', unlike=('s',)),
    script('numbers', '''
import math, decimal, fractions, random, statistics, zlib, lzma, bz2, hashlib, struct, array, heapq, itertools
random.seed(3); x = [random.gauss(0, 1) for _ in range(50000)]
print(statistics.fmean(x), math.fsum(x), sum(map(math.sin, x)), max(map(math.exp, x)))
decimal.getcontext().prec = 200; print(decimal.Decimal(2).sqrt(), fractions.Fraction(3, 7) ** 20, 3 ** 500 % 10 ** 50)
data = struct.pack('50000d', *x)
for f in zlib.compress, bz2.compress, lzma.compress:
    print(hashlib.blake2b(f(data)).hexdigest()[:20])
print(sum(1 for p in itertools.permutations(range(8)) if p[0] < p[7]), math.factorial(300) % 997)
'''),
    script('raise', 'import nothing\n', status=1),
    script('exit', 'import sys, atexit\natexit.register(print, "end")\nsys.exit(9)\n', status=9),
    script('crash', 'import ctypes, resource, sys\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nprint("before", flush=True)\nctypes.string_at(8)\n', status=-11,
           alike=REPORT),
    script('memory', '''
import resource
try:
    x = bytearray(1 << 46)
except MemoryError:
    print('none')
blocks = [bytearray(1 << 20) for _ in range(200)]; print(len(blocks)); del blocks
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)); files = []
try:
    while True:
        files.append(open('/dev/null'))
except OSError as e:
    print(e.errno, len(files))
'''),
    script('recursion', '''
import sys, threading
def f(n):
    return n and f(n - 1) + 1
sys.setrecursionlimit(50000); threading.stack_size(256 << 20)
t = threading.Thread(target=lambda: print(f(40000))); t.start(); t.join()
try:
    sys.setrecursionlimit(1000); f(5000)
except RecursionError as e:
    print(e)
'''),
    own('json'),
    own('re', long=False),
    own('subprocess'),
    own('threading', uncompared=('output',)),
    own('mmap', long=False),
    own('signal', options=('--net', 'host'), alike=TIMES + (
        (r'detected median .*', 'median'),)),
    own('os', without=('*chown_with_root',), options=('--net', 'host')),
    own('tempfile'),
    own('select'),
    own('zlib'),
    own('struct', long=False),
    own('fcntl', without=('*64_bit',)),
    own('thread', uncompared=('output',)),
    own('hashlib'),
    own('glob'),
    # They want attributes that only the privileged can set, too.
    own('shutil', without=('*xattr*',)),
    own('pathlib'),
    own('wait4'),
    own('pipes'),
    own('poll'),
    own('pty', uncompared=('output',), long=False),
    own('openpty', long=False),
    own('epoll', options=('--net', 'host')),
]
