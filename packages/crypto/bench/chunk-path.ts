/**
 * How fast is the chunk path of one worker lane, and where does the time go?
 * `node_modules/.bin/tsx --conditions=source packages/crypto/bench/chunk-path.ts`
 * Every figure is CPU time of this process (the machine may be shared), beside the raw primitive in the same run.
 */
import { createCipheriv, hash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import { systemRandom as random } from '@coffer/core';
import { ChunkKeys, createCutter, hashPlain, openChunk, sealChunkInto, sealedChunkBound } from '@coffer/crypto';
import { GearScanner } from '../src/gear-scanner.ts';

const MiB = 2 ** 20;
const noise = randomBytes(64 * MiB);
const source = readFileSync(new URL('../../../node_modules/@types/node/crypto.d.ts', import.meta.url));
const text = Buffer.concat(Array.from({ length: Math.ceil((16 * MiB) / source.length) }, () => source)).subarray(
  0,
  16 * MiB,
);
const keys = ChunkKeys.from(randomBytes(32));
const cutter = createCutter(randomBytes(32));
const scanner = new GearScanner();
const target = new Uint8Array(sealedChunkBound(4 * MiB));

console.log(`${process.version} ${process.arch}`);
rate('raw sha256 of 1 MiB', noise, () => each(noise, MiB, (part) => hash('sha256', part, 'buffer')));
rate('raw aes-256-gcm of 1 MiB', noise, () => each(noise, MiB, rawGcm));
rate('raw zstd-3 of 1 MiB text', text, () => each(text, MiB, (part) => zstdCompressSync(part)));
rate('gear loop', noise, () => gearOnly(noise));
rate('cut (gear and PRF)', noise, () => cutter.file().cut(noise, true));
rate('cut of zeros', new Uint8Array(64 * MiB), (zeros) => cutter.file().cut(zeros, true));
rate('cut, hash, id, key, seal: incompressible', noise, () => wholePath(noise));
rate('cut, hash, id, key, seal: text', text, () => wholePath(text));
for (const [name, bytes] of [
  ['noise', noise],
  ['text', text],
] as const) {
  perSecond(
    `16 KiB files of ${name}, whole path`,
    () => each(bytes, 16384, (part) => wholePath(part)),
    bytes.length / 16384,
  );
}
const sealed = sealOne(noise.subarray(0, MiB));
rate('open 1 MiB incompressible', noise, () => each(noise, MiB, () => openChunk(sealed)));
const sealedText = sealOne(text.subarray(0, MiB));
rate('open 1 MiB text', text, () => each(text, MiB, () => openChunk(sealedText)));

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

function gearOnly(bytes: Uint8Array): void {
  scanner.find({ bytes, from: 64, to: bytes.length }, () => false);
}

function rawGcm(part: Uint8Array): void {
  const cipher = createCipheriv('aes-256-gcm', noise.subarray(0, 32), noise.subarray(0, 12), { authTagLength: 16 });
  cipher.update(part);
  cipher.final();
}

function each(bytes: Uint8Array, size: number, work: (part: Uint8Array) => unknown): void {
  for (let offset = 0; offset < bytes.length; offset += size) work(bytes.subarray(offset, offset + size));
}

function rate(name: string, bytes: Uint8Array, work: (bytes: Uint8Array) => unknown): void {
  const seconds = medianSeconds(() => work(bytes));
  console.log(`${name.padEnd(44)} ${(bytes.length / seconds / 1e6).toFixed(0).padStart(7)} MB/s`);
}

function perSecond(name: string, work: () => unknown, count: number): void {
  console.log(`${name.padEnd(44)} ${(count / medianSeconds(work)).toFixed(0).padStart(7)} /s`);
}

function medianSeconds(work: () => unknown): number {
  work();
  const runs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
  return runs.toSorted((a, b) => a - b)[2]!;
}
