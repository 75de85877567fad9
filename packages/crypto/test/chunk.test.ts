import { createHmac } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { isCofferError, lp, kdf, MiB, systemRandom as random, toHex, utf8 } from '@coffer/core';
import {
  ChunkKeys,
  hashPlain,
  maxSealedChunkBytes,
  openChunk,
  sealChunk,
  sealChunkInto,
  sealedChunkBound,
  type OpenChunkInput,
} from '@coffer/crypto';
import fc from 'fast-check';
import { aeadOpen, aeadSeal } from '../src/aead.ts';
import { chunkAssociatedData } from '../src/chunk-format.ts';
import { padmeLength } from '../src/padme.ts';

const secret = random.bytes(32);
const keys = ChunkKeys.from(secret);

function sealed(plain: Uint8Array): OpenChunkInput {
  const ph = hashPlain(plain);
  const [id, key] = [keys.id(ph), keys.key(ph)];
  const bytes = sealChunk({ id, key, plain, random });
  return { id, key, sealed: bytes, tuple: [ph, plain.byteLength, bytes.byteLength] };
}

/** Bytes inside a chunk: encoding, payload length, payload, padding. */
function inner({ id, key, sealed: bytes }: OpenChunkInput): Buffer {
  const nonce = bytes.subarray(1, 13);
  return Buffer.from(aeadOpen({ key, nonce, associatedData: chunkAssociatedData(id), sealed: bytes.subarray(13) })!);
}

/** A chunk with any inside, sealed with the right key: what a hostile member of a shared vault can make. */
function forged(chunk: OpenChunkInput, plainInner: Uint8Array): OpenChunkInput {
  const nonce = random.bytes(12);
  const body = aeadSeal({ key: chunk.key, nonce, associatedData: chunkAssociatedData(chunk.id), plain: plainInner });
  const bytes = Buffer.concat([Uint8Array.of(1), nonce, body]);
  const [ph, plainBytes] = chunk.tuple;
  return { ...chunk, sealed: bytes, tuple: [ph, plainBytes, bytes.byteLength] };
}

function insideOf(encoding: number, payload: Uint8Array, padding: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(5);
  head[0] = encoding;
  head.writeUInt32BE(payload.byteLength, 1);
  return Buffer.concat([head, payload, padding]);
}

/** True for the one refusal there is; opening, or any other error, is false. */
function isRefused(chunk: OpenChunkInput): boolean {
  try {
    openChunk(chunk);
    return false;
  } catch (error) {
    return isCofferError(error, 'INTEGRITY') && error.message === 'A chunk did not pass its integrity check';
  }
}

const sentence = utf8('A chunk is sealed under a key that only its content yields. '.repeat(300));

describe('names and keys', () => {
  test('id and key are HMACs over the labelled plain hash', () => {
    const ph = hashPlain(sentence);
    const mac = (label: string, name: string) =>
      createHmac('sha256', kdf(secret, label)).update(lp(name, ph)).digest('hex');
    expect(toHex(keys.id(ph))).toBe(mac('chunk id', 'id'));
    expect(toHex(keys.key(ph))).toBe(mac('chunk key', 'key'));
    expect(toHex(keys.id(ph))).toBe(toHex(keys.id(ph)));
    expect(keys.id(ph)).not.toEqual(ChunkKeys.from(random.bytes(32)).id(ph));
  });

  test('results do not change when the next one is made', () => {
    const first = keys.id(hashPlain(utf8('one')));
    const kept = toHex(first);
    keys.id(hashPlain(utf8('two')));
    expect(toHex(first)).toBe(kept);
  });
});

