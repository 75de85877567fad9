import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CofferError, KiB } from '@coffer/core';
import { z } from 'zod';
import { showPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { isBusyState, jobName } from './job-state.ts';
import type { JobKey } from './job-state.ts';

/** What a running job says of itself beside its state, which only it can read. */
const Claim = z.strictObject({
  root: z.string().max(8 * KiB),
  path: z.string().max(64 * KiB),
  /** Of the job that it is part of. */
  within: z
    .string()
    .max(8 * KiB)
    .optional(),
});
type Claim = z.output<typeof Claim>;

const suffix = '.job';
const maxClaimBytes = 512 * KiB;

/**
 * Says that a job runs on a folder, and refuses when another one of the same profile does that on the same folder, one above or
 * one below, unless one is part of the other: each would take for a change what the other lays down. The caller holds the job's state, whose lock tells whether
 * a claim that was left behind still means anything, and disposes the answer before it lets go of that.
 * @throws LOCKED naming the other; IO
 */
export function claimFolder(
  stateDirectory: string,
  { key, within }: { readonly key: JobKey; readonly within?: ByteName | undefined },
): Disposable {
  const name = jobName(key);
  const file = join(stateDirectory, name + suffix);
  const claim: Claim = { root: key.root, path: key.path, within };
  writeFileSync(file, JSON.stringify(claim), { mode: 0o600 });
  const release = (): void => rmSync(file, { force: true });
  try {
    for (const other of otherClaims(stateDirectory, name)) checkApart(claim, other);
  } catch (error) {
    release();
    throw error;
  }
  return { [Symbol.dispose]: release };
}

function* otherClaims(directory: string, own: string): Iterable<Claim> {
  for (const file of readdirSync(directory)) {
    const name = file.endsWith(suffix) ? file.slice(0, -suffix.length) : own;
    if (name === own || !isRunning(join(directory, `${name}.db`))) continue;
    const claim = readClaim(join(directory, file));
    if (claim !== undefined) yield claim;
  }
}

/** Undefined for what is none, or has gone. */
function readClaim(file: string): Claim | undefined {
  try {
    return statSync(file).size > maxClaimBytes
      ? undefined
      : Claim.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

function isRunning(stateFile: string): boolean {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(stateFile, { readOnly: true });
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    return isBusyState(error);
  } finally {
    db?.close();
  }
}

function checkApart({ root, within }: Claim, other: Claim): void {
  if (within === other.root || other.within === root) return;
  if (root !== other.root && !isInside(root, other.root) && !isInside(other.root, root)) return;
  const where =
    root === other.root
      ? 'a job is running on this folder already'
      : isInside(root, other.root)
        ? 'the folder is inside that of a job that is running'
        : 'the folder of a job that is running is inside this one';
  throw new CofferError('LOCKED', `${where}: ${showPath(other.root)} with /${showPath(other.path)} in the vault`, {
    hint: 'Wait until it has ended, or stop it.',
  });
}

function isInside(inner: ByteName, outer: ByteName): boolean {
  return inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}
