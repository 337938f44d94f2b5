# SPDX-License-Identifier: MIT
"""perl: scripts that use much of the system."""

from cases.case import Case


def script(name, text, **more):
    return Case(f'perl-{name}', ['/usr/bin/perl', 'script.pl'], 'perl', f'perl: {name}',
                files={'script.pl': 'use strict; use warnings; $| = 1;\n' + text}, **more)


CASES = [
    script('text', r'''
my (%count, @words); open(my $in, '<', $0) or die; while (<$in>) { $count{lc $1}++ while /(\w+)/g } close $in;
print join(' ', map { "$_=$count{$_}" } sort keys %count), "\n";
my $s = join ',', map { $_ * 7919 % 1009 } 1 .. 20000; my $n = () = $s =~ /\b(\d)\d*\1\b/g; print "$n\n";
(my $t = $s) =~ s/(\d+)/sprintf '%x', $1/ge; print length($t), ' ', unpack('%32C*', $t), "\n";
print join('|', sort { $b <=> $a } (split /,/, $s)[0 .. 20]), "\n"; printf "%.10f %s %vd\n", exp(1), 'x' x 5, '1.22.333';
print "$1-$2\n" if 'key = value' =~ /(?<k>\w+)\s*=\s*(\w+)/; print scalar reverse('abc'), ucfirst 'word', "\n";
'''),
    script('processes', r'''
use POSIX ':sys_wait_h';
pipe(my $r, my $w); my $pid = fork; if (!$pid) { close $r; print $w "child\n"; exit 3 }
close $w; print scalar <$r>; waitpid $pid, 0; print $? >> 8, "\n"; print `echo back; exit 4`, $? >> 8, "\n";
print system('sh', '-c', 'kill -9 $$') & 127, "\n"; open(my $p, '|-', 'sort -n') or die; print $p "$_\n" for 3, 1, 2; close $p;
open($p, '-|', 'seq 5') or die; print join '+', map { chomp; $_ } <$p>; close $p; print "\n";
my @kids = map { my $n = $_; my $k = fork; exit $n unless $k; $k } 1 .. 5; my %end; for (@kids) { my $k = wait; $end{$k} = $? >> 8 } print join(',', map { $end{$_} } @kids), "\n";
local $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 5; }; print $@; local $SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$;
$SIG{CHLD} = 'IGNORE'; if (!fork) { exit 0 } print wait(), "\n"; exec 'echo', 'executed';
'''),
    script('files', r'''
use File::Temp 'tempdir'; use File::Find; use File::Path 'make_path'; use Fcntl qw(:flock :seek); use Cwd; use File::Copy; use IO::Select; use Socket;
my $d = tempdir(CLEANUP => 1); make_path("$d/a/b"); open(my $f, '+>', "$d/a/x") or die; print $f "line $_\n" for 1 .. 1000; seek $f, 0, SEEK_SET; my @l = <$f>; print scalar @l, "\n";
flock($f, LOCK_EX) or die; truncate $f, 10; print -s $f, "\n"; symlink 'x', "$d/a/l"; print readlink "$d/a/l", "\n"; link "$d/a/x", "$d/h"; print((stat "$d/h")[3], "\n");
my @found; find(sub { push @found, $_ }, $d); print scalar @found, "\n"; copy("$d/h", 'copied'); rename 'copied', 'renamed'; chmod 0600, 'renamed'; utime 1, 2, 'renamed'; printf "%o %d\n", (stat 'renamed')[2, 9];
print "$!\n" unless open my $n, '<', 'nothing'; print "$!\n" unless mkdir 'renamed'; print "$!\n" unless rmdir '/usr/bin/nothing'; print -e 'renamed' ? 'there' : 'not', -d _ ? 'd' : 'f', "\n"; opendir(my $h, '.'); print join(' ', sort readdir $h), "\n";
socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC); syswrite $a, 'hello'; my $s = IO::Select->new($b); print scalar($s->can_read(1)), "\n"; sysread $b, my $got, 100; print "$got\n"; local @ARGV = ('renamed'); print while <>; unlink 'renamed';
'''),
    script('modules', r'''
use JSON::PP; use Digest::SHA 'sha256_hex'; use MIME::Base64; use Data::Dumper; use List::Util qw(sum shuffle first); use Time::Local; use Storable qw(freeze thaw); use Math::BigInt; use Encode; use Text::Wrap; use Getopt::Long;
my $x = {list => [1 .. 50], hash => {map { $_ => $_ ** 2 } 'a' eq 'a' ? (1 .. 9) : ()}, text => "caf\x{e9}"}; my $j = JSON::PP->new->canonical->utf8; print sha256_hex($j->encode($x)), "\n"; $Data::Dumper::Sortkeys = 1; print Dumper($j->decode($j->encode($x))->{hash});
print encode_base64('words ' x 20), sum(map { $_ * $_ } 1 .. 100), ' ', timegm(0, 0, 0, 1, 0, 2024), ' ', Math::BigInt->new(2)->bpow(300), ' ', scalar @{thaw(freeze($x))->{list}}, "\n", encode('UTF-8', "\x{263a}\n"), wrap('', '  ', 'long words ' x 20), "\n";
'''),
    script('threads', r'''
use threads; use threads::shared; use Thread::Queue; my $n :shared = 0; my @t = map { threads->create(sub { for (1 .. 200) { lock $n; $n++ } return $_[0] * 2 }, $_) } 1 .. 4; print join(',', map { $_->join } @t), " $n\n";
my $q = Thread::Queue->new; my $t = threads->create(sub { my $s = 0; while (defined(my $i = $q->dequeue)) { $s += $i } $s }); $q->enqueue($_) for 1 .. 300; $q->end; print $t->join, "\n";
'''),
    script('die', 'warn "a warning\\n"; END { print "end\\n" } die { code => 1 }->{code}, " died\\n";', status=255),
    Case('perl-lines', ['/usr/bin/perl', '-lanE', 'say join "-", reverse @F; END { say $. }'], 'perl', 'perl -lanE',
         input=b'a b c\nd e f\n' * 3),
]