describe('sealing and opening', () => {
  test('any bytes come back', () => {
    const plains = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 5000 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 5000 }))
        .map(([piece, count]) => new Uint8Array(Buffer.alloc(piece.length * count, piece))),
    );
    fc.assert(
      fc.property(plains, (plain) => {
        const chunk = sealed(plain);
        expect(chunk.sealed.byteLength).toBeLessThanOrEqual(sealedChunkBound(plain.byteLength));
        expect(Buffer.compare(openChunk(chunk), plain)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['1 byte', Uint8Array.of(9)],
    ['4 MiB of noise', random.bytes(4 * MiB)],
    ['4 MiB of zeros', new Uint8Array(4 * MiB)],
    ['noise with one compressible corner', Buffer.concat([random.bytes(MiB), new Uint8Array(1000)])],
  ])('%s', (_, plain) => {
    expect(Buffer.compare(openChunk(sealed(plain)), plain)).toBe(0);
  });

  test('the largest chunk fits its bound exactly', () => {
    expect(sealed(random.bytes(4 * MiB)).sealed.byteLength).toBe(maxSealedChunkBytes);
    expect(maxSealedChunkBytes).toBeLessThan(4.25 * MiB - 32);
  });

  test('noise is kept raw, text is compressed, and both are padded', () => {
    const noise = inner(sealed(random.bytes(100_000)));
    expect([noise[0], noise.readUInt32BE(1)]).toEqual([0, 100_000]);
    expect(noise.byteLength).toBe(padmeLength(100_005));
    const text = inner(sealed(sentence));
    expect(text[0]).toBe(1);
    expect(text.byteLength).toBe(padmeLength(5 + text.readUInt32BE(1)));
    expect(text.byteLength).toBeLessThan(sentence.byteLength / 10);
  });

  test('into a buffer of the caller, and nothing beside it is touched', () => {
    const plain = random.bytes(1000);
    const ph = hashPlain(plain);
    const [id, key] = [keys.id(ph), keys.key(ph)];
    const target = new Uint8Array(3000).fill(0xaa);
    const written = sealChunkInto({ id, key, plain, random }, target, 500);
    expect(target.subarray(0, 500).every((byte) => byte === 0xaa)).toBe(true);
    expect(target.subarray(500 + written).every((byte) => byte === 0xaa)).toBe(true);
    const bytes = target.slice(500, 500 + written);
    expect(Buffer.compare(openChunk({ id, key, sealed: bytes, tuple: [ph, 1000, written] }), plain)).toBe(0);
  });

  test('bugs of callers are RangeErrors', () => {
    const input = { id: random.bytes(32), key: random.bytes(32), random };
    expect(() => sealChunk({ ...input, plain: new Uint8Array(0) })).toThrow(RangeError);
    expect(() => sealChunk({ ...input, plain: new Uint8Array(4 * MiB + 1) })).toThrow(RangeError);
    expect(() => sealChunkInto({ ...input, plain: sentence }, new Uint8Array(50), 0)).toThrow(RangeError);
    expect(() => sealChunk({ ...input, id: random.bytes(31), plain: sentence })).toThrow(RangeError);
  });

  test('every seal has its own nonce', () => {
    const nonces = Array.from({ length: 50 }, () => toHex(sealed(sentence).sealed.subarray(1, 13)));
    expect(new Set(nonces).size).toBe(50);
  });
});

