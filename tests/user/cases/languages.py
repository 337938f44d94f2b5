# SPDX-License-Identifier: MIT
"""Languages beside C, perl and python: interpreters, virtual machines, compilers."""

from cases.case import Case, shell

LUA = '''
for i = 1, 3 do print(i, os.getenv('TZ')) end
local pipe = io.popen('echo hello'); print(pipe:read('a'), pipe:close())
local file = assert(io.open('x', 'w')); file:write(('line\\n'):rep(1000)); file:close()
local n = 0; for line in io.lines('x') do n = n + #line end; print(n, os.remove('x'), os.rename('y', 'z'))
local c = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end); print(c(), c(), c())
print(pcall(error, 'an error')); os.exit(3)
'''
RUBY = '''
p 5.times.map { |i| Thread.new { i * i } }.map(&:value); puts `echo hello`
require 'json'; puts JSON.generate('a' => [1, 2.5, nil]); pid = fork { exit 3 }; Process.wait pid; p $?.exitstatus
require 'socket'; a, b = UNIXSocket.pair; a.puts 'a line'; p b.gets; a.send_io(STDOUT); b.recv_io.puts 'sent'
q = Queue.new; t = Thread.new { 3.times { |i| q << i }; q << nil }; while (i = q.pop); p i; end; t.join
trap('USR1') { puts 'usr1' }; Process.kill('USR1', $$); sleep 0.05; r, w = IO.pipe; w.puts 'x'; p IO.select([r], nil, nil, 1).nil?
require 'tempfile'; Tempfile.create('t', '.') { |f| f.puts 'y'; f.flush; p File.size(f.path) }; begin; raise 'an error'; rescue => e; p e; end
require 'open3'; p Open3.capture3('cat; echo e >&2; exit 2', stdin_data: 'in').map(&:to_s).map { |s| s.sub(/pid \\d+/, 'pid') }
'''
PHP = '''<?php
echo PHP_MAJOR_VERSION, "\\n", json_encode([1, "a" => null]), "\\n", shell_exec("echo hello");
$f = new SplFileObject("x", "w"); $f->fwrite("abc"); echo filesize("x"), "\\n"; unlink("x");
if (pcntl_fork() == 0) exit(3); pcntl_wait($s); echo pcntl_wexitstatus($s), "\\n";
$p = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); fwrite($p[0], "line\\n"); echo fgets($p[1]);
$o = proc_open(["tr", "a-z", "A-Z"], [["pipe", "r"], ["pipe", "w"]], $pipes); fwrite($pipes[0], "hello"); fclose($pipes[0]); echo stream_get_contents($pipes[1]), proc_close($o), "\\n";
pcntl_async_signals(true); pcntl_signal(SIGUSR1, function () { echo "usr1\\n"; }); posix_kill(posix_getpid(), SIGUSR1);
echo hash("sha256", str_repeat("x", 100000)), "\\n"; try { throw new Exception("an error"); } catch (Exception $e) { echo $e->getMessage(), "\\n"; }
'''
NODE = '''
const { Worker } = require('worker_threads'), { execSync, spawn } = require('child_process'), fs = require('fs'), net = require('net'), http = require('http')
const wait = emitter => new Promise(done => emitter.on('close', done))
async function main() {
  console.log(execSync('echo hello').toString(), require('crypto').createHash('sha256').update('x'.repeat(100000)).digest('hex'))
  await new Promise(done => new Worker('require("worker_threads").parentPort.postMessage(6 * 7)', { eval: true }).on('message', m => { console.log(m); done() }))
  await fs.promises.writeFile('x', 'y'); console.log(fs.readdirSync('.'), (await fs.promises.stat('x')).size); fs.unlinkSync('x')
  const server = http.createServer((request, response) => response.end('you want ' + request.url)).listen('./socket')
  await new Promise(done => http.get({ socketPath: './socket', path: '/this' }, r => r.on('data', d => console.log(d.toString())).on('end', done)))
  server.close(); const child = spawn('sh', ['-c', 'cat; exit 5']); child.stdout.on('data', d => console.log('child: ' + d)); child.stdin.end('in')
  console.log(await wait(child)); await new Promise(done => setTimeout(done, 30)); await new Promise(setImmediate); console.log('late')
  console.log(require('zlib').gunzipSync(require('zlib').gzipSync('z'.repeat(1e6))).length)
}
main()
'''
GO = '''package main

import ("bufio"; "fmt"; "net"; "os"; "os/exec"; "os/signal"; "runtime"; "sync"; "syscall"; "time")

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func(i int) { defer wg.Done(); time.Sleep(time.Millisecond); mu.Lock(); n += i; mu.Unlock() }(i)
	}
	wg.Wait()
	runtime.GC()
	out, err := exec.Command("echo", "hello").Output()
	fmt.Println(n, string(out), err)
	l, _ := net.Listen("unix", "socket")
	go func() { c, _ := l.Accept(); fmt.Fprintln(c, "a line"); c.Close() }()
	c, _ := net.Dial("unix", "socket")
	line, _ := bufio.NewReader(c).ReadString('\\n')
	fmt.Print(line)
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-got)
	defer func() { fmt.Println(recover()); os.Exit(3) }()
	var p *int
	*p = 1
}
'''
RUST = '''
use std::{process::{Command, exit}, sync::{mpsc, Arc, Mutex}, thread, io::{Read, Write}, os::unix::net::UnixStream};
fn main() {
    let (to, from) = mpsc::channel();
    for i in 0..4 { let to = to.clone(); thread::spawn(move || to.send(i * i).unwrap()); }
    drop(to);
    let mut all: Vec<i32> = from.iter().collect(); all.sort(); println!("{:?}", all);
    let sum = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (0..8).map(|i| { let sum = sum.clone(); thread::spawn(move || for _ in 0..1000 { *sum.lock().unwrap() += i }) }).collect();
    for one in threads { one.join().unwrap(); }
    println!("{} {:?}", sum.lock().unwrap(), Command::new("echo").arg("hello").output().unwrap());
    let (mut a, mut b) = UnixStream::pair().unwrap(); a.write_all(b"line").unwrap(); drop(a); let mut s = String::new(); b.read_to_string(&mut s).unwrap(); println!("{s}");
    println!("{}", thread::spawn(|| { if true { panic!("an error") } }).join().is_err());
    exit(3)
}
'''
GO_ENV = {'GOCACHE': '@HERE@/.c', 'GOPATH': '@HERE@/.p', 'GOTOOLCHAIN': 'local', 'GOPROXY': 'off', 'GOFLAGS': '-mod=mod'}

