import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PathVaults } from '../src/index.ts';
import { claimFolder } from '../src/running-jobs.ts';
import { JobState } from '../src/job-state.ts';
import { TemporaryFolder } from './folder-tools.ts';

const vault = new Uint8Array(32).fill(7);

test('what a path led to is known for the same folder and path only, and damage is as if nothing were known', () => {
  using temporary = new TemporaryFolder();
  const known = new PathVaults(temporary.at('state'));
  const synced = { local: temporary.at('docs'), path: '/Shared/alice/docs' };
  expect(known.of(synced)).toBeUndefined();
  known.note(synced, vault);
  expect(new PathVaults(temporary.at('state')).of(synced)).toBe('07'.repeat(32));
  expect(known.of({ ...synced, path: '/Shared/alice/other' })).toBeUndefined();
  expect(known.of({ ...synced, local: temporary.at('other') })).toBeUndefined();
  known.note(synced, new Uint8Array(32).fill(8));
  expect(known.of(synced)).toBe('08'.repeat(32));
  const [file = ''] = readdirSync(temporary.at('state'));
  writeFileSync(join(temporary.at('state'), file), 'half');
  expect(known.of(synced)).toBeUndefined();
});

test('a job and what is part of it run at once; a stranger inside does not', async () => {
  using temporary = new TemporaryFolder();
  const states = temporary.at('state');
  for (const name of ['work', 'work/team', 'work/own']) mkdirSync(temporary.at(name));
  const keyOf = (name: string) => ({ root: temporary.at(name), vault, lineage: 0, path: name });
  await using _outer = await JobState.open(states, keyOf('work'));
  await using _inner = await JobState.open(states, keyOf('work/team'));
  await using _other = await JobState.open(states, keyOf('work/own'));
  {
    using _first = claimFolder(states, { key: keyOf('work') });
    using _second = claimFolder(states, { key: keyOf('work/team'), within: temporary.at('work') });
    expect(() => claimFolder(states, { key: keyOf('work/own') })).toThrow('inside that of a job');
  }
  // The outer one may begin again while the inner one runs.
  using _second = claimFolder(states, { key: keyOf('work/team'), within: temporary.at('work') });
  using _first = claimFolder(states, { key: keyOf('work') });
  expect(readdirSync(states).filter((name) => name.endsWith('.job'))).toHaveLength(2);
});
