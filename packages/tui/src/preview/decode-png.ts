import { inflateSync } from 'node:zlib';
import { decode } from 'fast-png';
import type { DecodedPng } from 'fast-png';
import type { Pixels } from './picture.ts';

/** Chunks that say what a pixel is; all others are left out, since some are compressed and may unfold to anything. */
const needed = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
const startBytes = 8;
/** Length, type and checksum. */
const chunkFrame = 12;

/** @throws Error for what is no PNG, or holds more than its header says */
export function decodePng(bytes: Uint8Array): Pixels {
  const chunks = chunksOf(bytes).filter(({ type }) => needed.has(type));
  checkUnfolded(chunks);
  const decoded = decode(Buffer.concat([bytes.subarray(0, startBytes), ...chunks.map(({ whole }) => whole)]));
  return rgbaOf(decoded);
}

interface Chunk {
  readonly type: string;
  readonly whole: Uint8Array;
  readonly body: Uint8Array;
}

function chunksOf(bytes: Uint8Array): readonly Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = startBytes; at + chunkFrame <= bytes.byteLength;) {
    const length = view.getUint32(at);
    const whole = bytes.subarray(at, at + chunkFrame + length);
    const type = Buffer.from(whole.subarray(4, 8)).toString('latin1');
    chunks.push({ type, whole, body: whole.subarray(8, 8 + length) });
    at += chunkFrame + length;
  }
  return chunks;
}

/** Deflate unfolds a thousandfold: no more may come out than rows of the size in the header (PNG §7.2, §8.1). */
function checkUnfolded(chunks: readonly Chunk[]): void {
  const header = chunks.find(({ type }) => type === 'IHDR')?.body;
  if (header === undefined || header.byteLength !== 13) throw new Error('no header');
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [width, height, depth, color] = [view.getUint32(0), view.getUint32(4), view.getUint8(8), view.getUint8(9)];
  const samples = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[color] ?? 0;
  const rowBytes = Math.ceil((width * samples * depth) / 8) + 1;
  // Adam7 has seven passes, each with rows of its own: at most two more filter bytes and as many parts of a byte for each row.
  const maxOutputLength = (rowBytes + 4) * height + 64;
  inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ body }) => body)), { maxOutputLength });
}

/** One byte for each of red, green, blue and opacity. */
function rgbaOf({ width, height, depth, channels, data, palette, transparency }: DecodedPng): Pixels {
  const isPlain = palette === undefined && transparency === undefined && depth === 8;
  // Most are like this, and large.
  if (isPlain && (channels === 3 || channels === 4))
    return { width, height, channels, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  const rgba = new Uint8Array(width * height * 4);
  const toByte = depth === 16 ? 1 / 257 : 255 / (2 ** depth - 1);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const sample = (part: number): number => sampleAt({ width, depth, channels, data }, pixel, part);
    const [red, green, blue, opacity = 255] =
      palette === undefined
        ? colorOf(channels, (part) => Math.round(sample(part) * toByte))
        : (palette[sample(0)] ?? [0, 0, 0]);
    const isClear = transparency !== undefined && transparency.every((value, part) => sample(part) === value);
    rgba.set([red ?? 0, green ?? 0, blue ?? 0, isClear ? 0 : opacity], pixel * 4);
  }
  return { width, height, channels: 4, data: rgba };
}

function colorOf(channels: number, part: (at: number) => number): readonly number[] {
  if (channels >= 3) return [part(0), part(1), part(2), channels === 4 ? part(3) : 255];
  return [part(0), part(0), part(0), channels === 2 ? part(1) : 255];
}

/** Samples of less than a byte stand packed, each row beginning with a byte of its own. */
function sampleAt(
  { width, depth, channels, data }: Pick<DecodedPng, 'width' | 'depth' | 'channels' | 'data'>,
  pixel: number,
  part: number,
): number {
  if (depth >= 8) return data[pixel * channels + part] ?? 0;
  const row = Math.floor(pixel / width);
  const bit = (pixel % width) * depth;
  const byte = data[row * Math.ceil((width * depth) / 8) + (bit >> 3)] ?? 0;
  return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}
