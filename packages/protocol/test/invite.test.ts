import { describe, expect, test } from '@jest/globals';
import { encodeCbor, sha256, utf8 } from '@coffer/core';
import { encodeInvite, parseInvite, type Invite } from '@coffer/protocol';
import fc from 'fast-check';

const pin = new Uint8Array(32).fill(3);
const smallest: Invite = { v: 1, host: 'vault.example', port: 7443, pin };

const invite: fc.Arbitrary<Invite> = fc
  .record({
    host: fc.string({
      minLength: 1,
      maxLength: 60,
      unit: fc.constantFrom('a', 'x', '.', '-', '0', '9', ':', '[', ']'),
    }),
    port: fc.integer({ min: 1, max: 65_535 }),
    pin: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    authority: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
    username: fc.option(fc.constantFrom('anna', 'Zoë', '\u{1F600}'), { nil: undefined }),
    token: fc.option(fc.uint8Array({ minLength: 1, maxLength: 64 }), { nil: undefined }),
  })
  .map(
    (fields) =>
      ({ v: 1, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) }) as Invite,
  );

describe('an invite', () => {
  test('is read as it was written, whatever spaces came in', () => {
    fc.assert(
      fc.property(invite, fc.nat(), (fields, at) => {
        const word = encodeInvite(fields);
        expect(word).toMatch(/^coffer1-[\w-]+$/);
        const cut = at % word.length;
        expect(parseInvite(` ${word.slice(0, cut)}\n  ${word.slice(cut)}\n`)).toEqual(fields);
      }),
    );
  });

  test('is refused with one character changed, lost, added or swapped', () => {
    const word = encodeInvite({ ...smallest, username: 'anna' });
    for (let at = 0; at < word.length; at += 1) {
      const changed = word[at] === 'A' ? 'B' : 'A';
      const damaged = [
        word.slice(0, at) + changed + word.slice(at + 1),
        word.slice(0, at) + word.slice(at + 1),
        `${word.slice(0, at)}x${word.slice(at)}`,
      ];
      for (const text of damaged) expect(codeOf(text)).toBe('INVALID');
    }
  });

  test.each([
    ['nothing', ''],
    ['the prefix alone', 'coffer1-'],
    ['another prefix', encodeInvite(smallest).replace('coffer1', 'coffer2')],
    ['no base64', 'coffer1-!!!!'],
    ['a later version', sealed({ ...smallest, v: 2 })],
    ['an unknown field', sealed({ ...smallest, extra: 1 })],
    ['port 0', sealed({ ...smallest, port: 0 })],
    ['a short pin', sealed({ ...smallest, pin: pin.subarray(1) })],
    ['a host with a line break', sealed({ ...smallest, host: 'a\nb' })],
    ['no host', sealed({ ...smallest, host: '' })],
    ['a list', sealed([1])],
    ['100 KB', `coffer1-${'A'.repeat(100_000)}`],
  ])('is refused when it is %s', (_name, text) => {
    expect(codeOf(text)).toBe('INVALID');
  });

  test('is no longer than its reader takes', () => {
    const largest: Invite = {
      v: 1,
      host: '\u00e9'.repeat(255),
      port: 65_535,
      pin,
      authority: pin,
      username: '\u20ac'.repeat(64),
      token: new Uint8Array(64),
    };
    expect(parseInvite(encodeInvite(largest))).toEqual(largest);
  });
});

/** With the right checksum, so that only the content is wrong. */
function sealed(content: unknown): string {
  const body = encodeCbor(content);
  const checksum = sha256(utf8('coffer/1 invite'), body).subarray(0, 4);
  return `coffer1-${Buffer.concat([body, checksum]).toString('base64url')}`;
}

function codeOf(text: string): unknown {
  try {
    return parseInvite(text);
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}
