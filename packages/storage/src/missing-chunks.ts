import { CofferError, concatBytes, equalBytes, fromHex, idKey, splitBytes } from '@coffer/core';
import type { MissingChunk } from './facts/facts.ts';

/**
 * MISSING_CHUNKS with `details {count, uploader, missing}`: how many in all, and in base64 the ids of the first ones,
 * of one uploader (only one's own uploads can be sent again). It goes over the wire as it is.
 */
export function missingChunksError(chunks: readonly MissingChunk[], count: number): CofferError {
  const uploader = chunks[0]?.uploader ?? new Uint8Array(16);
  const ids = chunks.filter((chunk) => equalBytes(chunk.uploader, uploader)).map(({ id }) => id);
  return new CofferError('MISSING_CHUNKS', 'chunks that are referred to are not stored', {
    details: { count, uploader: idKey(uploader), missing: Buffer.from(concatBytes(...ids)).toString('base64') },
  });
}

/** The chunks that a MISSING_CHUNKS error names; empty for anything else. */
export function missingChunks(error: unknown): readonly MissingChunk[] {
  if (!(error instanceof CofferError) || error.code !== 'MISSING_CHUNKS') return [];
  const { uploader, missing } = error.details;
  if (typeof uploader !== 'string' || typeof missing !== 'string') return [];
  const ids = Uint8Array.from(Buffer.from(missing, 'base64'));
  if (!/^[0-9a-f]{32}$/.test(uploader) || ids.byteLength % 32 !== 0) return [];
  return splitBytes(ids, 32).map((id) => ({ uploader: fromHex(uploader), id }));
}
