import type { IdKey } from '@coffer/core';
import { idKey, splitBytes } from '@coffer/core';
import type { UploaderIds } from '@coffer/journal';
import type { MissingChunk, Prepared } from '../facts/facts.ts';
import type { MemoryChunk, MemoryChunks } from './memory-chunks.ts';
import { soundPlace } from './memory-chunks.ts';

export interface Scope {
  readonly owner: IdKey;
  readonly vault: IdKey;
  readonly author: IdKey;
}

export interface Lacks {
  readonly missing: readonly MissingChunk[];
  readonly notAllowed: boolean;
}

/** What a commit or segment refers to that is not there, or not its author's to use. */
export function lacksOf(known: MemoryChunks, scope: Scope, chunks: readonly UploaderIds[]): Lacks {
  const missing: MissingChunk[] = [];
  let notAllowed = false;
  for (const { uploader, ids } of chunks) {
    for (const id of splitBytes(ids, 32)) {
      const answer = mayRefer(scope, idKey(uploader), known.find(scope.owner, idKey(uploader), id));
      if (answer === 'missing') missing.push({ uploader, id });
      else if (answer === 'notAllowed') notAllowed = true;
    }
  }
  return { missing, notAllowed };
}

function mayRefer(scope: Scope, uploader: IdKey, chunk: MemoryChunk | undefined): 'yes' | 'missing' | 'notAllowed' {
  const own = uploader === scope.author;
  const referred = (chunk?.grants.get(scope.vault) ?? 0) > 0;
  if (!chunk || !soundPlace(chunk)) return own || referred ? 'missing' : 'notAllowed';
  if (referred || (own && (chunk.grants.has(scope.vault) || scope.author === scope.owner))) return 'yes';
  return own ? 'missing' : 'notAllowed';
}

/** The answer to who lacks something. */
export function refusal({ missing, notAllowed }: Lacks): Prepared | undefined {
  if (notAllowed) return { status: 'notAllowed' };
  return missing.length > 0 ? { status: 'missing', count: missing.length, chunks: missing.slice(0, 4096) } : undefined;
}
