import { CofferError, isCofferError } from '@coffer/core';
import { readFile } from '@coffer/client';
import type { Downloader, Entry, Vault } from '@coffer/client';
import { decodePicture } from './decode-picture.ts';
import { pictureKind } from './picture-size.ts';
import type { PictureKind } from './picture-size.ts';
import { maxPictureBytes, maxPixels } from './picture.ts';
import { contentOf, previewBytes } from './draw-content.ts';
import type { Content, Preview } from './draw-content.ts';

export interface LoadContent {
  readonly vault: Vault;
  /** One of its own, when there is none. */
  readonly downloader?: Downloader;
  readonly entry: Entry;
  /** Lower case, without the dot: `csv` and `tsv` are tables, when they are text. */
  readonly extension: string;
  /** False: of a picture only what it is, and its first bytes. */
  readonly draws: boolean;
}

/** Reads the beginning of a file, of a picture all of it. @throws INTEGRITY, EXPIRED, NOT_FOUND, UNREACHABLE */
export async function loadContent(wanted: LoadContent, signal: AbortSignal): Promise<Content> {
  const head = await readHead({ ...wanted, bytes: previewBytes }, signal);
  const kind = pictureKind(head);
  return kind === undefined ? contentOf(head, wanted.extension) : await loadPicture({ ...wanted, kind, head }, signal);
}

/** The same for a screen: what went wrong is shown in its place. Throws for the signal alone. */
export async function loadPreview(
  { key, ...wanted }: LoadContent & { readonly key: string },
  signal: AbortSignal,
): Promise<Preview> {
  try {
    return { key, content: await loadContent(wanted, signal) };
  } catch (error) {
    signal.throwIfAborted();
    const message = isCofferError(error) ? error.message : String(error);
    return { key, content: { kind: 'failed', message } };
  }
}

/** The picture, or its first bytes with the reason why it is not drawn. */
async function loadPicture(
  { kind, head, ...file }: LoadContent & { readonly kind: PictureKind; readonly head: Uint8Array },
  signal: AbortSignal,
): Promise<Content> {
  const { format, size } = kind;
  const what =
    size === undefined ? `a ${format} picture` : `a ${format} picture of ${size.width} × ${size.height} pixels`;
  if (!file.draws) return { kind: 'bytes', bytes: head, note: what };
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

const enoughRead = new CofferError('CANCELLED', 'enough was read');

/** The first bytes of a file; the chunks after them are not asked for. @throws INTEGRITY, EXPIRED, NOT_FOUND, UNREACHABLE */
async function readHead(
  {
    vault,
    downloader,
    entry,
    bytes: limit,
  }: Pick<LoadContent, 'vault' | 'downloader' | 'entry'> & { readonly bytes: number },
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
    await readFile({ vault, entry, sink, ...(downloader && { downloader }) }, AbortSignal.any([signal, enough.signal]));
  } catch (error) {
    if (error !== enoughRead || signal.aborted) throw error;
  }
  return Buffer.concat(parts);
}
