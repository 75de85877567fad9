/**
 * What do parsing and judging a full commit (1,000 new files) cost? Bound: 15 ms. Baseline: decoding its CBOR alone.
 * `node_modules/.bin/tsx --conditions=source packages/journal/bench/commit.bench.ts`
 */
import { decodeCbor, idKey } from '@coffer/core';
import { judgeCommit, matchOperations, parseCommit, parseOperations } from '../src/index.ts';
import { filePut, TestAccount, TestVault } from '../src/testing/index.ts';

const owner = new TestAccount(1);
const by = owner.enroll();
const vault = new TestVault({ owner });
const files = Array.from({ length: 1000 }, (_, index) =>
  filePut({
    entry: owner.random.bytes(16),
    name: `file number ${index}.txt`,
    uploader: owner.account,
    ids: [owner.random.bytes(32)],
  }),
);
const commit = vault.make({
  by,
  refs: files.map(({ ref }) => ref),
  operations: files.map(({ operation }) => operation),
});
const directory = vault.directory();
const small = vault.make({ by });

const steps: Record<string, () => unknown> = {
  'decode header CBOR': () => decodeCbor(commit.headerBytes),
  'decode operations CBOR': () => decodeCbor(commit.body),
  parseCommit: () => parseCommit(commit.bytes),
  judgeCommit: () => judgeCommit(vault.state, commit, directory),
  parseOperations: () => parseOperations(commit.body),
  matchOperations: () =>
    matchOperations(commit.header.refs, parseOperations(commit.body), { kind: 'home', genesis: false }),
  'all of it': () => {
    const parsed = parseCommit(commit.bytes);
    judgeCommit(vault.state, parsed, directory);
    matchOperations(parsed.header.refs, parseOperations(parsed.body), { kind: 'home', genesis: false });
  },
  'empty commit: parse and judge': () => judgeCommit(vault.state, parseCommit(small.bytes), directory),
};

for (const [name, run] of Object.entries(steps)) {
  for (let index = 0; index < 20; index += 1) run();
  const times = Array.from({ length: 40 }, () => {
    const start = process.hrtime.bigint();
    run();
    return Number(process.hrtime.bigint() - start) / 1e6;
  }).toSorted((a, b) => a - b);
  process.stdout.write(
    `${name.padEnd(32)} best ${times[0]?.toFixed(2)} ms, median ${times[20]?.toFixed(2)} ms, worst ${times[39]?.toFixed(2)} ms\n`,
  );
}
process.stdout.write(`${commit.bytes.byteLength} bytes, ${idKey(commit.hash)}\n`);
