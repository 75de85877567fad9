import { DatabaseSync } from 'node:sqlite';

/**
 * What an index says, without the numbers and places that differ between two indexes of the same packs. Grants that
 * nothing refers to are left out: a client may have asked for them, which is no record in any pack.
 */
export function indexTables(path: string): Readonly<Record<string, readonly string[]>> {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const entries = Object.entries(queries).map(([name, sql]) => [name, rowsOf(db, sql)] as const);
    return Object.fromEntries(entries);
  } finally {
    db.close();
  }
}

function rowsOf(db: DatabaseSync, sql: string): string[] {
  const rows = db.prepare(sql).all() as Record<string, unknown>[];
  return rows.map((row) => Object.values(row).map(textOf).join(' ')).toSorted();
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? value.toHex() : String(value);
}

const vaultId = '(SELECT id FROM numbers WHERE number = t.vault)';

const queries = {
  vaults: `SELECT ${vaultId}, owner, kind, seq, head, received_at_ms, state FROM vaults t`,
  versions: `SELECT ${vaultId}, entry, seq, from_ms, to_ms, ended, bytes FROM versions t`,
  tombstones: `SELECT ${vaultId}, entry, seq, at_ms, cause FROM tombstones t`,
  drops: `SELECT ${vaultId}, entry, reason, at_ms FROM drops t`,
  policies: `SELECT ${vaultId}, seq, at_ms, versions, days, trash_days FROM policies t`,
  purges: `SELECT ${vaultId}, entry, at_ms, seqs FROM purges t`,
  holds: 'SELECT account, holder, is_on, at_ms, since_ms, reason FROM holds',
  found: 'SELECT id FROM found_expiries',
  chunks: `SELECT o.id, u.id, c.id, c.kind, c.pack IS NULL, c.bytes, c.content_bytes, c.count FROM chunks c
    JOIN numbers o ON o.number = c.owner JOIN numbers u ON u.number = c.uploader`,
  grants: `SELECT ${vaultId}, o.id, c.id, t.count FROM grants t JOIN chunks c ON c.chunk = t.chunk
    JOIN numbers o ON o.number = c.owner WHERE t.count > 0`,
  usage: `SELECT n.id, chunk_bytes, uncommitted_bytes, journal_bytes, files, versions, trash_bytes
    FROM usage JOIN numbers n ON n.number = owner`,
  teamHeads: `SELECT ${vaultId}, hash, seq FROM team_heads t`,
  teamStates: `SELECT ${vaultId}, seq, state FROM team_states t`,
  writers: `SELECT o.id, w.id, t.bytes FROM writers t JOIN numbers o ON o.number = t.owner
    JOIN numbers w ON w.number = t.writer WHERE t.bytes <> 0`,
} as const;
