# SPDX-License-Identifier: MIT
"""Larger programs that people run: servers and their clients, networks, media, documents, builds."""

from cases.case import Case, shell

NET = ('--net', 'host')
REDIS = '''
redis-server --port 0 --unixsocket ./s --save "" --appendonly yes >log & r="redis-cli -s ./s"; until $r ping 2>/dev/null | grep -q PONG; do sleep 0.05; done
$r set a 5; $r incr a; $r lpush l 1 2 3; $r lrange l 0 -1; $r eval 'return redis.call("get", "a") * 2' 0; $r bgrewriteaof; $r multi; $r shutdown nosave; wait; echo $?; rm -rf s log appendonlydir'''
HTTP = '''
echo hello >f; python3 -c 'import http.server as h, socketserver
class H(h.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
s = socketserver.ThreadingTCPServer(("127.0.0.1", 0), H); print(s.server_address[1], file=open("port", "w"), flush=True); s.serve_forever()' &
until [ -s port ]; do sleep 0.05; done; p=$(cat port); curl -s http://127.0.0.1:$p/f http://127.0.0.1:$p/f; curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:$p/g; kill $!; rm port'''
KEYS = '''
ssh-keygen -q -t ed25519 -C me -N '' -f k && ssh-keygen -y -f k | cut -d' ' -f1; ssh-keygen -q -t rsa -b 2048 -C me -N word -f r; ssh-keygen -q -p -P word -N '' -f r; echo text >t
ssh-keygen -q -Y sign -f k -n file t; ssh-keygen -Y check-novalidate -n file -s t.sig <t | cut -d' ' -f1-2; eval "$(ssh-agent -a ./agent)" >/dev/null; ssh-add -q k r; ssh-add -l | wc -l; ssh-agent -k >/dev/null'''
RSYNC = '''
mkdir a; for i in 1 2 3; do seq $i 2000 >a/$i; done; ln -s 1 a/l; rsync -a a/ b/ && diff -r a b && echo same; echo x >>a/2; rm a/3; touch -d @5 a a/2; rsync -ai --delete a/ b/; rsync -a --checksum --link-dest=../b a/ c/; ls -i c b | awk '{print $1}' | sort | uniq -d | wc -l'''
CMAKE = '''
cmake -G Ninja -B b . | grep -c .; ninja -C b | tail -n 1 | grep -c Link; b/x; cmake --install b --prefix i | grep -c Inst; rm -rf b; ls i/bin'''
CMAKE_FILES = {'CMakeLists.txt': 'cmake_minimum_required(VERSION 3.10)\nproject(x C CXX)\nadd_library(y SHARED y.cc)\nadd_executable(x x.c)\ntarget_link_libraries(x y)\ninstall(TARGETS x y)\n',
               'x.c': '#include <stdio.h>\nint f(void);\nint main(void) { return printf("%d\\n", f()) < 0; }\n',
               'y.cc': '#include <vector>\nextern "C" int f() { std::vector<int> v(42); return (int)v.size(); }\n'}
NGINX = '''
mkdir www; echo hello >www/index.html; nginx -e $PWD/e -c $PWD/conf & until curl -s --unix-socket ./s http://x/; do sleep 0.05; done
curl -s -o /dev/null -w '%{http_code}\\n' --unix-socket ./s http://x/none; kill -QUIT $(cat pid); wait; echo $?; rm -f e s'''
NGINX_CONF = 'daemon off; user root; worker_processes 2; pid @pid; error_log @e; events {} http { access_log off; client_body_temp_path @t1; proxy_temp_path @t2; fastcgi_temp_path @t3; uwsgi_temp_path @t4; scgi_temp_path @t5; server { listen unix:@s; root @www; } }'
PS = '%!\n/Helvetica findfont 20 scalefont setfont 10 10 moveto (hello) show showpage\n'

