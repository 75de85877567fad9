import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { toHex, utf8 } from '@coffer/core';
import { authTranscript, deviceProof, negotiated, type AuthFields } from '@coffer/protocol';
import { connectPair, helloRequest } from './session-fixture.ts';

const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const fields: AuthFields = {
  server: fill(16, 1),
  account: fill(16, 2),
  exporter: fill(32, 3),
  negotiated: negotiated(Uint8Array.of(4, 5), Uint8Array.of(6)),
};

describe('the transcript of a proof', () => {
  test('is as docs/PROTOCOL.md says, byte by byte', () => {
    const expected = [
      '00000018',
      toHex(utf8('coffer/1 auth transcript')),
      `00000010${'01'.repeat(16)}`,
      `00000010${'02'.repeat(16)}`,
      '00000000',
      `00000020${'03'.repeat(32)}`,
      '0000000b',
      '000000020405',
      '0000000106',
    ].join('');
    expect(toHex(authTranscript(fields))).toBe(expected);
    expect(toHex(deviceProof(Uint8Array.of(7), Uint8Array.of(8)))).toBe('00000001070000000108');
  });

  test('differs when anything differs', () => {
    const others: AuthFields[] = [
      fields,
      { ...fields, server: fill(16, 9) },
      { ...fields, account: fill(16, 9) },
      { ...fields, device: fill(16, 9) },
      { ...fields, exporter: fill(32, 9) },
      { ...fields, negotiated: negotiated(Uint8Array.of(4), Uint8Array.of(5, 6)) },
    ];
    const digests = others.map((each) => createHash('sha256').update(authTranscript(each)).digest('hex'));
    expect(new Set(digests).size).toBe(others.length);
  });

  test('is the same on both sides of a connection', async () => {
    const { client, server } = connectPair();
    expect(() => client.negotiated).toThrow(TypeError);
    expect(() => server.negotiated).toThrow(TypeError);
    await client.request('session.hello', helloRequest);
    expect(client.negotiated).toEqual(server.negotiated);
    expect(client.negotiated.byteLength).toBeGreaterThan(100);
    expect(client.exporter).toEqual(server.exporter);
    await client[Symbol.asyncDispose]();
  });
});
