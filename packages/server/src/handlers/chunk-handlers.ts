import { equalBytes, isCofferError, MiB, type VaultId } from '@coffer/core';
import { batchBytes, DataBatch, operations, protocolLimits, type Handlers, type RequestOf } from '@coffer/protocol';
import type { Stored } from '@coffer/storage';
import { statusOf, type AuditEvent } from '../log/audit.ts';
import { authorize } from '../rights/authorize.ts';
import { rightsOf } from '../rights/rights-of.ts';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

const idBytes = 32;

/** An upload goes on for hours; its right is asked for again after so much of it. */
const bytesPerRight = 16 * MiB;

type ChunkOperation = Extract<keyof Handlers<Connection>, `chunk.${string}`>;

/** Sealed chunks in and out. The uploader is always the session's account (PROTOCOL §Bulk). */
export function chunkHandlers(services: Services): Pick<Handlers<Connection>, ChunkOperation> {
  const { storage } = services;
  return {
    'chunk.has': async ({ vault, ids }, { context }) => ({
      present: await storage.presentChunks({ vault, uploader: context.account, ids }),
    }),
    'chunk.put': async (request, { context, data }) => put(services, request, { context, data }),
    'chunk.get': async (request, { context, signal }) => ({
      response: {},
      data: get(services, request, { context, signal }),
    }),
    'chunk.lost': async ({ vault, after }) => {
      const { lostPerAnswer: limit } = protocolLimits;
      const found = await storage.lostChunks(vault, { after: after ?? undefined, limit: limit + 1 });
      return { chunks: found.slice(0, limit), more: found.length > limit };
    },
  };
}

async function put(
  services: Services,
  { vault, kind }: RequestOf<'chunk.put'>,
  { context, data }: { readonly context: Connection; readonly data: AsyncIterable<Uint8Array> },
): Promise<Stored> {
  const event = { ...eventOf('chunk.put', context), vault };
  const { storage, audit } = services;
  const rights = rightsOf(services);
  try {
    const writer = await storage.putChunks({ vault, uploader: context.account, kind });
    let unasked = 0;
    for await (const payload of data) {
      unasked += payload.byteLength;
      if (unasked > bytesPerRight) {
        await authorize(rights, context, { access: 'write', vaults: [vault] });
        unasked = 0;
      }
      // Views of the frame: the bytes of a chunk are not copied between the socket and the pack.
      await writer.put(payload.subarray(0, idBytes), payload.subarray(idBytes));
    }
    const { stored, duplicates, bytes } = await writer.finish();
    audit.record('transfer', { ...event, status: 'OK', bytes, counts: { stored, duplicates } });
    return { stored, duplicates, bytes };
  } catch (error) {
    audit.record('transfer', { ...event, status: statusOf(error) });
    if (isCofferError(error, 'QUOTA')) await tellOwner(services, vault, context);
    throw error;
  }
}

/** What nothing refers to yet may have filled the quota: no append has told of it. */
async function tellOwner({ storage, quotaNotices }: Services, vault: VaultId, { account }: Connection): Promise<void> {
  const owner = (await storage.vaultState(vault))?.owner;
  if (owner === undefined) return;
  await quotaNotices.check(owner);
  if (!equalBytes(owner, account)) await quotaNotices.checkMember(owner, account);
}

async function* get(
  { storage, audit }: Services,
  { vault, uploader, ids }: RequestOf<'chunk.get'>,
  { context, signal }: { readonly context: Connection; readonly signal: AbortSignal },
): AsyncGenerator<DataBatch> {
  const sent = { chunks: 0, bytes: 0 };
  // Until the last chunk was taken; a client that stops early only ends the generator.
  let status: AuditEvent['status'] = 'CANCELLED';
  try {
    for await (const chunks of inBatches(storage.readChunks({ vault, uploader, ids, signal }))) {
      yield new DataBatch(chunks.map(({ id, payload }) => [id, payload]));
      sent.chunks += chunks.length;
      sent.bytes += sumPayloads(chunks);
    }
    status = 'OK';
  } catch (error) {
    status = statusOf(error);
    throw error;
  } finally {
    const { chunks, bytes } = sent;
    audit.record('transfer', { ...eventOf('chunk.get', context), vault, status, bytes, counts: { chunks } });
  }
}

interface SealedChunk {
  readonly id: Uint8Array;
  readonly payload: Uint8Array;
}

/** Those that came before a failure are given before it is thrown. */
async function* inBatches(chunks: AsyncIterable<SealedChunk>): AsyncGenerator<readonly SealedChunk[]> {
  let batch: SealedChunk[] = [];
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const chunk of chunks) {
      batch.push(chunk);
      bytes += chunk.payload.byteLength;
      if (bytes < batchBytes) continue;
      yield batch;
      [batch, bytes] = [[], 0];
    }
  } catch (error) {
    failure = { error };
  }
  if (batch.length > 0) yield batch;
  if (failure !== undefined) throw failure.error;
}

function sumPayloads(chunks: readonly SealedChunk[]): number {
  return chunks.reduce((sum, { payload }) => sum + payload.byteLength, 0);
}

function eventOf(operation: ChunkOperation, { account, device, address }: Connection) {
  return { event: operation, operation: operations[operation].code, account, device: device.device, address } as const;
}
