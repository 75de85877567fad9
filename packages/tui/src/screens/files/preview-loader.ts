import { CofferError, isCofferError } from '@coffer/core';
import { readFile } from '@coffer/client';
import type { Downloader, Entry, Vault } from '@coffer/client';
import { decodePicture } from './decode-picture.ts';
import { pictureKind } from './picture-size.ts';
import type { PictureKind } from './picture-size.ts';
import { maxPictureBytes, maxPixels } from './picture.ts';
import { previewBytes, previewOf } from './preview-lines.ts';
import type { Preview } from './preview-lines.ts';
import { extensionOf } from './rows.ts';

/** Reads the beginning of a file and says what it is. Never throws but for the signal: what went wrong is shown in its place. */
export async function loadPreview(
  { vault, downloader, entry, key }: HeadOf & { readonly key: string },
  signal: AbortSignal,
): Promise<Preview> {
  try {
    const file = { vault, downloader, entry };
    const bytes = await readHead({ ...file, bytes: previewBytes }, signal);
    const kind = pictureKind(bytes);
    if (kind !== undefined) return { key, content: await loadPicture({ ...file, kind, head: bytes }, signal) };
    return { key, content: previewOf(bytes, extensionOf(entry.name)) };
  } catch (error) {
    signal.throwIfAborted();
    const message = isCofferError(error) ? error.message : String(error);
    return { key, content: { kind: 'failed', message } };
  }
}

/** The picture, or its first bytes with the reason why it is not drawn. */
async function loadPicture(
  { kind, head, ...file }: HeadOf & { readonly kind: PictureKind; readonly head: Uint8Array },
  signal: AbortSignal,
): Promise<Preview['content']> {
  const { format, size } = kind;
  const what =
    size === undefined ? `a ${format} picture` : `a ${format} picture of ${size.width} × ${size.height} pixels`;
  const isTooLarge = file.entry.size > maxPictureBytes || (size !== undefined && size.width * size.height > maxPixels);
  if (isTooLarge) return { kind: 'bytes', bytes: head, note: `${what}, too large to be drawn here` };
  const bytes = await readHead({ ...file, bytes: file.entry.size }, signal);
  try {
    return { kind: 'picture', picture: await decodePicture({ format, bytes }, signal) };
  } catch {
    signal.throwIfAborted();
    return { kind: 'bytes', bytes: head, note: `${what} that cannot be drawn` };
  }
}

interface HeadOf {
  readonly vault: Vault;
  readonly downloader: Downloader;
  readonly entry: Entry;
}

const enoughRead = new CofferError('CANCELLED', 'enough was read');

/** The first bytes of a file; the chunks after them are not asked for. @throws INTEGRITY, EXPIRED, NOT_FOUND, UNREACHABLE */
async function readHead(
  { vault, downloader, entry, bytes: limit }: HeadOf & { readonly bytes: number },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const enough = new AbortController();
  const parts: Uint8Array[] = [];
  let length = 0;
  const sink = async (bytes: Uint8Array): Promise<void> => {
    parts.push(bytes.slice(0, limit - length));
    length = Math.min(limit, length + bytes.byteLength);
    if (length === limit) enough.abort(enoughRead);
  };
  try {
    await readFile({ vault, downloader, entry, sink }, AbortSignal.any([signal, enough.signal]));
  } catch (error) {
    if (error !== enoughRead || signal.aborted) throw error;
  }
  return Buffer.concat(parts);
}
