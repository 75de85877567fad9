import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  cpSync,
  globSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isCofferError } from '@coffer/core';
import { startVault } from '../../src/index.ts';
import type { Vault } from '../../src/index.ts';
import { checkStorage } from '../check-storage.ts';
import { compareWithVault } from '../compare-with-vault.ts';
import { RogueDevice } from '../hostile/rogue-device.ts';
import { Seeded } from '../seeded.ts';

export interface NewerFormatsResult {
  /** What was of a newer format, each refused and left as it was. */
  readonly refused: readonly string[];
  /** Files of the storage that were compared byte for byte after each refusal. */
  readonly files: number;
}

interface NewerFormat {
  readonly name: string;
  readonly make: (storage: string) => void;
}

const newerFormats: readonly NewerFormat[] = [
  { name: 'a pack that the index knows', make: (storage) => raisePack(somePack(storage)) },
  { name: 'a pack that the index does not know', make: addPack },
  {
    name: 'a pack, and there is no index',
    make: (storage) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(join(storage, `index.db${suffix}`), { force: true });
      raisePack(somePack(storage));
    },
  },
  { name: 'index.db', make: (storage) => raiseSchema(join(storage, 'index.db')) },
  { name: 'accounts.db', make: (storage) => raiseSchema(join(storage, 'accounts.db')) },
];

/** Files that a start makes whatever comes of it, and that hold nothing. */
const immaterial = /(^lock|^ballast|-shm|-wal)$/;

/**
 * A newer program was here: packs, databases and commits of a format that this one does not know are refused, and nothing
 * is changed. @throws AssertionError
 */
export async function refuseNewerFormats(seed: number, signal?: AbortSignal): Promise<NewerFormatsResult> {
  await using vault = await startVault();
  const work = await vault.folder.folder('work');
  const seeded = new Seeded(seed);
  for (let file = 0; file < 10; file += 1)
    writeFileSync(join(work, `file ${file}`), seeded.bytes(1 + seeded.below(50_000)));
  await vault.user.device.json(['sync', work, '/work']);
  const refused: string[] = [];
  let files = 0;
  for (const format of newerFormats) {
    signal?.throwIfAborted();
    files = await refusedAtStart(vault, format);
    refused.push(format.name);
    await compareWithVault(vault, work, '/work');
  }
  await refuseCommit(vault);
  refused.push('a commit');
  await compareWithVault(vault, work, '/work');
  await checkStorage(vault);
  return { refused, files };
}

/** Files that were compared. */
async function refusedAtStart({ daemon, storage }: Vault, { name, make }: NewerFormat): Promise<number> {
  const aside = `${storage} aside`;
  await daemon.stop();
  cpSync(storage, aside, { recursive: true });
  make(storage);
  const before = hashesOf(storage);
  await assert.rejects(daemon.restart(), /newer version|knows \d+/, `a start with ${name} of a newer format`);
  // An empty index may have been made where there was none.
  const after = [...hashesOf(storage)].filter(([file]) => before.has(file));
  assert.deepEqual(after, [...before], `${name} of a newer format: something was changed`);
  rmSync(storage, { recursive: true });
  cpSync(aside, storage, { recursive: true });
  rmSync(aside, { recursive: true });
  await daemon.restart();
  return before.size;
}

async function refuseCommit(vault: Vault): Promise<void> {
  await using rogue = await RogueDevice.open(vault.user.device);
  await assert.rejects(rogue.append({ operations: [], newer: true }), (error) =>
    isCofferError(error, 'UPGRADE_REQUIRED'),
  );
}

function hashesOf(storage: string): Map<string, string> {
  const names = globSync('**/*', { cwd: storage, withFileTypes: true })
    .filter((entry) => entry.isFile() && !immaterial.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(names.toSorted().map((name) => [name, createHash('sha256').update(readFileSync(name)).digest('hex')]));
}

function somePack(storage: string): string {
  const [pack] = globSync(join(storage, 'users/*/journal/*.pack'));
  assert(pack !== undefined, 'there is a pack');
  return pack;
}

function addPack(storage: string): void {
  const pack = join(dirname(somePack(storage)), `${'f'.repeat(32)}.pack`);
  copyFileSync(somePack(storage), pack);
  raisePack(pack);
}

/** The version stands behind the eight letters that begin a pack (docs/FORMAT.md). */
function raisePack(pack: string): void {
  const file = openSync(pack, 'r+');
  writeSync(file, Uint8Array.of(0, 0, 0, 2), 0, 4, 8);
  closeSync(file);
}

function raiseSchema(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 1000');
  db.close();
}
