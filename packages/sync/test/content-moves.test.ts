import { expect, test } from '@jest/globals';
import type { Entry, UploadedContent } from '@coffer/client';
import type { EntryId } from '@coffer/core';
import { ContentMoves } from '../src/content-moves.ts';
import type { Plan } from '../src/plan.ts';
import { makeRemoteStamp } from '../src/remote-tree.ts';

const idOf = (number: number): EntryId => {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(12, number);
  return id;
};
const hashOf = (number: number): Uint8Array => new Uint8Array(32).fill(number % 251, 0, 16).fill(number >> 8, 16);

/** Vanished files of one size, all in one directory below the root, and how often the vault was asked. */
function scene(count: number) {
  const asked = { times: 0 };
  const contents = new Map(Array.from({ length: count }, (_, number) => [number + 10, hashOf(number)]));
  const get = (entry: EntryId): Entry | undefined => {
    asked.times += 1;
    const number = new DataView(entry.buffer, entry.byteOffset).getUint32(12);
    const parent = idOf(number >= 10 ? 1 : 0);
    return number === 0 ? undefined : ({ entry, parent, contentHash: contents.get(number) } as unknown as Entry);
  };
  const vanishedFiles = Array.from({ length: count }, (_, number) => ({
    remote: makeRemoteStamp({ kind: 'file', entry: idOf(number + 10), seq: 1, mtime: [1, 0], mode: 0o644, size: 18 }),
    fromBase: undefined,
  }));
  const moves = new ContentMoves({ get, children: () => [], entries: () => [] }, { vanishedFiles } as unknown as Plan);
  const claim = (number: number, size = 18) =>
    moves.claim({ size, contentHash: hashOf(number) } as unknown as UploadedContent);
  return { asked, contents, moves, claim, vanishedFiles };
}

test('each vanished file is claimed once, by its content', () => {
  const { claim, moves, vanishedFiles, contents } = scene(5);
  expect(claim(3)).toBe(vanishedFiles[3]);
  expect([claim(3), claim(3, 17), claim(9)]).toEqual([undefined, undefined, undefined]);
  expect(moves.isClaimed(vanishedFiles[3]?.remote ?? '')).toBe(true);
  contents.set(14, hashOf(200));
  expect(claim(4)).toBeUndefined();
  const directory = makeRemoteStamp({ kind: 'directory', entry: idOf(1), seq: 0, mtime: [1, 0], mode: 0o755, size: 0 });
  expect(moves.movedOutOf({ remote: directory } as never)).toBe(1);
});

test('thousands of the same size cost a few questions each, not one for each pair', () => {
  const count = 3000;
  const { claim, asked } = scene(count);
  for (let number = 0; number < count; number += 1) claim(number);
  expect(asked.times).toBeLessThan(count * 6);
});
