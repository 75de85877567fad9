import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { VaultId } from '@coffer/core';
import type { Conflict } from './conflict.ts';
import { asStateFailure, discardState, isDamaged } from './job-state.ts';
import type { JobKey } from './job-state.ts';

/** A conflict that nobody has resolved yet, and the job that met it. */
export interface ListedConflict extends Conflict {
  readonly id: number;
  readonly job: JobKey;
  readonly atMs: number;
}

/** How long another process may write, in milliseconds: one row takes far less. */
const patienceMs = 5000;

/**
 * The conflicts of all jobs of a profile, in one small database beside the jobs' own, so that they can be read while jobs run.
 * Lost or damaged, only the list is gone: the files themselves say what they are.
 */
export class ConflictList implements Disposable {
  readonly #db: DatabaseSync;

  /** Undefined when there never was a conflict. @throws IO */
  static openExisting(directory: string): ConflictList | undefined {
    return existsSync(join(directory, fileName)) ? ConflictList.open(directory) : undefined;
  }

  /** @throws IO */
  static open(directory: string): ConflictList {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, fileName);
    try {
      return new ConflictList(openDatabase(file));
    } catch (error) {
      if (!isDamaged(error)) throw asStateFailure(error);
      discardState(file);
      return new ConflictList(openDatabase(file));
    }
  }

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Stored when it returns; what is there already stays as it is. */
  add({ root, vault, lineage, path: jobPath }: JobKey, { path, copy, mine }: Conflict, atMs: number): void {
    this.#db
      .prepare(
        'INSERT OR IGNORE INTO conflicts (root, vault, lineage, job_path, path, copy, mine, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(root, vault, lineage, jobPath, path, copy, mine, Math.trunc(atMs));
  }

  /** Oldest first. */
  all(): readonly ListedConflict[] {
    const rows = this.#db.prepare('SELECT * FROM conflicts ORDER BY at_ms, id').all() as unknown as readonly Row[];
    return rows.map(({ id, root, vault, lineage, job_path, path, copy, mine, at_ms }) => {
      return {
        id,
        job: { root, vault: new Uint8Array(vault), lineage, path: job_path },
        path,
        copy,
        mine,
        atMs: at_ms,
      };
    });
  }

  remove(id: number): void {
    this.#db.prepare('DELETE FROM conflicts WHERE id = ?').run(id);
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

interface Row {
  readonly id: number;
  readonly root: string;
  readonly vault: VaultId;
  readonly lineage: number;
  readonly job_path: string;
  readonly path: string;
  readonly copy: string;
  readonly mine: Conflict['mine'];
  readonly at_ms: number;
}

const fileName = 'conflicts.db';

function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: patienceMs });
  try {
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS conflicts (id INTEGER PRIMARY KEY, root TEXT NOT NULL, vault BLOB NOT NULL,
        lineage INTEGER NOT NULL, job_path TEXT NOT NULL, path TEXT NOT NULL, copy TEXT NOT NULL, mine TEXT NOT NULL CHECK (mine IN ('path', 'copy')),
        at_ms INTEGER NOT NULL, UNIQUE (root, vault, lineage, job_path, path, copy)) STRICT;`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
