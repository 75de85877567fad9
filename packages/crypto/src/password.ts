import { CofferError, type Random } from '@coffer/core';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { commonPasswords } from './common-passwords.ts';

/** One form for what two keyboards type differently (RFC 8265 §4.2 OpaqueString): NFC, every space an ASCII space. */
export function preparePassword(password: string): string {
  return password.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC');
}

/** Shortest password that is accepted, in characters. */
const minPasswordLength = 12;

/** Longest, in characters: beyond it nothing is gained, and lengths stay bounded. */
const maxPasswordLength = 1024;

/** Refuses what is guessed first (CRYPTO §Keys *Passwords*). @throws INVALID with a hint */
export function checkPassword(password: string): void {
  const prepared = preparePassword(password);
  const length = Array.from(prepared).length;
  if (length < minPasswordLength) refuse(`has fewer than ${minPasswordLength} characters`);
  if (length > maxPasswordLength) refuse(`has more than ${maxPasswordLength} characters`);
  if (isCommon(prepared.toLowerCase())) refuse('is among the first that are guessed');
}

function refuse(why: string): never {
  throw new CofferError('INVALID', `This password ${why}.`, {
    hint: 'Take a longer sentence of your own, or let Coffer generate six random words.',
  });
}

function isCommon(password: string): boolean {
  const letters = password.replaceAll(/[^\p{L}\p{N}]/gu, '');
  return (
    commonPasswords.has(password) || commonPasswords.has(letters) || isRepetition(password) || isSequence(password)
  );
}

/** `abcabcabcabc`, `aaaaaaaaaaaa`: a piece of up to five characters over and over. */
function isRepetition(password: string): boolean {
  return /^(.{1,5}?)\1+$/u.test(password);
}

/** `abcdefghijkl`, `0987654321098`, `qwertyuiop[]`: twelve or more in a row of the alphabet, the digits or a keyboard. */
function isSequence(password: string): boolean {
  return rows.some((row) => row.includes(password));
}

const forward = [
  '01234567890123456789',
  '12345678901234567890',
  'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz',
  'qwertyuiop[]asdfghjkl;zxcvbnm,./',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
];
const rows = [...forward, ...forward.map((row) => Array.from(row).toReversed().join(''))];

/** Words of a generated passphrase: 6 × 11 bits = 66 bits, which Argon2id puts out of reach of guessing. */
const passphraseWords = 6;

/** Six random words of the BIP-39 English list, joined by hyphens. */
export function generatePassphrase(random: Random): string {
  const bits = random.bytes(2 * passphraseWords);
  const view = new DataView(bits.buffer, bits.byteOffset);
  const words = Array.from(
    { length: passphraseWords },
    (_, index) => wordlist[view.getUint16(2 * index) % wordlist.length],
  );
  return words.join('-');
}
