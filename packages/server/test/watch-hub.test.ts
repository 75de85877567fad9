import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { idKey, type VaultId } from '@coffer/core';
import { WatchHub, type Watcher } from '../src/events/watch-hub.ts';

const vaultA: VaultId = new Uint8Array(32).fill(1);
const vaultB: VaultId = new Uint8Array(32).fill(2);

class Recorder implements Watcher {
  readonly heard: string[] = [];
  allowed = true;
  #release: (() => void) | undefined;
  slow = false;

  async mayRead(): Promise<boolean> {
    return this.allowed;
  }

  async notify(vault: VaultId, seq: number): Promise<void> {
    this.heard.push(`${idKey(vault).slice(0, 2)}@${seq}`);
    if (this.slow) await new Promise<void>((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release?.();
  }
}

describe('WatchHub', () => {
  test('tells the watchers of that vault, but not the author', async () => {
    const hub = new WatchHub();
    const [author, reader, other] = [new Recorder(), new Recorder(), new Recorder()];
    hub.watch(author, [vaultA]);
    hub.watch(reader, [vaultA, vaultB]);
    hub.watch(other, [vaultB]);
    hub.advanced(vaultA, 7, author);
    await turn();
    expect([author.heard, reader.heard, other.heard]).toEqual([[], ['01@7'], []]);
  });

  test('a slow watcher hears the newest position of each vault only', async () => {
    const hub = new WatchHub();
    const slow = new Recorder();
    slow.slow = true;
    hub.watch(slow, [vaultA, vaultB]);
    for (let seq = 1; seq <= 1000; seq += 1) {
      hub.advanced(vaultA, seq);
      hub.advanced(vaultB, seq);
    }
    for (let round = 0; round < 10; round += 1) {
      slow.release();
      await turn();
    }
    expect(slow.heard).toEqual(['01@1', '02@1000', '01@1000']);
  });

  test('nothing but one event without a position is delivered after membership ended, nothing after leaving, or after a failed delivery', async () => {
    const hub = new WatchHub();
    const [removed, left] = [new Recorder(), new Recorder()];
    const broken: Watcher = { mayRead: () => Promise.resolve(true), notify: () => Promise.reject(new Error('closed')) };
    for (const watcher of [removed, left, broken]) hub.watch(watcher, [vaultA]);
    removed.allowed = false;
    hub.leave(left);
    hub.advanced(vaultA, 1);
    await turn();
    expect([removed.heard, left.heard]).toEqual([['01@0'], []]);
    expect([hub.countOf(removed), hub.countOf(left), hub.countOf(broken)]).toEqual([0, 0, 0]);
  });
});
