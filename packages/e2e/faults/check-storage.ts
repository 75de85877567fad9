import assert from 'node:assert/strict';
import type { Vault } from '../src/index.ts';

/** `admin check --read-data` finds nothing. @throws AssertionError */
export async function checkStorage({ machine, storage }: Vault, when?: string): Promise<void> {
  const { exitCode, json, stderr } = await machine.run([
    'admin',
    'check',
    '--read-data',
    '--storage',
    storage,
    '--json',
  ]);
  assert.deepEqual([exitCode, json], [0, { clean: true, findings: [] }], `${when ?? ''}\n${stderr}`);
}
