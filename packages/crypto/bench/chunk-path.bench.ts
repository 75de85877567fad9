/**
 * Question: how fast is the chunk path of one worker lane, and how much of its time is ours rather than the raw primitives'?
 * `node_modules/.bin/tsx --conditions=source packages/crypto/bench/chunk-path.bench.ts`
 *
 * Rates are the best of seven interleaved rounds (machines are shared); the last block divides the whole path by the primitives
 * that it cannot do without, measured in the same rounds.
 */
import { createCipheriv, hash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import { KiB, MiB, systemRandom as random } from '@coffer/core';
import { ChunkKeys, createCutter, hashPlain, openChunk, sealChunkInto, sealedChunkBound } from '@coffer/crypto';
import { GearScanner } from '../src/gear-scanner.ts';

const size = 32 * MiB;
const smallBytes = 16 * KiB;
const rounds = 7;
const noise = new Uint8Array(randomBytes(size));
const text = someText();
const zeros = new Uint8Array(size);
const keys = ChunkKeys.from(randomBytes(32));
const cutter = createCutter(randomBytes(32));
const scanner = new GearScanner();
const target = new Uint8Array(sealedChunkBound(4 * MiB));
const sealedNoise = sealOne(noise.subarray(0, MiB));
const sealedText = sealOne(text.subarray(0, MiB));

const works = {
  'raw: SHA-256': () => each(noise, MiB, (part) => hash('sha256', part, 'buffer')),
  'raw: AES-256-GCM': () => each(noise, MiB, rawGcm),
  'raw: zstd 3, text': () => each(text, MiB, (part) => zstdCompressSync(part)),
  'raw: zstd 3, 16 KiB texts': () => each(text, smallBytes, (part) => zstdCompressSync(part)),
  'raw: zstd 3, 16 KiB noise': () => each(noise, smallBytes, (part) => zstdCompressSync(part)),
  'gear loop': () => scanner.find({ bytes: noise, from: 64, to: size }, () => false),
  'cut (gear and PRF)': () => cutter.file().cut(noise, true),
  'cut of zeros': () => cutter.file().cut(zeros, true),
  'whole path, noise': () => wholePath(noise),
  'whole path, text': () => wholePath(text),
  'whole path, 16 KiB files of noise': () => each(noise, smallBytes, wholePath),
  'whole path, 16 KiB files of text': () => each(text, smallBytes, wholePath),
  'open, 1 MiB chunks of noise': () => each(noise, MiB, () => openChunk(sealedNoise)),
  'open, 1 MiB chunks of text': () => each(noise, MiB, () => openChunk(sealedText)),
};

const seconds = measured();
console.log(`${process.version} ${process.arch}`);
for (const [name, best] of Object.entries(seconds)) {
  const files = name.includes('16 KiB') ? `${(size / smallBytes / best).toFixed(0).padStart(9)} /s` : '';
  console.log(`${name.padEnd(36)} ${(size / best / 1e6).toFixed(0).padStart(7)} MB/s${files}`);
}
overhead('whole path, noise', 'raw: SHA-256', 'raw: AES-256-GCM');
overhead('whole path, text', 'raw: SHA-256', 'raw: zstd 3, text');
overhead('whole path, 16 KiB files of noise', 'raw: SHA-256', 'raw: AES-256-GCM', 'raw: zstd 3, 16 KiB noise');
overhead('whole path, 16 KiB files of text', 'raw: SHA-256', 'raw: zstd 3, 16 KiB texts');

function measured(): Record<keyof typeof works, number> {
  const best = Object.fromEntries(Object.keys(works).map((name) => [name, Infinity]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, work] of Object.entries(works)) {
      const start = process.hrtime.bigint();
      work();
      best[name] = Math.min(best[name]!, Number(process.hrtime.bigint() - start) / 1e9);
    }
  }
  return best as Record<keyof typeof works, number>;
}

function overhead(path: keyof typeof works, ...raw: readonly (keyof typeof works)[]): void {
  const sum = raw.reduce((total, name) => total + seconds[name], 0);
  console.log(`${path}: ${(seconds[path] / sum).toFixed(2)} × (${raw.join(' + ')})`);
}

function wholePath(bytes: Uint8Array): void {
  for (const piece of cutter.file().cut(bytes, true).pieces) {
    if (piece.kind === 'hole') continue;
    const plain = bytes.subarray(piece.start, piece.end);
    const ph = hashPlain(plain);
    sealChunkInto({ id: keys.id(ph), key: keys.key(ph), plain, random }, target, 0);
  }
}

function sealOne(plain: Uint8Array): Parameters<typeof openChunk>[0] {
  const ph = hashPlain(plain);
  const [id, key] = [keys.id(ph), keys.key(ph)];
  const bytes = target.slice(0, sealChunkInto({ id, key, plain, random }, target, 0));
  return { id, key, sealed: bytes, tuple: [ph, plain.byteLength, bytes.byteLength] };
}

function rawGcm(part: Uint8Array): void {
  const cipher = createCipheriv('aes-256-gcm', noise.subarray(0, 32), noise.subarray(0, 12), { authTagLength: 16 });
  cipher.update(part);
  cipher.final();
}

function each(bytes: Uint8Array, partBytes: number, work: (part: Uint8Array) => unknown): void {
  for (let offset = 0; offset < bytes.length; offset += partBytes) work(bytes.subarray(offset, offset + partBytes));
}

/** Type declarations of Node, again and again; no part of 1 MiB holds them twice. */
function someText(): Uint8Array {
  const folder = new URL('../../../node_modules/@types/node/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.d.ts'));
  const once = Buffer.concat(files.map((file) => readFileSync(new URL(file, folder))));
  const bytes = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += once.length) bytes.set(once.subarray(0, size - offset), offset);
  return bytes;
}
