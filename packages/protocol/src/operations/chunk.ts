import { z } from 'zod';
import { protocolLimits } from '../limits.ts';
import { account, bitmap, bytes, choice, count, ids, list, vault } from './fields.ts';
import type { DataShape, OperationTable } from './operation.ts';

const chunks = {
  each: 'id(32) ‖ sealed chunk or segment',
  minBytes: 33,
  maxBytes: protocolLimits.dataFrameBytes,
  maxFrames: Number.MAX_SAFE_INTEGER,
} as const satisfies DataShape;

const chunkId = bytes(32);
const flag = z.boolean().describe('bool');

export const chunkOperations = {
  'chunk.has': {
    code: 0x0501,
    access: 'write',
    about: "Which of the account's own uploads for this vault are there: bit i is `byte[i >> 3] & (1 << (i & 7))`.",
    request: z.strictObject({ vault, ids }),
    response: z.strictObject({ present: bitmap }),
  },
  'chunk.put': {
    code: 0x0502,
    access: 'write',
    about: 'Stores chunks or segments; the answer means that they are durable.',
    request: z.strictObject({ vault, kind: choice(['chunk', 'segment']) }),
    requestData: chunks,
    response: z.strictObject({ stored: count, duplicates: count, bytes: count }),
  },
  'chunk.get': {
    code: 0x0503,
    access: 'member',
    about: 'Chunks in the order asked. A missing one is NOT_FOUND naming it, after the ones found.',
    request: z.strictObject({ vault, uploader: account, ids }),
    response: z.strictObject({}),
    responseData: { ...chunks, maxFrames: protocolLimits.idsPerRequest },
  },
  'chunk.lost': {
    code: 0x0504,
    access: 'member',
    about:
      'Chunks that versions of the vault refer to and that the server cannot read, by id, from behind `after` on. Whoever still has the content sends them again. The uploader of a segment is the owner of the vault; anybody who may write sends it.',
    request: z.strictObject({ vault, after: chunkId.nullable().describe('bytes(32) | null') }),
    response: z.strictObject({
      chunks: list(z.strictObject({ uploader: account, id: chunkId, segment: flag }), protocolLimits.lostPerAnswer),
      more: flag,
    }),
  },
} as const satisfies OperationTable;
