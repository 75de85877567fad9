import { randomBytes } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import { concatBytes, encodeCbor, isCofferError } from '@coffer/core';
import { encodeInvite, operationOf, parseInvite, type OperationName, type RequestOf } from '@coffer/protocol';
import { FrameDecoder } from '../src/frame-decoder.ts';
import { decodeMessage } from '../src/messages.ts';
import { fromWireError } from '../src/wire-error.ts';
import { frameBytes, requestFrame } from './raw-peer.ts';
import { helloRequest, id16, id32 } from './session-fixture.ts';

/** Of each decoder; `COFFER_FUZZ_RUNS=1000000` for the whole run. */
const runs = Number(process.env['COFFER_FUZZ_RUNS'] ?? 2000);
/** What the process may have grown by, however many there were: young garbage of two threads. */
const growthBytes = 128 * 1024 * 1024;

jest.setTimeout(600_000);

const job = { job: id16, status: 'done', counts: { sent: 1, removed: 0 } } as const;
const valid: { readonly [Op in OperationName]?: RequestOf<Op> } = {
  'session.hello': helloRequest,
  'session.loginStart': { username: 'Zoë', request: id32 },
  'session.prove': { signature: new Uint8Array(64) },
  'vault.pull': { vault: id32, after: 70_000 },
  'vault.watch': { vaults: [id32, id32] },
  'chunk.has': { vault: id32, ids: new Uint8Array(96) },
  'chunk.put': { vault: id32, kind: 'segment' },
  'job.end': job,
};
const error = encodeCbor({ code: 'QUOTA', message: 'm', retryable: false, details: { a: 1, b: 'x', hint: 'h' } });
const frames = concatBytes(
  ...Object.entries(valid).map(([op, message]) => frameBytes(requestFrame(1, op as OperationName, message))),
);
const invite = new TextEncoder().encode(encodeInvite({ v: 1, host: 'h', port: 1, pin: id32 }));

describe(`${runs} damaged inputs are refused, or read as something legal`, () => {
  test.each(Object.entries(valid))('by the message of %s', (op, message) => {
    const { request } = operationOf(op as OperationName);
    expect(attack(encodeCbor(message), (bytes) => decodeMessage(request, bytes))).toEqual(['PROTOCOL']);
  });

  test('by the error', () => {
    expect(attack(error, (bytes) => fromWireError(bytes))).toEqual(['PROTOCOL']);
  });

  test('by the frames', () => {
    expect(attack(frames, decodeFrames)).toEqual(['PROTOCOL']);
  });

  test('by the invite', () => {
    expect(attack(invite, (bytes) => parseInvite(new TextDecoder().decode(bytes)))).toEqual(['INVALID']);
  });
});

/** The codes of what was thrown; anything but our own errors comes out as itself. */
function attack(original: Uint8Array, decode: (bytes: Uint8Array) => unknown): string[] {
  const codes = new Set<string>();
  const before = process.memoryUsage().rss;
  let chance = randomBytes(4096);
  for (let run = 0; run < runs; run += 1) {
    if (run % 800 === 0) chance = randomBytes(4096);
    try {
      decode(damage(original, chance.readUInt32BE((run % 800) * 5), chance.readUInt8((run % 800) * 5 + 4)));
    } catch (thrown) {
      if (!isCofferError(thrown)) throw thrown;
      codes.add(thrown.code);
    }
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(growthBytes);
  return [...codes];
}

function damage(original: Uint8Array, where: number, what: number): Uint8Array {
  const bytes = original.slice();
  const at = where % bytes.byteLength;
  switch (what % 4) {
    case 0:
      bytes[at] = what;
      return bytes;
    case 1:
      bytes[at] = (bytes[at] as number) ^ (1 << (what >> 5));
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    default:
      return concatBytes(bytes.subarray(0, at), Uint8Array.of(what, what >> 2), bytes.subarray(at));
  }
}

function decodeFrames(bytes: Uint8Array): void {
  const decoder = new FrameDecoder({ controlBytes: 4096, dataBytes: 0 });
  decoder.feed(bytes);
  while (decoder.next() !== undefined);
}
