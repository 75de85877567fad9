import type { Migrations } from '../sqlite/database.ts';

/** accounts.db (FORMAT §Packs and server storage). Not disposable: it comes from its last backup, plus statements. */
export const accountsMigrations: Migrations = [
  /* 1 */ `
  CREATE TABLE accounts (
    account BLOB PRIMARY KEY CHECK (length(account) = 16),
    username TEXT NOT NULL UNIQUE,
    display TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    quota_bytes INTEGER,
    largest_file_bytes INTEGER,
    contact TEXT NOT NULL,
    folder TEXT NOT NULL,
    registration_record BLOB NOT NULL,
    unlock_record BLOB NOT NULL,
    auth_epoch INTEGER NOT NULL,
    certificate BLOB,
    created_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE identity_statements (
    account BLOB NOT NULL REFERENCES accounts (account),
    seq INTEGER NOT NULL,
    statement BLOB NOT NULL,
    recorded INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX unrecorded_statements ON identity_statements (account, seq) WHERE recorded = 0;
  CREATE TABLE devices_seen (
    account BLOB NOT NULL REFERENCES accounts (account),
    device BLOB NOT NULL CHECK (length(device) = 16),
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    PRIMARY KEY (account, device)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE settings (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE invites (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    username TEXT,
    role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
    quota_bytes INTEGER,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER,
    used_by BLOB
  ) STRICT, WITHOUT ROWID;
  `,
  /* 2 */ `
  CREATE TABLE notifications (
    account BLOB NOT NULL REFERENCES accounts (account) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    read INTEGER NOT NULL,
    times INTEGER NOT NULL,
    actor BLOB,
    vault BLOB,
    entry BLOB,
    device BLOB,
    request BLOB,
    word TEXT,
    figure INTEGER,
    PRIMARY KEY (account, id)
  ) STRICT, WITHOUT ROWID;
  `,
  /* 3 */ `
  ALTER TABLE accounts ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE accounts ADD COLUMN removed_at_ms INTEGER;
  ALTER TABLE invites ADD COLUMN created_by BLOB;
  CREATE TABLE requests (
    request BLOB PRIMARY KEY CHECK (length(request) = 16),
    account BLOB NOT NULL REFERENCES accounts (account),
    kind TEXT NOT NULL CHECK (kind IN ('password-change', 'password-reset')),
    state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'rejected', 'cancelled', 'done')),
    auth_epoch INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    active_at_ms INTEGER,
    decided_at_ms INTEGER,
    decided_by BLOB,
    reason TEXT NOT NULL DEFAULT '',
    registration_record BLOB,
    unlock_record BLOB,
    ephemeral_key BLOB,
    token_hash BLOB,
    sealed BLOB
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX requests_by_account ON requests (account, created_at_ms);
  `,
  /* 4 */ `
  CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    times INTEGER NOT NULL,
    account BLOB,
    address TEXT,
    word TEXT,
    figure INTEGER,
    acknowledged_ms INTEGER,
    acknowledged_by BLOB
  ) STRICT;
  CREATE TABLE quota_told (
    account BLOB PRIMARY KEY REFERENCES accounts (account) ON DELETE CASCADE,
    level INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE job_failures (
    account BLOB NOT NULL REFERENCES accounts (account) ON DELETE CASCADE,
    device BLOB NOT NULL,
    job BLOB NOT NULL,
    failures INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (account, device, job)
  ) STRICT, WITHOUT ROWID;
  `,
  /* 5 */ `
  CREATE TABLE left_vaults (
    vault BLOB NOT NULL CHECK (length(vault) = 32),
    account BLOB NOT NULL REFERENCES accounts (account) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (vault, account)
  ) STRICT, WITHOUT ROWID;
  `,
  /* 6 */ `
  ALTER TABLE requests ADD COLUMN asked_from TEXT;
  `,
  /* 7: one row, raised with every change; accounts.mark says how far it has come. */ `
  CREATE TABLE changes (n INTEGER NOT NULL) STRICT;
  INSERT INTO changes (n) VALUES (0);
  `,
  /* 8 */ `
  CREATE TABLE member_quota_told (
    owner BLOB NOT NULL REFERENCES accounts (account) ON DELETE CASCADE,
    member BLOB NOT NULL CHECK (length(member) = 16),
    level INTEGER NOT NULL,
    PRIMARY KEY (owner, member)
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The schema from which on changes are counted. */
export const countedSince = 7;
