-- checkpoint: one file holds the term (epoch) of one active director.
-- yoke-checkpointd makes it, is the only program that writes it, and reads
-- others only from private copies. For people:
--
--     cp checkpoint-main-*7.db* /tmp/ && sqlite3 /tmp/checkpoint-main-*7.db
--     select * from history;
--
-- A live file is locked; copy it, with its -wal, before looking.
-- Every sum is SHA-256 over seq (roles: node), epoch, at_us (each 64 bits,
-- big-endian) and the bytes beside it: SQLite does not notice a bit that flips
-- in content.
--
-- Versions: 2 has the table roles; store/store_migrate.c makes 2 of 1.

PRAGMA application_id = 0x796f6b65; -- "yoke"
PRAGMA user_version = 2;

-- Whose file this is. Written once, before the file has its name.
CREATE TABLE meta (
	instance TEXT NOT NULL,
	node INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	created_us INTEGER NOT NULL
) STRICT;

-- When the writer last proved that it can write; changes or not.
CREATE TABLE alive (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	at_us INTEGER NOT NULL
) STRICT;

-- The whole table as it was after change seq. The last two are kept.
CREATE TABLE snapshot (
	seq INTEGER PRIMARY KEY,
	epoch INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	sum BLOB NOT NULL,
	bytes BLOB NOT NULL
) STRICT;

-- Every change since the older snapshot. The texts repeat what body says.
CREATE TABLE journal (
	seq INTEGER PRIMARY KEY,
	epoch INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	what TEXT NOT NULL,
	service TEXT NOT NULL,
	server TEXT NOT NULL,
	value INTEGER NOT NULL,
	cause TEXT NOT NULL,
	sum BLOB NOT NULL,
	body BLOB NOT NULL
) STRICT;

CREATE VIEW history AS
SELECT seq, epoch, strftime('%Y-%m-%d %H:%M:%f', at_us / 1e6, 'unixepoch') AS at,
	what, service, server, value, cause
FROM journal ORDER BY seq;

-- Changes of role of both directors, the last 200, carried over from term to
-- term. The words repeat what body says.
CREATE TABLE roles (
	epoch INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	node INTEGER NOT NULL,
	was TEXT NOT NULL,
	role TEXT NOT NULL,
	event TEXT NOT NULL,
	why TEXT NOT NULL,
	silence_us INTEGER NOT NULL,
	sum BLOB NOT NULL,
	body BLOB NOT NULL,
	PRIMARY KEY (epoch, at_us, node, role)
) STRICT, WITHOUT ROWID;
