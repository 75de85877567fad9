import { parentPort, workerData } from 'node:worker_threads';
import jpeg from 'jpeg-js';
import { decodePng } from './decode-png.ts';
import { maxPixels, scaledDown } from './picture.ts';
import type { Pixels } from './picture.ts';

/** Decodes one picture, makes it small, answers, and ends: what it takes ends with it. */
const { format, bytes } = workerData as { readonly format: 'PNG' | 'JPEG'; readonly bytes: Uint8Array };
const picture = scaledDown(format === 'PNG' ? decodePng(bytes) : decodeJpeg(bytes));
parentPort?.postMessage(picture, [picture.rgb.buffer as ArrayBuffer]);

function decodeJpeg(file: Uint8Array): Pixels {
  const limits = { maxResolutionInMP: maxPixels / 1e6, maxMemoryUsageInMB: 384 };
  const { width, height, data } = jpeg.decode(file, { ...limits, useTArray: true, formatAsRGBA: false });
  return { width, height, channels: 3, data };
}