CASES = [
    shell('redis', REDIS, 'redis-server', about='a server on a UNIX socket, its client, a script, a child that writes', needs=('redis-server', 'redis-cli'), uncompared=('errors',)),
    shell('curl', HTTP, 'curl', about='HTTP with python3\'s server, --net host', options=NET, needs=('curl', 'python3')),
    shell('nginx', NGINX.replace('nginx -e', 'sed -i "s|@|$PWD/|g" conf; nginx -e'), 'nginx', about='two workers on a UNIX socket, and curl', files={'conf': NGINX_CONF}, needs=('nginx', 'curl'), options=NET),
    shell('ip', 'ip addr | grep -v valid_lft; ip route; ip -6 route | sed "s/expires.*//"; ip link show lo; ip link show none', 'iproute2', about='addresses, routes and links, --net host', options=NET, needs=('ip',), status=1),
    Case('interfaces', ['python3', '-c', 'import socket; print(socket.if_nameindex(), socket.if_nametoindex("lo"), socket.if_indextoname(1))'], 'python3', 'names of interfaces, --net host', options=NET),
    shell('ssh-keygen', KEYS, 'openssh-client', about='keys, a signature, an agent', needs=('ssh-keygen', 'ssh-agent'), unlike=('k', 'k.pub', 'r', 'r.pub', 't.sig')),
    shell('rsync', RSYNC, 'rsync', about='copies, deletes, hard links', needs=('rsync',)),
    shell('jq', 'jq -n "[range(5)] | map(. * 2)"; echo \'{"a": [1, {"b": null}]}\' | jq -c "paths, (.a[1] | keys), tojson"; echo "{" | jq .', 'jq', about='filters, and an error', needs=('jq',), status=4),
    shell('parallel', 'seq 5 | parallel --will-cite -k -j2 "expr {} \\* 2"; parallel --will-cite -k echo ::: a b ::: 1 2; rm -rf .parallel', 'parallel', about='jobs, in order', needs=('parallel',), limit=120),
    shell('cmake', CMAKE, 'cmake', about='cmake, ninja: a library in C++, a program, install', files=CMAKE_FILES, needs=('cmake', 'ninja', 'c++'), limit=120),
    shell('venv', 'python3 -m venv v && v/bin/python -c "import sys; print(sys.prefix != sys.base_prefix)" && v/bin/pip --version | cut -d" " -f1,2; v/bin/pip list 2>/dev/null | head -n 4; rm -rf v', 'python3-venv', about='a virtual environment, pip', needs=('/usr/share/doc/python3-venv', ), limit=180),
    shell('dpkg', 'dpkg -l | wc -l; dpkg -L bash | head -n 3; dpkg -S /bin/bash; dpkg --print-architecture; dpkg-query -W -f "${Status}\\n" dash', 'dpkg', about='what is installed', options=('--ro', '/var/lib/dpkg'), needs=('dpkg',)),
    shell('apt', 'apt-cache show bash | head -n 3; apt-cache depends bash | head -n 4; apt list --installed 2>/dev/null | wc -l', 'apt', about='apt-cache, apt list', options=('--ro', '/var/lib', '--ro', '/var/cache'), needs=('apt',)),
    shell('imagemagick', 'convert -size 200x100 gradient:red-blue -rotate 30 x.png; identify -format "%wx%h %m\\n" x.png; convert x.png -resize 50% x.jpg; convert x.jpg rgb:- | md5sum; rm x.png', 'imagemagick', about='a picture, turned and made smaller', needs=('convert',)),
    shell('ffmpeg', 'ffmpeg -v error -f lavfi -i testsrc=d=1:s=160x120 -c:v mpeg4 -threads 2 x.mp4 && ffprobe -v error -show_entries stream=codec_name,nb_frames -of csv x.mp4; ffmpeg -v error -i x.mp4 -f md5 -; rm x.mp4', 'ffmpeg', about='a film, made and read', needs=('ffmpeg',), limit=120),
    shell('ghostscript', 'gs -q -dBATCH -dNOPAUSE -sDEVICE=pngmono -sOutputFile=x.png x.ps; md5sum <x.png; ps2pdf x.ps - | head -c 8; rm x.png', 'ghostscript', about='a page as a picture, and as PDF', files={'x.ps': PS}, needs=('gs', 'ps2pdf'), limit=120),
    shell('pandoc', 'pandoc -t html x.md; pandoc -t plain x.md; pandoc -t json x.md | md5sum', 'pandoc', about='Markdown to HTML, text, JSON', files={'x.md': '# title\n\n* a\n* *b*\n\n| x | y |\n|---|---|\n| 1 | 2 |\n'}, needs=('pandoc',), limit=120),
    shell('qemu-user', 'qemu-x86_64 /bin/echo hello; qemu-x86_64 /bin/sh -c "ls /usr | head -n 3; exit 3"; echo $?', 'qemu-user', about='programs of x86-64, translated', needs=('qemu-x86_64',)),
    shell('valgrind', 'cc -g -o x x.c && valgrind -q --error-exitcode=7 ./x 2>&1 | sed "s/==[0-9]*==//; s/0x[0-9A-F]*/X/"; valgrind -q --tool=none /bin/echo hello', 'valgrind', about='a program that reads what it has freed', needs=('valgrind', 'cc'), limit=120, unlike=('x',),
          files={'x.c': '#include <stdlib.h>\nint main(void) { volatile char *p = malloc(8); free((void *)p); return p[3] & 0; }\n'}),
]
