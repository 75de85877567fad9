import { cpSync, rmSync } from 'node:fs';
import { concatBytes } from '@coffer/core';
import { parseCommit } from '@coffer/journal';
import type { Attack } from './attack.ts';
import { refused } from './attack.ts';
import { flipped, lieInCommits, lieInHandlers, lieInPull } from './lies.ts';

/** A frame begins with the time at which the server received the commit. */
const timeBytes = 8;

/** The journal rolled back, cut, shuffled, altered, exchanged. */
export const journalAttacks: readonly Attack[] = [
  {
    name: 'the storage of an older day',
    brief: true,
    prepare: ({ storage, olderStorage }) => replace(storage, olderStorage),
    outcome: refused('ROLLBACK'),
    heals: false,
  },
  {
    name: 'a storage that went another way',
    brief: true,
    prepare: ({ storage, forkedStorage }) => replace(storage, forkedStorage),
    outcome: refused('ROLLBACK'),
    heals: false,
  },
  {
    name: 'an older head',
    lie: () => lieInPull((honest) => ({ ...honest, seq: honest.after - 1, frames: [] })),
    outcome: refused('ROLLBACK'),
  },
  {
    name: 'another head behind the same commits',
    lie: () => lieInPull((honest) => ({ ...honest, head: flipped(honest.head, 7) })),
    outcome: refused('ROLLBACK'),
  },
  {
    name: 'no news',
    lie: () =>
      lieInPull((honest) => {
        const [first] = honest.frames;
        return {
          ...honest,
          seq: honest.after,
          head: first === undefined ? honest.head : previousHash(first),
          frames: [],
        };
      }),
    outcome: { kind: 'as before' },
  },
  {
    name: 'a commit in the middle dropped',
    brief: true,
    lie: () => lieInCommits((frames) => frames.filter((_, index) => index !== 1)),
    outcome: refused('INTEGRITY', 'ROLLBACK'),
  },
  {
    name: 'the first new commit dropped',
    lie: () => lieInCommits((frames) => frames.slice(1)),
    outcome: refused('INTEGRITY', 'ROLLBACK'),
  },
  {
    name: 'the last commit dropped',
    lie: () => lieInCommits((frames) => frames.slice(0, -1)),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'all commits dropped',
    lie: () => lieInCommits(() => []),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'a commit repeated',
    brief: true,
    lie: () => lieInCommits((frames) => frames.flatMap((frame, index) => (index === 1 ? [frame, frame] : [frame]))),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'the last commit repeated',
    lie: () => lieInCommits((frames) => [...frames, ...frames.slice(-1)]),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'two commits in the wrong order',
    lie: () => lieInCommits(([first, second, ...rest]) => [second, first, ...rest].filter((one) => one !== undefined)),
    outcome: refused('INTEGRITY', 'ROLLBACK'),
  },
  {
    name: 'a bit of a commit flipped',
    brief: true,
    lie: ({ seeded }) =>
      lieInCommits(([first, ...rest]) => {
        if (first === undefined) return rest;
        const bit = 8 * timeBytes + seeded.below(8 * (first.byteLength - timeBytes));
        return [flipped(first, bit), ...rest];
      }),
    outcome: refused('INTEGRITY', 'ROLLBACK'),
  },
  {
    name: 'a commit cut short',
    lie: () => lieInCommits((frames) => frames.map((frame) => frame.subarray(0, -1))),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'a commit with a byte too many',
    lie: () => lieInCommits((frames) => frames.map((frame) => concatBytes(frame, Uint8Array.of(0)))),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'a receive time that no clock can show',
    lie: () =>
      lieInCommits((frames) => frames.map((frame) => concatBytes(new Uint8Array(8).fill(255), frame.subarray(8)))),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'the journal of another account',
    lie: ({ otherVault }) =>
      lieInHandlers((honest) => ({
        'vault.pull': (request, call) => honest['vault.pull']({ ...request, vault: otherVault }, call),
      })),
    outcome: refused('INTEGRITY', 'ROLLBACK'),
  },
];

function replace(storage: string, by: string): void {
  rmSync(storage, { recursive: true });
  cpSync(by, storage, { recursive: true });
}

/** The client learnt this hash with the commit before: the server says that nothing came after it. */
function previousHash(frame: Uint8Array): Uint8Array {
  return parseCommit(frame.subarray(timeBytes)).header.prev;
}
