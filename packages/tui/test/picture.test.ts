import { deflateSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { encode } from 'fast-png';
import jpeg from 'jpeg-js';
import { lineText } from '../src/frame/line.ts';
import { decodePicture } from '../src/preview/decode-picture.ts';
import { decodePng } from '../src/preview/decode-png.ts';
import { pictureKind } from '../src/preview/picture-size.ts';
import { scaledDown } from '../src/preview/picture.ts';
import { drawPreview } from '../src/preview/draw-content.ts';

const never = new AbortController().signal;

/** Red at the left, blue at the right; the lower half of the opacity given. */
function halves(width: number, height: number, opacity = 255): Uint8Array {
  const data = new Uint8Array(width * height * 4);
  for (let at = 0; at < width * height; at += 1) {
    const isLeft = at % width < width / 2;
    data.set([isLeft ? 255 : 0, 0, isLeft ? 0 : 255, at < (width * height) / 2 ? 255 : opacity], at * 4);
  }
  return data;
}

function corners({ width, height, rgb }: { width: number; height: number; rgb: Uint8Array }): number[][] {
  const pixel = (x: number, y: number): number[] => [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  return [pixel(0, 0), pixel(width - 1, 0), pixel(0, height - 1), pixel(width - 1, height - 1)];
}

test('a PNG is decoded on a thread of its own and made small, and what is transparent is dark', async () => {
  const bytes = encode({ width: 600, height: 300, data: halves(600, 300, 0), channels: 4 });
  expect(pictureKind(bytes)).toEqual({ format: 'PNG', size: { width: 600, height: 300 } });
  const picture = await decodePicture({ format: 'PNG', bytes }, never);
  expect(picture).toMatchObject({ width: 200, height: 100, full: { width: 600, height: 300 } });
  expect(corners(picture)).toEqual([
    [255, 0, 0],
    [0, 0, 255],
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test('a JPEG is decoded, and its size read wherever it stands', async () => {
  const { data } = jpeg.encode({ width: 64, height: 32, data: halves(64, 32) }, 90);
  const bytes = new Uint8Array(data);
  expect(pictureKind(bytes)).toEqual({ format: 'JPEG', size: { width: 64, height: 32 } });
  const [left, right] = corners(await decodePicture({ format: 'JPEG', bytes }, never));
  expect(left?.[0]).toBeGreaterThan(200);
  expect(right?.[2]).toBeGreaterThan(200);
});

test.each([
  ['grey', { channels: 1, depth: 8, data: Uint8Array.of(0, 255) }],
  ['grey with opacity', { channels: 2, depth: 8, data: Uint8Array.of(9, 0, 255, 255) }],
  ['sixteen bits', { channels: 1, depth: 16, data: Uint16Array.of(0, 65_535) }],
  ['three colours', { channels: 3, depth: 8, data: Uint8Array.of(0, 0, 0, 255, 255, 255) }],
] as const)('%s', (_, { channels, depth, data }) => {
  const picture = scaledDown(decodePng(encode({ width: 2, height: 1, channels, depth, data })));
  expect([...picture.rgb]).toEqual([0, 0, 0, 255, 255, 255]);
});

test('a palette, with bits that are packed', () => {
  const data = encode({
    width: 2,
    height: 2,
    channels: 1,
    depth: 8,
    data: Uint8Array.of(0, 1, 1, 0),
    palette: [
      [10, 20, 30],
      [40, 50, 60],
    ],
  });
  expect([...scaledDown(decodePng(data)).rgb]).toEqual([10, 20, 30, 40, 50, 60, 40, 50, 60, 10, 20, 30]);
});

test('a file that would unfold to more than its header says is refused before it does', async () => {
  const honest = encode({ width: 2, height: 1, channels: 1, depth: 8, data: Uint8Array.of(0, 255) });
  const at = Buffer.from(honest).indexOf('IDAT') - 4;
  const body = deflateSync(new Uint8Array(50_000_000));
  const idat = Buffer.alloc(12 + body.byteLength);
  idat.writeUInt32BE(body.byteLength);
  idat.write('IDAT', 4, 'latin1');
  idat.set(body, 8);
  const bomb = Buffer.concat([honest.subarray(0, at), idat]);
  expect(() => decodePng(bomb)).toThrow(/larger than/);
  await expect(decodePicture({ format: 'PNG', bytes: bomb }, never)).rejects.toThrow(/larger than/);
});

test('damaged and cut files are refused, whatever is damaged', () => {
  const bytes = encode({ width: 40, height: 30, data: halves(40, 30), channels: 4 });
  for (let at = 0; at < bytes.byteLength; at += 7) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    let pixels = 0;
    try {
      const picture = decodePng(damaged);
      pixels = picture.width * picture.height;
    } catch {
      // Refused.
    }
    expect(pixels).toBeLessThanOrEqual(40 * 30);
    expect(pictureKind(damaged.subarray(0, at))?.size?.width ?? 0).toBeGreaterThanOrEqual(0);
  }
});

test('it is drawn as wide as there is room, with letters where there are no colours, and only said to who hears it', () => {
  const picture = scaledDown({ width: 40, height: 20, channels: 4, data: halves(40, 20) });
  const preview = { key: '', content: { kind: 'picture', picture } } as const;
  const lines = drawPreview(preview, { width: 30, height: 12, color: false, isBare: false }).map(lineText);
  expect(lines[0]).toBe('a picture of 40 × 20 pixels');
  expect(lines.slice(1).map((text) => text.length)).toEqual(Array.from({ length: 7 }, () => 30));
  expect(lines[1]?.[0]).not.toBe(lines[1]?.[29]);
  expect(drawPreview(preview, { width: 40, height: 12, color: true, isBare: true }).map(lineText)).toEqual([
    'a picture of 40 × 20 pixels',
  ]);
});

test('a picture that is not drawn is said to be one, above its bytes', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const content = { kind: 'bytes', bytes, note: 'a PNG picture that cannot be drawn' } as const;
  const lines = drawPreview({ key: '', content }, { width: 40, height: 5, color: false, isBare: false }).map(lineText);
  expect(lines).toEqual(['a PNG picture that cannot be drawn', expect.stringMatching(/^00000000 +01 02 03/)]);
});
