import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { startVault } from '../src/index.ts';
import type { Coffer } from '../src/index.ts';

/** Each command is a process that opens a sealed keystore; the machine may be busy. */
const patienceMs = 400_000;

interface Versioned {
  readonly version: number | null;
  readonly author: string;
  readonly receivedAt: string;
  readonly current: boolean;
}

const plan = '/Shared/alice/docs/plan.txt';

async function seenBy(coffer: Coffer, path: string): Promise<Versioned[]> {
  return await coffer.json<Versioned[]>(['versions', path]);
}

test(
  'the past of what is shared: who wrote which version, what was there when, and what was there before it was shared',
  async () => {
    await using vault = await startVault();
    const [alice, bob] = (await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')])).map(
      ({ device }) => device,
    ) as [Coffer, Coffer];
    const source = vault.folder.join('docs');
    const write = async (by: Coffer, text: string, path: string): Promise<void> => {
      mkdirSync(source, { recursive: true });
      writeFileSync(join(source, 'plan.txt'), text);
      await by.json(['put', join(source, 'plan.txt'), path]);
      await setTimeout(20);
    };
    await alice.json(['mkdir', '/docs']);
    await write(alice, 'a draft', '/docs/plan.txt');
    const [draft] = await seenBy(alice, '/docs/plan.txt');
    await write(alice, 'the plan', '/docs/plan.txt');
    await alice.json(['share', '/docs', 'bob', '--write']);
    await write(bob, 'what bob thinks', plan);
    const [bobs] = await seenBy(bob, plan);
    await write(alice, 'what alice thinks', '/docs/plan.txt');

    // Whoever looks, each version has its author; the owner sees also what nobody else does.
    const shared = [
      { version: 3, author: 'alice', current: true },
      { version: 2, author: 'bob', current: false },
      { version: 1, author: 'alice', current: false },
    ];
    expect(await seenBy(bob, plan)).toMatchObject(shared);
    expect(await seenBy(alice, '/docs/plan.txt')).toMatchObject([
      ...shared,
      { version: null, author: 'alice', current: false },
    ]);
    expect((await alice.run(['versions', '/docs/plan.txt'])).stdout).toMatch(/v2 +\S+ \S+ +.* bob +bob-\S+ +kept/);

    // Time travel, by both.
    const then = bobs?.receivedAt ?? '';
    const out = vault.folder.join('then.txt');
    for (const [who, path] of [
      [alice, '/docs/plan.txt'],
      [bob, plan],
    ] as const) {
      await who.json(['get', path, out, '--at', then]);
      expect(readFileSync(out, 'utf8')).toBe('what bob thinks');
      writeFileSync(out, '');
      await who.json(['get', path, out, '--version', '1']);
      writeFileSync(out, '');
    }
    await expect(bob.json(['ls', '/Shared/alice/docs', '--at', then])).resolves.toMatchObject([{ path: plan }]);

    // Before it was shared: its owner alone has that, and lays it down beside.
    const before = draft?.receivedAt ?? '';
    await expect(alice.json(['ls', '/docs', '--at', before])).resolves.toMatchObject([
      { path: '/docs/plan.txt', size: 7 },
    ]);
    const old = vault.folder.join('old.txt');
    await alice.json(['restore', '/docs/plan.txt', '--at', before, '--to', old]);
    expect(readFileSync(old, 'utf8')).toBe('a draft');
    const refused = await alice.run(['restore', '/docs/plan.txt', '--at', before, '--json']);
    expect(refused).toMatchObject({
      exitCode: 2,
      error: { code: 'INVALID', message: expect.stringContaining('not shared') },
    });
    expect((await bob.run(['get', plan, old, '--at', before, '--json'])).exitCode).toBe(4);

    // A member who may write brings an old version back for all; removed files come back too.
    await bob.json(['restore', plan, '--version', '2']);
    expect((await alice.run(['cat', '/docs/plan.txt'])).stdout).toBe('what bob thinks');
    expect(await seenBy(alice, '/docs/plan.txt')).toMatchObject([{ version: 4, author: 'bob' }, {}, {}, {}, {}]);
    await alice.json(['rm', '/docs/plan.txt']);
    await bob.json(['restore', plan]);
    expect((await alice.run(['cat', '/docs/plan.txt'])).stdout).toBe('what bob thinks');
    await alice.json(['share', '/docs', 'bob']);
    expect(await bob.run(['restore', plan, '--version', '1', '--json'])).toMatchObject({ exitCode: 6 });
  },
  patienceMs,
);
