import type { Migrations } from '../sqlite/database.ts';

/**
 * index.db (FORMAT §Packs and server storage). Disposable: everything follows from the packs.
 *
 * `numbers` gives accounts and vaults short numbers; 0 is the uploader of segments, which are named by their content alone.
 * `chunks.count` = sum of `grants.count`. A grant says that a chunk may be referred to in a vault: count 0 because its
 * uploader sent it for that vault, more because versions or segments there refer to it.
 * A chunk that is `lost` cannot be read: it was never stored (`pack` null), or its record is damaged or gone. The next
 * record of its id takes its place.
 * `chunks.sender` is whose record it is: of a chunk its uploader, of a segment whoever sent it. `writers` adds up what other accounts
 * than the owner have sent, chunks and commits.
 * `team_heads` says where each commit of a team stands, `team_states` what it was every so many commits: vaults are judged by old heads.
 * `set_aside` names records of commits that a restore has set aside: a recovery passes over them.
 * `drops` holds the entries without a current version; `purges` and `holds` the newest of each. `purges.seqs` is a CBOR array.
 * `crc` protects the rows that decide where a recovery begins and what a vault's head is.
 */
export const factsMigrations: Migrations = [
  /* 1 */ `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE numbers (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT;
  CREATE TABLE packs (
    pack INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    owner BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('chunks', 'journal')),
    indexed_bytes INTEGER NOT NULL,
    sealed INTEGER NOT NULL DEFAULT 0,
    live_bytes INTEGER NOT NULL DEFAULT 0,
    crc INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE vaults (
    vault INTEGER PRIMARY KEY,
    owner BLOB NOT NULL,
    kind TEXT NOT NULL,
    seq INTEGER NOT NULL,
    head BLOB NOT NULL,
    received_at_ms INTEGER NOT NULL,
    state BLOB NOT NULL,
    crc INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX vaults_by_owner ON vaults (owner);
  CREATE TABLE members (
    member BLOB NOT NULL, vault INTEGER NOT NULL, role TEXT NOT NULL, PRIMARY KEY (member, vault)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX members_by_vault ON members (vault);
  CREATE TABLE commits (
    vault INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    received_at_ms INTEGER NOT NULL,
    pack INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (vault, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX commits_by_place ON commits (pack, offset);
  CREATE TABLE chunks (
    chunk INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL,
    uploader INTEGER NOT NULL,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    pack INTEGER,
    offset INTEGER,
    bytes INTEGER NOT NULL,
    content_bytes INTEGER NOT NULL,
    count INTEGER NOT NULL,
    grace_until_ms INTEGER NOT NULL,
    UNIQUE (owner, uploader, id)
  ) STRICT;
  CREATE INDEX chunks_by_place ON chunks (pack, offset);
  CREATE TABLE grants (
    chunk INTEGER NOT NULL, vault INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (chunk, vault)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE versions (
    vault INTEGER NOT NULL,
    entry BLOB NOT NULL,
    seq INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,
    ended TEXT CHECK (ended IN ('replaced', 'removed', 'moved')),
    bytes INTEGER NOT NULL,
    PRIMARY KEY (vault, entry, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE usage (
    owner INTEGER PRIMARY KEY,
    chunk_bytes INTEGER NOT NULL DEFAULT 0,
    uncommitted_bytes INTEGER NOT NULL DEFAULT 0,
    journal_bytes INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0,
    versions INTEGER NOT NULL DEFAULT 0,
    trash_bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE unapplied (
    vault BLOB NOT NULL,
    owner BLOB NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    received_at_ms INTEGER NOT NULL,
    pack TEXT NOT NULL,
    offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (vault, seq, hash)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO numbers (number, id) VALUES (0, zeroblob(0));
  `,
  /* 2 */ `
  ALTER TABLE chunks ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
  UPDATE chunks SET lost = 1 WHERE pack IS NULL;
  CREATE INDEX chunks_lost ON chunks (id) WHERE lost = 1;
  CREATE INDEX chunks_lost_by_pack ON chunks (pack, owner) WHERE lost = 1;
  CREATE INDEX packs_by_use ON packs (live_bytes, name) WHERE sealed = 1 AND kind = 'chunks';
  `,
  /* 3: retention. What it keeps was left out of indexes until now, so they are made again from the packs. */ `
  CREATE TABLE drops (
    vault INTEGER NOT NULL,
    entry BLOB NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('removed', 'moved')),
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (vault, entry)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tombstones (
    vault INTEGER NOT NULL,
    entry BLOB NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('rules', 'purge')),
    PRIMARY KEY (vault, entry, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE policies (
    vault INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    days INTEGER NOT NULL,
    trash_days INTEGER NOT NULL,
    PRIMARY KEY (vault, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE purges (
    vault INTEGER NOT NULL,
    entry BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    seqs BLOB NOT NULL,
    PRIMARY KEY (vault, entry)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE holds (
    account BLOB NOT NULL,
    holder TEXT NOT NULL CHECK (holder IN ('account', 'admin', 'alarm')),
    is_on INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (account, holder)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE found_expiries (
    id BLOB PRIMARY KEY,
    vault BLOB NOT NULL,
    owner BLOB NOT NULL,
    pack TEXT NOT NULL,
    offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX found_expiries_by_vault ON found_expiries (vault);
  CREATE INDEX ended_versions ON versions (vault, entry, seq) WHERE to_ms IS NOT NULL;
  DELETE FROM meta; DELETE FROM packs; DELETE FROM vaults; DELETE FROM members; DELETE FROM commits; DELETE FROM chunks;
  DELETE FROM grants; DELETE FROM versions; DELETE FROM usage; DELETE FROM unapplied;
  `,
  /* 4: who has stored what in the vaults of others, and what teams were. The packs say it, so indexes are made again from them. */ `
  ALTER TABLE chunks ADD COLUMN sender INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE commits ADD COLUMN author INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE writers (
    owner INTEGER NOT NULL, writer INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (owner, writer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE team_heads (
    vault INTEGER NOT NULL, hash BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (vault, hash)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE set_aside (pack TEXT NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (pack, offset)) STRICT, WITHOUT ROWID;
  CREATE TABLE team_states (
    vault INTEGER NOT NULL, seq INTEGER NOT NULL, state BLOB NOT NULL, PRIMARY KEY (vault, seq)
  ) STRICT, WITHOUT ROWID;
  DELETE FROM meta; DELETE FROM packs; DELETE FROM vaults; DELETE FROM members; DELETE FROM commits; DELETE FROM chunks;
  DELETE FROM grants; DELETE FROM versions; DELETE FROM usage; DELETE FROM unapplied; DELETE FROM drops;
  DELETE FROM tombstones; DELETE FROM policies; DELETE FROM purges; DELETE FROM holds; DELETE FROM found_expiries;
  `,
];
