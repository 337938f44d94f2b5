# SPDX-License-Identifier: MIT
"""grep, sed, awk, find, diff, and the like."""

from cases.case import shell

TREE = '''
for i in $(seq 40); do mkdir -p t/d$i/e; for j in 1 2 3 4 5; do seq $i $((i * j)) >t/d$i/f$j; done
ln -s ../f1 t/d$i/e/link; : >t/d$i/e/empty; done; chmod 700 t/d7; chmod +x t/d*/f5
find t -exec touch -h -d "2023-04-05 06:07:08" {} +'''
LINES = ''.join(f'{i} {i * 31 % 97} name{i % 13} {"ab" * (i % 7)}\n' for i in range(5000))
PROGRAM = '''
function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) }
{ sum[$3] += $2; n[$3]++; if (length($0) > longest) longest = length($0) }
END { for (k in sum) printf "%s %d %.3f\\n", k, sum[k], sum[k] / n[k] | "sort"
close("sort"); print f(17), longest, substr("abcdef", 3, 2), index("abc", "c"), sprintf("%05d", 42)
while (("seq 3" | getline line) > 0) print "got " line; gsub(/[0-9]+/, "<&>"); print
print toupper("x") > "out"; close("out"); while ((getline l < "out") > 0) print l; print system("exit 3") }
'''


def case(package, name, script, **more):
    return shell(f'{package}-{name}', script, package, files={'lines': LINES, 'p.awk': PROGRAM},
                 about=f'{package}: {name}', **more)


CASES = [
    case('grep', 'expressions', '''grep -c name7 lines; grep -E '^[0-9]*5 .*(ab){3}$' lines | tail -n 3; grep -P '(?<=name)1\\b' lines | head -n 2
        grep -v name lines; echo $?; grep -n -m 2 -A 1 -B 1 'name12 ' lines; grep -o 'name[0-9]' lines | sort | uniq -c; grep -F -x -f lines lines | wc -l; grep x nothing''', status=2),
    case('grep', 'tree', 'grep -rl "^77$" t | sort; grep -rc 12 t/d3 | sort; grep -R --include="f5" -h "^9" t | sort | md5sum; '
         'zcat -f lines | grep -c a; echo lines | xargs grep -l name', make=TREE),
    case('sed', 'programs', '''sed -n '10,12p;$p' lines; sed 's/name\\([0-9]*\\)/\\1=&/2;s/a/A/3g' lines | md5sum; sed -E '/9$/!d;s/(.)(.)/\\2\\1/' lines | tail -n 2
        sed -n '/name3/{h;n;G;p;q}' lines; sed -i.old -e 2d -e '$a end' lines; tail -n 1 lines; sed '1~500!d;y/abc/xyz/;=' lines | head -n 9
        seq 5 | sed ':a;N;$!ba;s/\\n/,/g'; sed 5q lines; seq 3 | sed 'w w.out' ; sed -s -n '$=' lines w.out''' ),
    case('mawk', 'program', 'mawk -f p.awk lines', needs=('mawk',)),
    case('gawk', 'program', 'gawk -f p.awk lines; echo "2024-01-02" | gawk -F- \'{ print mktime($1 " " $2 " " $3 " 0 0 0"); print strftime("%F", 0, 1) }\'; '
         'gawk \'BEGIN { n = split("c a b", x); asort(x); for (i = 1; i <= n; i++) print x[i]; "echo co" |& getline y; print y }\'', needs=('gawk',)),
    case('findutils', 'tree', '''find t | sort | md5sum; find t -type f -name 'f[13]' -size +10c | sort | tail -n 3; find t -type l -printf '%p %l %m %s\\n' | sort | head -n 4
        find t -empty | wc -l; find t -perm -u+x -type f -newermt 2023-01-01 | wc -l; find t -path '*d1?*' -prune -o -name f2 -print | sort | head -n 3
        find t -name f4 -exec md5sum {} + | sort | md5sum; find t -type f -print0 | sort -z | xargs -0 -n 50 cat | md5sum; find t -name f1 -delete; find t | wc -l
        find t -maxdepth 1 -name 'd3*' -execdir echo {} \\; | sort; find -L t/d5 | sort; seq 9 | xargs -P 3 -n 2 sh -c 'exit 0'; find nothing''', make=TREE, status=1),
    case('diffutils', 'files', '''seq 100 >a; seq 100 | sed '5d;50s/$/x/' >b; diff a b; diff -u a b | sed '1,2d'; diff -y -W 30 a b | head -n 6; cmp a b; sdiff -s a b; diff3 a b a
        diff -r t/d3 t/d4; diff -q a a''', make=TREE),
    case('patch', 'files', '''diff -u a b >p; patch a p; cmp a b && echo same; patch -R a p; echo junk >c; patch c p; echo $?; ls''', make='seq 100 >a; seq 100 | sed "5d;50s/$/x/" >b; touch -d @0 a b', needs=('patch',), status=0,
         alike=((r'\d{4}-\d\d-\d\d \S+ \+0000', 'time'),)),
    case('ed', 'file', 'printf "1,5p\\n/name7/d\\n1,3s/name/NAME/\\n1,4p\\n$=\\nw out\\nq\\n" | ed -s lines', needs=('ed',)),
    case('bc', 'numbers', 'echo "scale=60; 4*a(1); e(1); define f(n) { if (n < 2) return 1; return n * f(n - 1) }; f(60); 7^99 % 1000; obase=16; 255" | bc -l; '
         'echo "20 k 2 v p 16 i FF p" | dc', needs=('bc', 'dc')),
    case('jq', 'values', '''jq -c '.[] | select(.n > 2) | {n, s: (.s | ascii_upcase)}' j; jq '[.[].n] | add, (map(. * 2) | tostring), length' j; jq . bad''',
         make='''echo '[{"n":1,"s":"a"},{"n":3,"s":"b\\u00e9"},{"n":9.5,"s":"c"}]' >j; echo '{"a": ' >bad''', needs=('jq',), status=4),
    case('file', 'types', 'file -b lines p.awk /bin/true t t/d1/e/empty g x; file -i lines; file -L t/d1/e/link', make=TREE + '; gzip -nc lines >g; python3 -c "import sqlite3; sqlite3.connect(\'x\').execute(\'create table t (a)\')"', needs=('file',)),
    case('bsdextrautils', 'hexdump', 'hexdump -C lines | head -n 5; hexdump -e \'4/1 "%02x" "\\n"\' -n 12 lines; column -t lines | head -n 3; rev lines | head -n 2; look 10 lines | head -n 2', needs=('hexdump',)),
]
