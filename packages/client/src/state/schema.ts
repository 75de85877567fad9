import type { DatabaseSync } from 'node:sqlite';

/** `to_seq` of what is so now: the largest integer that a double and SQLite both hold exactly. */
export const openEnd = Number.MAX_SAFE_INTEGER;

/** Row id of the root directory, which has no interval of its own. */
export const rootRow = 0;

/** Bumped whenever the tables change: the state is a cache, so an older one is thrown away and folded again. */
export const stateFormat = 3;

/** Intervals say what was where from one commit until another: a listing at any past moment is one query (JOURNAL §Fold). */
export function createTables(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
    CREATE TABLE commits (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, received_ms INTEGER NOT NULL, account BLOB NOT NULL,
      device BLOB, void INTEGER NOT NULL, skipped INTEGER NOT NULL) STRICT;
    CREATE TABLE entries (id INTEGER PRIMARY KEY, entry BLOB NOT NULL UNIQUE) STRICT;
    CREATE TABLE versions (id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, number INTEGER NOT NULL, seq INTEGER NOT NULL,
      size INTEGER NOT NULL, content BLOB NOT NULL, hash BLOB, target ANY) STRICT;
    CREATE TABLE intervals (id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
      parent INTEGER NOT NULL, name ANY NOT NULL, kind INTEGER NOT NULL, version INTEGER NOT NULL,
      mtime_s INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, mode INTEGER NOT NULL) STRICT;
    CREATE INDEX intervals_below ON intervals (parent, to_seq, name);
    CREATE INDEX intervals_of ON intervals (entry, to_seq);
    CREATE TABLE doubts (entry BLOB PRIMARY KEY, believed INTEGER, reason TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE epochs (n INTEGER PRIMARY KEY, commitment BLOB NOT NULL, link BLOB) STRICT;
    CREATE TABLE grants (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, sender BLOB NOT NULL, object BLOB NOT NULL,
      recipient BLOB NOT NULL, worker BLOB, fingerprint BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;
    CREATE TABLE policies (seq INTEGER PRIMARY KEY, versions INTEGER NOT NULL, days INTEGER NOT NULL, trash_days INTEGER NOT NULL) STRICT;
    CREATE TABLE purges (entry BLOB NOT NULL, seq INTEGER NOT NULL, seqs BLOB NOT NULL, PRIMARY KEY (entry, seq)) STRICT, WITHOUT ROWID;
    INSERT INTO entries (id, entry) VALUES (${rootRow}, zeroblob(16));
    PRAGMA user_version = ${stateFormat};
  `);
}

/** As {@link createTables} leaves them. In the caller's transaction. */
export function emptyTables(db: DatabaseSync): void {
  db.exec(`DELETE FROM meta; DELETE FROM commits; DELETE FROM versions; DELETE FROM intervals; DELETE FROM doubts;
    DELETE FROM epochs; DELETE FROM grants; DELETE FROM policies; DELETE FROM purges; DELETE FROM entries WHERE id <> ${rootRow}`);
}

export const kindNumbers = { file: 0, directory: 1, symlink: 2, mount: 3 } as const;

export const kindNames = ['file', 'directory', 'symlink', 'mount'] as const;
