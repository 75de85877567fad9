import { createHash } from 'node:crypto';
import { decodeCbor, encodeCbor, lp, sha256 } from '@coffer/core';
import type { Hash } from '@coffer/core';
import { isHole, isSegmented } from '@coffer/journal';
import type { Content } from '@coffer/journal';

/** The form in which the local tables hold a content. */
export function encodeContent(content: Content): Uint8Array {
  return content.length === 0 ? empty : encodeCbor(content);
}

export function decodeContent(bytes: Uint8Array): Content {
  return bytes.byteLength === 0 ? [] : (decodeCbor(bytes) as Content);
}

const empty = new Uint8Array(0);

/**
 * SHA-256 over the content's `ph`s (JOURNAL §Commit *Content*). A hole counts as SHA-256(lp("coffer/1 hole", length)), so that
 * files which differ only in their holes differ here; of a segmented content the `ph`s of its list chunks count.
 */
export function hashContent(content: Content): Hash {
  const hash = createHash('sha256');
  for (const plainHash of plainHashes(content)) hash.update(plainHash);
  return new Uint8Array(hash.digest());
}

function* plainHashes(content: Content): Iterable<Uint8Array> {
  if (isSegmented(content)) {
    for (const [, [plainHash]] of content[1]) yield plainHash;
    return;
  }
  for (const tuple of content) yield isHole(tuple) ? sha256(lp('coffer/1 hole', tuple[0])) : tuple[0];
}
