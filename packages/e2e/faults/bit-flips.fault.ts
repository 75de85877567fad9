/**
 * Single bits flip in packs: every one is reported by `check --read-data`, nothing else is, and no reader gets wrong bytes.
 *
 *   npm run faults -- bit-flips --rounds 1000
 */
import { playBitFlips } from '@coffer/storage/testing';
import { main } from './main.ts';

await main({
  name: 'bit-flips',
  run: async ({ seed, rounds = 1000 }, signal) => {
    const { packs, packBytes, reported, readings } = await playBitFlips({ seed, flips: rounds, signal });
    return [
      `${reported} bits flipped one at a time in ${packs} packs of ${packBytes} bytes: ${reported} reported, no false alarm`,
      `${readings} storages were read with one in them: an error or the right bytes`,
    ];
  },
});
