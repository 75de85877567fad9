import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { isCofferError, systemRandom } from '@coffer/core';
import { checkPassword, generatePassphrase } from '@coffer/crypto';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { commonPasswords } from '../src/common-passwords.ts';
import { preparePassword } from '../src/password.ts';

function refusal(password: string): unknown {
  try {
    checkPassword(password);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('checkPassword', () => {
  const bad = [
    '',
    'elevenchars',
    'ääääääääääb',
    'aaaaaaaaaaaaaaaa',
    'abcabcabcabc',
    'abcdefghijkl',
    'zyxwvutsrqpo',
    '123456789012',
    'qwertyuiop[]',
    'Password1234',
    'Pass-word-1234',
    'P A S S W O R D 1234',
    'letmein12345',
    'correct horse battery staple',
    'x'.repeat(2000),
  ];
  test.each(bad)('refuses %p with a hint and without repeating it', (password) => {
    const error = refusal(password);
    expect(isCofferError(error, 'INVALID') && error.hint).toMatch(/six random words/);
    expect(
      password !== '' &&
        JSON.stringify([(error as Error).message, (error as { details: unknown }).details]).includes(password),
    ).toBe(false);
  });

  test.each(['a house of my own, by the sea', 'xK3-vvq9-Lm2p', 'Übermorgen ist Montag', '龍虎豹獅象狼熊鷹蛇馬羊猴'])(
    'accepts %p',
    (password) => {
      expect(refusal(password)).toBeUndefined();
    },
  );

  test('counts characters, not code units', () => {
    expect(refusal('🦊🐻🐼🐨🐯🦁')).toBeDefined();
    expect(refusal('🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔🐧')).toBeUndefined();
  });

  test('the list holds what a rule of length would let through, in the form that is looked up', () => {
    expect(commonPasswords.size).toBeGreaterThan(200);
    expect([...commonPasswords].filter((one) => one.length < 12 || /[^a-z0-9]/.test(one))).toEqual([]);
  });
});

describe('generatePassphrase', () => {
  test('six words of the list, all of them possible, none of them likelier', () => {
    const words = Array.from({ length: 200 }, () => generatePassphrase(systemRandom).split('-')).flat();
    expect(words).toHaveLength(1200);
    expect(words.every((word) => wordlist.includes(word))).toBe(true);
    const first = generatePassphrase({ bytes: (length) => new Uint8Array(length) });
    const last = generatePassphrase({ bytes: (length) => new Uint8Array(length).fill(255) });
    expect([first, last]).toEqual([Array(6).fill('abandon').join('-'), Array(6).fill('zoo').join('-')]);
    expect(65_536 % wordlist.length).toBe(0);
  });

  test('is accepted as a password', () => {
    for (let count = 0; count < 100; count += 1) expect(refusal(generatePassphrase(systemRandom))).toBeUndefined();
  });
});

test('one form for what keyboards type differently', () => {
  expect(preparePassword('e\u0301\u00A0\u3000x')).toBe('\u00E9  x');
});

test('ciphers are made in one file, always with full tags', () => {
  const folder = new URL('../src/', import.meta.url);
  const files = readdirSync(folder).map((file) => [file, readFileSync(new URL(file, folder), 'utf8')] as const);
  const makers = files.filter(([, code]) => /create(Cipher|Decipher)iv|subtle/.test(code)).map(([file]) => file);
  expect(makers).toEqual(['aead.ts']);
  const calls = files.flatMap(([, code]) => code.match(/create(?:Cipher|Decipher)iv\([^)]*\)/g) ?? []);
  expect(calls).toHaveLength(2);
  expect(calls.every((call) => call.endsWith(', options)'))).toBe(true);
});
