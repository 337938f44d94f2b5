# SPDX-License-Identifier: MIT
"""sqlite3 with a real database, and openssl."""

from cases.case import Case, shell

FILL = '''
PRAGMA journal_mode = wal; PRAGMA synchronous = normal;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, weight REAL, kind INTEGER);
CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO kind SELECT i, 'kind ' || i FROM n;
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO item SELECT i, printf('item %08x', i * 2654435761 % 4294967296), i * 7 % 1000 / 8.0, i * 13 % 53 FROM n;
COMMIT;
CREATE INDEX by_name ON item (name); CREATE INDEX by_kind ON item (kind, weight);
'''
ASK = '''
SELECT count(*), sum(weight), min(name), max(name) FROM item;
SELECT kind.name, count(*), avg(weight) FROM item JOIN kind ON kind.id = item.kind GROUP BY kind.id ORDER BY 3 DESC, 1 LIMIT 5;
SELECT a.id, b.id FROM item a JOIN item b ON b.id = a.id * 2 WHERE a.kind = b.kind AND a.id < 3000 LIMIT 5;
SELECT count(*) FROM item LEFT JOIN kind ON kind.id = kind WHERE kind.id IS NULL;
UPDATE item SET weight = weight + 1 WHERE kind = 7; DELETE FROM item WHERE id % 10 = 3;
SELECT name, row_number() OVER (PARTITION BY kind ORDER BY weight DESC, id) r FROM item WHERE kind < 4 ORDER BY r, name LIMIT 6;
PRAGMA integrity_check; PRAGMA wal_checkpoint(TRUNCATE);
'''
TWO = '''
sqlite3 x.db 'PRAGMA journal_mode = wal; CREATE TABLE t (who INTEGER, n INTEGER)'
for who in 1 2 3; do (for n in $(seq 20); do sqlite3 -cmd '.timeout 20000' x.db "INSERT INTO t VALUES ($who, $n)" || echo failed; done) & done
wait; sqlite3 x.db 'SELECT who, count(*), sum(n) FROM t GROUP BY who; PRAGMA integrity_check'
'''
LOCKED = '''
sqlite3 x.db 'CREATE TABLE t (n)'; mkfifo p
sqlite3 x.db <p & exec 3>p; echo 'BEGIN EXCLUSIVE; INSERT INTO t VALUES (1);' >&3; echo '.shell touch locked' >&3
while [ ! -e locked ]; do sleep 0.02; done; sqlite3 x.db 'SELECT * FROM t'; echo $?
echo 'COMMIT;' >&3; exec 3>&-; wait; sqlite3 x.db 'SELECT * FROM t'
'''
# Where WAL's index has what is of this run only.
NOT_LIKE = ('x.db-shm',)

# Deterministic: no random salts.
OPENSSL = '''
for d in md5 sha1 sha256 sha512 sha3-256 blake2b512 ripemd160 sm3; do openssl dgst -$d data; done
for c in aes-128-cbc aes-256-ctr chacha20 camellia-192-cbc; do
openssl enc -$c -K 000102030405060708090a0b0c0d0e0f0001020304050607 -iv 0f0e0d0c0b0a09080706050403020100 -in data -out e-$c 2>/dev/null
openssl dgst -sha256 e-$c; openssl enc -d -$c -K 000102030405060708090a0b0c0d0e0f0001020304050607 -iv 0f0e0d0c0b0a09080706050403020100 -in e-$c 2>/dev/null | cmp - data && echo same; done
openssl dgst -sha256 -hmac key data; openssl enc -aes-256-cbc -pbkdf2 -S 0102030405060708 -k word -in data | openssl dgst
openssl base64 -in data | tail -n 1; openssl prime 1000003; openssl asn1parse -genstr UTF8:hello; openssl passwd -6 -salt salt word; openssl version'''
KEYS = '''
openssl genpkey -algorithm ed25519 -out key; openssl pkey -in key -pubout -out public
openssl pkeyutl -sign -inkey key -rawin -in data -out signature; openssl pkeyutl -verify -pubin -inkey public -rawin -in data -sigfile signature
openssl req -x509 -key key -subj /CN=keg -days 9 -out certificate; openssl x509 -in certificate -noout -subject; openssl verify -CAfile certificate certificate
openssl genrsa 1024 2>/dev/null | openssl rsa -check -noout; openssl rand -hex 20 | wc -c; openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout 2>/dev/null | wc -l'''

CASES = [
    Case('sqlite3-fill', ['sqlite3', 'x.db', '.read fill.sql', '.read ask.sql'], 'sqlite3',
         '100 000 rows, WAL, joins, windows, integrity_check', files={'fill.sql': FILL, 'ask.sql': ASK}, unlike=NOT_LIKE),
    Case('sqlite3-ask', ['sqlite3', 'x.db', '.read ask.sql', '.dump kind', 'VACUUM'], 'sqlite3',
         'queries of a database that was there', files={'fill.sql': FILL, 'ask.sql': ASK}, make='sqlite3 x.db ".read fill.sql" >/dev/null', unlike=NOT_LIKE, needs=('sqlite3',), long=True),
    shell('sqlite3-processes', TWO, 'sqlite3', about='3 processes that insert at once, WAL', unlike=NOT_LIKE + ('x.db', ), needs=('sqlite3',)),
    shell('sqlite3-locked', LOCKED, 'sqlite3', about='a process that waits for another\'s lock', needs=('sqlite3',)),
    shell('sqlite3-journal', 'sqlite3 x.db "PRAGMA journal_mode; CREATE TABLE t (n); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2); ROLLBACK; SELECT * FROM t; PRAGMA mmap_size = 1000000; SELECT count(*) FROM t; CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES (\'some words\'); SELECT * FROM f WHERE f MATCH \'words\'; SELECT json_extract(\'{\\"a\\": [1, 2]}\', \'$.a[1]\')"; sqlite3 x.db ".backup y.db" "ATTACH \'y.db\' AS y; SELECT * FROM y.t"; sqlite3 -csv -header x.db "SELECT * FROM t"; sqlite3 x.db "SELECT nothing"',
          'sqlite3', about='journal, rollback, mmap, FTS5, JSON, backup', status=1, needs=('sqlite3',)),
    shell('openssl', OPENSSL, 'openssl', about='digests, ciphers, HMAC, PBKDF2, ASN.1', make='seq 200000 >data', needs=('openssl',)),
    shell('openssl-keys', KEYS, 'openssl', about='keys, signatures, certificates', make='seq 100 >data', needs=('openssl',), unlike=('key', 'public', 'signature', 'certificate')),
    shell('openssl-speed', 'openssl speed -seconds 1 -bytes 8192 sha256 2>&1 | grep -c sha256; openssl speed -multi 2 -seconds 1 -bytes 8192 -evp aes-128-gcm 2>/dev/null | grep -c -i aes', 'openssl',
          about='openssl speed, 1 and 2 processes', needs=('openssl',), long=True),
]
