import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '@coffer/core';
import { parseCommit } from '@coffer/journal';
import { Coffer } from '../../src/index.ts';
import type { CofferResult } from '../../src/index.ts';
import type { Attack, Scene } from './attack.ts';
import { refused } from './attack.ts';
import { flipped, lieInHandlers } from './lies.ts';
import { openLyingServer } from './lying-server.ts';
import { openCutLine, openTlsRelay } from './relay.ts';

/** Another key, another server, somebody in the middle, lies at the login and about what was stored. */
export const sessionAttacks: readonly Attack[] = [
  {
    name: 'another key, certified by the same authority',
    brief: true,
    prepare: (scene) => newCertificates(scene, ['server.key', 'server.pem']),
    outcome: refused('PIN_MISMATCH'),
    heals: false,
  },
  {
    name: 'another key and authority',
    prepare: (scene) => newCertificates(scene, ['server.key', 'server.pem', 'ca.pem', 'ca.key']),
    outcome: refused('PIN_MISMATCH'),
    heals: false,
  },
  {
    name: 'a relay with the stolen key, before a device',
    serve: relayed,
    outcome: { kind: 'refused', exitCode: 3, codes: ['NOT_LOGGED_IN'] },
  },
  {
    name: 'a relay with the stolen key, before a login',
    brief: true,
    serve: relayed,
    act: logIn,
    outcome: { kind: 'refused', exitCode: 3, codes: ['REFUSED'] },
  },
  {
    name: 'a line that is cut again and again',
    serve: async (scene) => {
      const cuts = Array.from({ length: 8 }, () => scene.seeded.below(60_000));
      return await before(scene, openCutLine({ port: scene.port, to: scene.otherPort, cuts }));
    },
    // A first connection that fails is told at once; later ones are tried again.
    act: async ({ victim }) => {
      for (let tries = 0; ; tries += 1) {
        const result = await pull(victim);
        if (result.exitCode !== 8 || tries >= 8) return result;
      }
    },
    outcome: { kind: 'complete' },
  },
  {
    name: 'an older generation',
    lie: () =>
      lieInHandlers((honest) => ({
        'session.hello': async (request, call) => ({
          ...(await honest['session.hello'](request, call)),
          generation: 0,
        }),
      })),
    outcome: refused('ROLLBACK'),
  },
  {
    name: 'another server behind the same key',
    lie: () =>
      lieInHandlers((honest) => ({
        'session.hello': async (request, call) => {
          const hello = await honest['session.hello'](request, call);
          return { ...hello, server: flipped(hello.server, 3) };
        },
      })),
    outcome: refused('UNTRUSTED_SERVER'),
  },
  {
    name: 'an altered unlock record at a login',
    lie: () =>
      lieInHandlers((honest) => ({
        'account.unlock': async (request, call) => {
          const answer = await honest['account.unlock'](request, call);
          // In the middle lies the administrator's copy, which no login reads.
          return { ...answer, record: flipped(answer.record, 8 * answer.record.byteLength - 1) };
        },
      })),
    act: logIn,
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'an altered identity at a login',
    lie: () =>
      lieInHandlers((honest) => ({
        'account.identity': async (request, call) => {
          const answer = await honest['account.identity'](request, call);
          const [first, ...rest] = answer.statements;
          if (first === undefined) return answer;
          return { ...answer, statements: [flipped(first, 8 * (first.byteLength >> 1)), ...rest] };
        },
      })),
    act: logIn,
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'the vault of another account as home at a login',
    lie: ({ otherVault }) =>
      lieInHandlers((honest) => ({
        'vault.list': async (request, call) => {
          const { vaults } = await honest['vault.list'](request, call);
          return { vaults: vaults.map((one) => ({ ...one, vault: otherVault })) };
        },
      })),
    act: logIn,
    // The rights follow from the journals themselves, so that not even the own daemon serves it.
    outcome: { kind: 'refused', exitCode: 4, codes: ['NOT_FOUND'] },
  },
  {
    name: 'commits acknowledged and thrown away',
    lie: () =>
      lieInHandlers(() => ({
        'vault.append': async (_request, { data }) => {
          const { header, hash } = parseCommit(await firstOf(data));
          return { seq: header.seq, head: hash, receivedAt: 1 };
        },
      })),
    // It cannot know before it looks again.
    act: async (scene) => {
      await push(scene);
      return await pull(scene.victim);
    },
    outcome: refused('ROLLBACK'),
    heals: false,
  },
  {
    name: 'another commit acknowledged than the one that was sent, which is there',
    lie: () =>
      lieInHandlers((honest) => ({
        'vault.append': async (request, call) => {
          const answer = await honest['vault.append'](request, call);
          return { ...answer, head: flipped(answer.head, 11) };
        },
      })),
    act: push,
    // The journal is what counts, and the client looks there.
    outcome: { kind: 'as before' },
  },
  {
    name: 'chunks confirmed and thrown away',
    lie: () =>
      lieInHandlers(() => ({
        'chunk.put': async (_request, { data }) => {
          for await (const _frame of data);
          return { stored: 1, duplicates: 0, bytes: 1 };
        },
      })),
    act: push,
    // Its own commits need them: sent again a few times, then given up.
    outcome: { kind: 'refused', exitCode: 5, codes: ['MISSING_CHUNKS'] },
  },
];

async function pull({ device, copy }: Scene['victim']): Promise<CofferResult> {
  return await device.run(['sync', copy, '/work', '--mode', 'pull', '--delete', '--force', '--json']);
}

async function push({ victim, scratch, seeded }: Scene): Promise<CofferResult> {
  mkdirSync(scratch);
  writeFileSync(join(scratch, 'new'), seeded.bytes(20_000));
  return await victim.device.run(['put', join(scratch, 'new'), '/', '--json']);
}

async function logIn({ victim, scratch }: Scene): Promise<CofferResult> {
  mkdirSync(scratch);
  const { invite, password } = victim.credentials;
  const args = ['login', invite, '--password-stdin', '--keystore', 'file', '--device-name', 'new', '--json'];
  return await new Coffer(scratch).run(args, { input: `${password}\n` });
}

async function newCertificates({ certs, machine }: Scene, names: readonly string[]): Promise<void> {
  for (const name of names) rmSync(join(certs, name), { force: true });
  await machine.json(['admin', 'certificates', '--certs', certs, '--host', '127.0.0.1']);
}

async function relayed(scene: Scene): Promise<AsyncDisposable> {
  return await before(scene, openTlsRelay({ port: scene.port, to: scene.otherPort, certs: scene.certs }));
}

/** The honest server moves to another port; what stands before it takes its place. */
async function before(
  { storage, certs, otherPort }: Scene,
  middle: Promise<AsyncDisposable>,
): Promise<AsyncDisposable> {
  await using building = new AsyncDisposableStack();
  building.use(await middle);
  building.use(await openLyingServer({ storage, certs, port: otherPort }));
  return building.move();
}

async function firstOf(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const frame of data) parts.push(frame);
  return concatBytes(...parts);
}
