import { CofferError, isCofferError } from '@coffer/core';
import { readFile } from '@coffer/client';
import type { Downloader, Entry, Vault } from '@coffer/client';
import { previewBytes, previewOf } from './preview-lines.ts';
import type { Preview } from './preview-lines.ts';
import { extensionOf } from './rows.ts';

/** Reads the beginning of a file and says what it is. Never throws but for the signal: what went wrong is shown in its place. */
export async function loadPreview(
  { vault, downloader, entry, key }: HeadOf & { readonly key: string },
  signal: AbortSignal,
): Promise<Preview> {
  try {
    const bytes = await readHead({ vault, downloader, entry, bytes: previewBytes }, signal);
    return { key, content: previewOf(bytes, extensionOf(entry.name)) };
  } catch (error) {
    signal.throwIfAborted();
    const message = isCofferError(error) ? error.message : String(error);
    return { key, content: { kind: 'failed', message } };
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
