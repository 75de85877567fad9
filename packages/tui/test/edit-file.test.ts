import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CofferError, idKey } from '@coffer/core';
import { blank } from '../../sync/test/fake-tree.ts';
import { FakeVault } from '../../sync/test/fake-vault.ts';
import { editFile, KeptEditError } from '../src/services/edit-file.ts';
import type { EditParts } from '../src/services/edit-file.ts';
import { LocalMachine } from '../src/services/local-machine.ts';

/** A vault with one file, and a person whose editor is a script. */
class EditScene implements Disposable {
  readonly vault = new FakeVault();
  readonly #folder = mkdtempSync(join(tmpdir(), 'coffer-edit-'));
  /** Milliseconds that the editor seems to be open. */
  openMs = 60_000;
  #nowMs = 0;

  async edit(script: string, stop: () => AbortSignal = () => new AbortController().signal) {
    const editor = join(this.#folder, 'editor');
    writeFileSync(editor, `#!/bin/sh\n${script}\n`);
    chmodSync(editor, 0o700);
    await this.vault.putText('/note.txt', 'before');
    const local = new LocalMachine({
      streams: process,
      home: this.#folder,
      cwd: this.#folder,
      env: { EDITOR: editor },
      editFolder: this.#edits,
    });
    const parts = {
      vault: this.vault,
      local,
      account: { info: { deviceName: 'laptop' } },
      clock: { nowMs: () => this.#nowMs, monotonicMs: () => this.#nowMs },
      ui: {
        suspend: async (callback: () => Promise<void>) => {
          await callback();
          this.#nowMs += this.openMs;
        },
      },
      live: { touch: () => undefined },
    } as unknown as EditParts;
    const entry = this.vault.tree.lookup('/note.txt');
    if (entry === undefined) throw new Error('no file');
    return await editFile(parts, entry, stop());
  }

  async keptText(script: string): Promise<{ readonly error: KeptEditError; readonly text: string }> {
    const error = await this.edit(script).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof KeptEditError)) throw new Error('nothing is kept', { cause: error });
    return { error, text: readFileSync(error.path, 'utf8') };
  }

  text(path: string): string {
    const [[hash]] = (this.vault.tree.lookup(path)?.content ?? [[new Uint8Array()]]) as unknown as [[Uint8Array]];
    return Buffer.from(this.vault.contents.get(idKey(hash)) ?? []).toString();
  }

  get leftovers(): readonly string[] {
    return existsSync(this.#edits) ? readdirSync(this.#edits) : [];
  }

  get #edits(): string {
    return join(this.#folder, 'edit');
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

const typing = 'printf typed > "$1"';

test('what is stored, or was not changed, leaves nothing behind', async () => {
  using scene = new EditScene();
  expect(await scene.edit(typing)).toBe('changed');
  expect(await scene.edit('exit 0')).toBe('unchanged');
  expect(scene.leftovers).toEqual([]);
});

test('what was typed is kept when it cannot be stored, and the error names its path', async () => {
  using scene = new EditScene();
  let transfers = 0;
  scene.vault.faults.beforeTransfer = () => {
    transfers += 1;
    if (transfers === 2) throw new CofferError('UNREACHABLE', 'the server does not answer');
  };
  const { error, text } = await scene.keptText(typing);
  expect(text).toBe('typed');
  expect(error.code).toBe('UNREACHABLE');
  expect(error.message).toContain(error.path);
});

test('what was typed is kept when the editor ends with a failure', async () => {
  using scene = new EditScene();
  expect((await scene.keptText(`${typing}; exit 1`)).text).toBe('typed');
});

test('the file of an editor that goes on in its own window is kept, with a hint', async () => {
  using scene = new EditScene();
  scene.openMs = 50;
  const { error, text } = await scene.keptText('exit 0');
  expect(text).toBe('before');
  expect(error.hint).toContain('--wait');
});

test('what another device changed at the last moment is not written over: both survive', async () => {
  using scene = new EditScene();
  scene.vault.faults.beforeCommit = () => {
    const entry = scene.vault.tree.lookup('/note.txt');
    if (scene.leftovers.length === 0 || entry === undefined) return;
    delete scene.vault.faults.beforeCommit;
    const { content, contentHash, size } = scene.vault.store(Buffer.from('theirs'), entry);
    scene.vault.commit([{ kind: 'put', node: { ...blank(entry), content, contentHash, size } }]);
  };
  expect(await scene.edit(typing)).toBe('beside');
  expect(scene.text('/note.txt')).toBe('theirs');
  expect(scene.text('/note (edited).txt')).toBe('typed');
  expect(scene.leftovers).toEqual([]);
});
