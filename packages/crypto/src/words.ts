import { wordlist } from '@scure/bip39/wordlists/english.js';

/** Words of 11 bits each: 132 bits. */
const comparedWords = 12;

/** Twelve words of the BIP-39 English list for a hash that two people compare by voice: its first 132 bits. */
export function wordsOf(hash: Uint8Array): string[] {
  const number = BigInt(`0x${Buffer.from(hash).toString('hex')}`);
  return Array.from({ length: comparedWords }, (_, index) => {
    const at = Number((number >> BigInt(8 * hash.byteLength - 11 * (index + 1))) & 0x7ffn);
    return wordlist[at] ?? '';
  });
}