CASES = [
    Case('lua', ['lua5.4', 'x.lua'], 'lua5.4', 'files, a pipe, coroutines, errors', files={'x.lua': LUA}, status=3),
    Case('ruby', ['ruby', 'x.rb'], 'ruby', 'threads, fork, JSON, sockets, a descriptor that is sent, signals', files={'x.rb': RUBY}),
    Case('php', ['php', 'x.php'], 'php8.2-cli', 'files, fork, pipes, sockets, signals', files={'x.php': PHP}),
    Case('node', ['node', 'x.js'], 'nodejs', 'a worker, processes, files, HTTP over a UNIX socket, zlib', files={'x.js': NODE}, unlike=('socket',)),
    shell('go', 'go mod init x && go build -o x . && ./x', 'golang-go', files={'main.go': GO}, env=GO_ENV, needs=('go',), unlike=('.c', 'x'), status=3,
          about='go build; goroutines, processes, sockets, signals, a nil pointer', limit=300),
    shell('rust', 'rustc -O x.rs && ./x', 'rustc', files={'x.rs': RUST}, needs=('/usr/bin/rustc',), status=3, alike=((r"\(\d+\) panicked", 'panicked'),),
          about='rustc -O; threads, channels, processes, a panic', limit=300),
    shell('java', 'java -Xmx64m -XX:+PrintFlagsFinal -version 2>&1 | grep -c .; java -XshowSettings:properties -version 2>&1 | grep -E "java.vm.name|file.sep"; java None; echo $?', 'openjdk-17-jre-headless',
          needs=('java',), about='the virtual machine\'s start, its settings, and no class to run', limit=120),
]
