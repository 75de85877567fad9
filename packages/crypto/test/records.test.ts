import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { concatBytes, fromHex, isCofferError, sha256, toHex, u32, utf8 } from '@coffer/core';
import {
  ChunkKeys,
  createCutter,
  loginProof,
  openChunk,
  openCommitBody,
  openEpochLink,
  openEpochSecret,
  openEscrow,
  openFrom,
  openKeystore,
  openSealed,
  openUnlockRecord,
  type AccountSecrets,
} from '@coffer/crypto';

interface Case {
  readonly name: string;
  readonly record: keyof typeof open;
  readonly input: Readonly<Record<string, string | number>>;
  readonly expect: { readonly opens?: string; readonly refusedBy?: string };
}

/** Access to a case's input: bytes by name. */
type Get = (field: string) => Uint8Array;

/** How each kind of record is opened; what comes out is compared with the generator's. */
const open = {
  seal: (get: Get) => openSealed({ key: get('key'), sealed: get('sealed'), associatedData: get('ad') }),
  hpke: (get: Get) => openFrom({ privateSeed: get('seed'), info: get('info'), sealed: get('sealed') }),
  chunk: (get: Get, { input, expect: expected }: Case) => {
    const sealed = get('sealed');
    const tuple = [get('ph'), Number(input.plainBytes), sealed.byteLength] as const;
    const given = { id: get('id'), key: get('key'), sealed, tuple };
    // Where it must open, names and keys are the ones that we derive; where it must not, they may be what is wrong.
    const keys = ChunkKeys.from(get('dedupSecret'));
    const derived = { id: keys.id(tuple[0]), key: keys.key(tuple[0]) };
    return openChunk(expected.opens === undefined ? given : { ...given, ...derived });
  },
  epochSecret: (get: Get, { input }: Case) => {
    const grant = {
      server: get('server'),
      from: get('from'),
      to: get('to'),
      object: get('object'),
      epoch: Number(input.epoch),
    };
    return openEpochSecret({ grant, privateSeed: get('seed'), sealed: get('sealed'), commitment: get('commitment') });
  },
  epochLink: (get: Get, { input }: Case) =>
    openEpochLink({
      vault: get('vault'),
      n: Number(input.n),
      secret: get('secret'),
      link: get('link'),
      previousCommitment: get('previousCommitment'),
    }),
  commitBody: (get: Get, { input }: Case) =>
    openCommitBody({
      epochSecret: get('epochSecret'),
      n: Number(input.n),
      associatedData: get('ad'),
      body: get('body'),
    }),
  unlock: (get: Get) => joined(openUnlockRecord({ exportKey: get('exportKey'), record: get('record'), ...owner(get) })),
  escrow: (get: Get) =>
    joined(
      openEscrow({
        recoverySeed: get('recoverySeed'),
        recoveryKey: get('recoveryKey'),
        record: get('record'),
        identity: { signKey: get('signKey'), sealKey: get('sealKey') },
        ...owner(get),
      })!,
    ),
  keystore: async (get: Get, { input }: Case) => {
    const { password } = input;
    const secret = typeof password === 'string' ? { password } : { wrappingKey: get('wrappingKey') };
    return openKeystore({ secret, keystore: get('keystore') });
  },
  loginProof: (get: Get, { input }: Case) =>
    loginProof(get('sessionKey'), input.side === 'client' ? 'client' : 'server', get('transcript')),
  cut: (get: Get, { input }: Case) => {
    const file = content(Number(input.bytes), String(input.name)).fill(0, 2_000_001, 2_070_001);
    const { pieces } = createCutter(get('kCut')).file().cut(file, true);
    return concatBytes(
      ...pieces.map((piece) => u32(piece.kind === 'data' ? piece.end - piece.start : 2 ** 32 - piece.bytes)),
    );
  },
};

const owner = (get: Get) => ({ server: get('server'), account: get('account') });

function joined({ ark, identitySeed, sealSeed, dedup }: AccountSecrets): Uint8Array {
  return concatBytes(ark, identitySeed, sealSeed, ...dedup.map(({ secret }) => secret));
}

function content(length: number, name: string): Uint8Array {
  const blocks = new Uint8Array(Math.ceil(length / 32) * 32);
  for (let at = 0; at < length; at += 32) blocks.set(sha256(utf8(`${name} ${at / 32}`)), at);
  return blocks.slice(0, length);
}

const file = new URL('./vectors/records.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Case[] };

/** Hex of what opens, or the code of the refusal. */
async function outcome(one: Case): Promise<string> {
  const get: Get = (field) => fromHex(String(one.input[field]));
  try {
    return toHex(await open[one.record](get, one));
  } catch (error) {
    if (isCofferError(error)) return error.code;
    throw error;
  }
}

test('the file holds every kind, opening and refused', () => {
  expect(new Set(cases.map(({ record }) => record))).toEqual(new Set(Object.keys(open)));
  expect(cases.filter(({ expect: { opens } }) => opens !== undefined).length).toBeGreaterThan(12);
  expect(cases.filter(({ expect: { refusedBy } }) => refusedBy !== undefined).length).toBeGreaterThan(40);
});

test.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
  expect(await outcome(one)).toBe(one.expect.opens ?? 'INTEGRITY');
});