describe('whatever is wrong is the same INTEGRITY', () => {
  const chunk = sealed(sentence);
  const noise = random.bytes(1000);
  const rawChunk = sealed(noise);

  test('any damaged byte', () => {
    for (let index = 0; index < chunk.sealed.byteLength; index += 1) {
      const bytes = chunk.sealed.slice();
      bytes[index]! ^= 1 << (index % 8);
      expect(isRefused({ ...chunk, sealed: bytes })).toBe(true);
    }
  });

  test('cut or extended', () => {
    const [ph, plainBytes] = chunk.tuple;
    for (const bytes of [
      chunk.sealed.subarray(0, -1),
      Buffer.concat([chunk.sealed, Buffer.of(0)]),
      new Uint8Array(0),
      new Uint8Array(33),
    ]) {
      expect(isRefused({ ...chunk, sealed: bytes })).toBe(true);
      expect(isRefused({ ...chunk, sealed: bytes, tuple: [ph, plainBytes, bytes.byteLength] })).toBe(true);
    }
  });

  test('another name, key, hash or length', () => {
    const [ph, plainBytes, storedBytes] = chunk.tuple;
    expect(isRefused({ ...chunk, id: random.bytes(32) })).toBe(true);
    expect(isRefused({ ...chunk, key: random.bytes(32) })).toBe(true);
    expect(isRefused({ ...chunk, tuple: [random.bytes(32), plainBytes, storedBytes] })).toBe(true);
    expect(isRefused({ ...chunk, tuple: [ph, plainBytes - 1, storedBytes] })).toBe(true);
    expect(isRefused({ ...chunk, tuple: [ph, plainBytes + 1, storedBytes] })).toBe(true);
    expect(isRefused({ ...chunk, tuple: [ph, 0, storedBytes] })).toBe(true);
    expect(isRefused({ ...chunk, tuple: [ph, 2 ** 40, storedBytes] })).toBe(true);
    expect(isRefused({ ...rawChunk, tuple: [rawChunk.tuple[0], 999, rawChunk.sealed.byteLength] })).toBe(true);
  });

  test('but not another stored length: an equal chunk may lie there that another zstd made', () => {
    const [ph, plainBytes, storedBytes] = chunk.tuple;
    expect(openChunk({ ...chunk, tuple: [ph, plainBytes, storedBytes + 16] })).toEqual(openChunk(chunk));
  });

  test('longer than any chunk, though everything in it is right', () => {
    const plain = random.bytes(4 * MiB);
    const largest = sealed(plain);
    expect(largest.sealed.byteLength).toBe(maxSealedChunkBytes);
    const larger = forged(largest, Buffer.concat([inner(largest), new Uint8Array(1)]));
    expect(isRefused(forged(largest, inner(largest)))).toBe(false);
    expect(isRefused(larger)).toBe(true);
  });

  test('two chunks swapped by the server', () => {
    expect(
      isRefused({
        ...chunk,
        sealed: rawChunk.sealed,
        tuple: [chunk.tuple[0], chunk.tuple[1], rawChunk.sealed.byteLength],
      }),
    ).toBe(true);
  });

  const packed = zstdCompressSync(sentence);
  test('the forger can make a chunk that opens, so the refusals below are about what it changes', () => {
    expect(Buffer.compare(openChunk(forged(chunk, insideOf(1, packed))), sentence)).toBe(0);
    expect(Buffer.compare(openChunk(forged(rawChunk, insideOf(0, noise, new Uint8Array(7)))), noise)).toBe(0);
  });

  const cases: [string, OpenChunkInput][] = [
    ['an unknown encoding', forged(chunk, insideOf(2, packed))],
    ['zstd called raw', forged(chunk, insideOf(0, packed))],
    ['raw called zstd', forged(rawChunk, insideOf(1, noise))],
    ['garbage behind the frame', forged(chunk, insideOf(1, Buffer.concat([packed, utf8('garbage')])))],
    ['a second frame behind it', forged(chunk, insideOf(1, Buffer.concat([packed, zstdCompressSync(utf8('more'))])))],
    [
      'an empty frame behind it',
      forged(chunk, insideOf(1, Buffer.concat([packed, zstdCompressSync(new Uint8Array(0))]))),
    ],
    [
      'a skippable frame before it',
      forged(chunk, insideOf(1, Buffer.concat([Buffer.from('502a4d1802000000abcd', 'hex'), packed]))),
    ],
    [
      'a skippable frame behind it',
      forged(chunk, insideOf(1, Buffer.concat([packed, Buffer.from('502a4d1802000000abcd', 'hex')]))),
    ],
    ['a cut frame', forged(chunk, insideOf(1, packed.subarray(0, -1)))],
    ['nothing at all', forged(chunk, insideOf(1, new Uint8Array(0)))],
    ['a payload length beyond the end', forged(chunk, Buffer.concat([Buffer.from('01ffffffff', 'hex'), packed]))],
    ['padding that is not zero', forged(rawChunk, insideOf(0, noise, Uint8Array.of(0, 0, 1)))],
    ['more padding than any chunk has', forged(rawChunk, insideOf(0, noise, new Uint8Array(128 * 1024 + 1)))],
    ['other bytes of the right length', forged(rawChunk, insideOf(0, random.bytes(1000)))],
    ['fewer bytes', forged(chunk, insideOf(1, zstdCompressSync(sentence.subarray(1))))],
    ['more bytes', forged(chunk, insideOf(1, zstdCompressSync(Buffer.concat([sentence, Buffer.of(1)]))))],
  ];
  test.each(cases)('%s', (_, bad) => expect(isRefused(bad)).toBe(true));

  test('a bomb is stopped at the promised length', () => {
    // 4,096 blocks that each repeat a zero 128 Ki times (RFC 8878 §3.1.1.2): 512 MiB in 16 KiB.
    const block = (isLast: boolean) => Number(isLast) | (1 << 1) | ((128 * 1024) << 3);
    const blocks = Buffer.alloc(4096 * 4);
    for (let index = 0; index < 4096; index += 1) blocks.writeUIntLE(block(index === 4095), index * 4, 3);
    const bomb = Buffer.concat([Buffer.from('28b52ffd0068', 'hex'), blocks]);
    const before = process.resourceUsage().maxRSS;
    expect(isRefused(forged(chunk, insideOf(1, bomb)))).toBe(true);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(64 * 1024);
  });

  test('a window over 8 MiB is refused even for few bytes', () => {
    const plain = sentence.subarray(0, 100);
    const good = sealed(plain);
    // A frame by hand (RFC 8878 §3.1.1): magic, descriptor 0, window descriptor, one last raw block.
    const frame = (windowLog: number) => {
      const blockHead = Buffer.alloc(3);
      blockHead.writeUIntLE(1 | (plain.byteLength << 3), 0, 3);
      return Buffer.concat([Buffer.from('28b52ffd00', 'hex'), Buffer.of((windowLog - 10) << 3), blockHead, plain]);
    };
    expect(Buffer.compare(openChunk(forged(good, insideOf(1, frame(23)))), plain)).toBe(0);
    expect(isRefused(forged(good, insideOf(1, frame(24))))).toBe(true);
    expect(isRefused(forged(good, insideOf(1, frame(31))))).toBe(true);
  });
});

describe('Padmé', () => {
  test('the lengths of its paper', () => {
    expect([0, 1, 2, 8, 9, 10, 100, 1000, 100_000].map(padmeLength)).toEqual([0, 1, 2, 8, 10, 10, 104, 1024, 100_352]);
  });

  test('never shorter, at most 12 % longer, 3 % from 1 MiB on, and stable', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 * MiB }), (bytes) => {
        const padded = padmeLength(bytes);
        expect(padded).toBeGreaterThanOrEqual(bytes);
        expect(padded).toBeLessThanOrEqual(bytes * (bytes >= MiB ? 1.0313 : 1.12));
        expect(padmeLength(padded)).toBe(padded);
      }),
    );
  });
});
