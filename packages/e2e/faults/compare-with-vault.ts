import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { compareTrees } from '../src/index.ts';
import type { Vault } from '../src/index.ts';

/** A device that has never seen `path` of the vault brings it down, and it is what lies in `folder`. @throws AssertionError */
export async function compareWithVault(vault: Vault, folder: string, path: string): Promise<void> {
  const fresh = await vault.device();
  const copy = `${folder} copy`;
  await fresh.json(['sync', copy, path, '--mode', 'pull']);
  assert.deepEqual(compareTrees(folder, copy), []);
  for (const made of [copy, fresh.home]) rmSync(made, { recursive: true });
}
