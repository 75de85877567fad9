import { decodeCbor, encodeCbor, EntryId, rootEntry } from '@coffer/core';
import type { Timestamp } from '@coffer/core';
import { z } from 'zod';
import { asText, nameProblem } from './name.ts';
import type { EntryName } from './name.ts';
import { contentBytes, isContent } from './content.ts';
import type { Content } from './content.ts';
import {
  fixedBytes,
  hasLength,
  isTimestamp,
  isWhole,
  listOfLists,
  sameBytes,
  TimestampField,
  wholeNumber,
} from './field-schemas.ts';
import { commitLimits, contentLimits } from './limits.ts';
import { invalid, limit, parseWith } from './refuse.ts';

export type EntryKind = 'file' | 'directory' | 'symlink' | 'mount';

/** Text or bytes of a link (as {@link EntryName}, at most 4,096 bytes); the vault id of a mount. */
export type LinkTarget = string | Uint8Array;

/** Makes an entry, or gives it another name, place and content. `target` only for symlinks and mounts. */
export type PutOperation = readonly [
  op: 'put',
  entry: EntryId,
  parent: EntryId,
  name: EntryName,
  kind: EntryKind,
  size: number,
  mtime: Timestamp,
  mode: number,
  content: Content,
  target?: LinkTarget,
];
/** Another parent or name; of a removed entry: brings it back. */
export type MoveOperation = readonly [op: 'move', entry: EntryId, parent: EntryId, name: EntryName];
export type AttrOperation = readonly [op: 'attr', entry: EntryId, mtime: Timestamp, mode: number];
export type RemoveOperation = readonly [op: 'remove', entries: readonly EntryId[]];
/** Only in a genesis: the secret by which content of this vault is cut. */
export type InitOperation = readonly [op: 'init', cutKey: Uint8Array];

/** One change of the tree, as it stands in a commit's body: positional arrays. */
export type Operation = PutOperation | MoveOperation | AttrOperation | RemoveOperation | InitOperation;

/** The operations of an opened body. @throws INVALID, LIMIT */
export function parseOperations(plain: Uint8Array): Operation[] {
  if (plain.byteLength > commitLimits.operationBytes) throw limit('the operations of a commit are too large');
  const list = parseWith(OperationList, decodeCbor(plain), 'the list of operations');
  return list.map(checkOperation);
}

/** The canonical bytes of `operations`; {@link parseOperations} gives them back. @throws INVALID, LIMIT */
export function encodeOperations(operations: readonly Operation[]): Uint8Array {
  parseWith(OperationList, operations, 'the list of operations').forEach(checkOperation);
  const plain = encodeCbor(operations);
  if (plain.byteLength > commitLimits.operationBytes) throw limit('the operations of a commit are too large');
  return plain;
}

const OperationList = listOfLists(commitLimits.operations);

function checkOperation(item: readonly unknown[], index: number): Operation {
  const op = item[0];
  // Nearly all are, and what a schema does around its predicate takes longer than the predicate.
  if (op === 'put' && isPut(item)) return item;
  const schema = typeof op === 'string' && Object.hasOwn(schemas, op) ? schemas[op as Operation[0]] : undefined;
  if (schema === undefined) throw invalid('an operation is of an unknown kind', { index });
  return parseWith<Operation>(schema, item, `operation ${index}`);
}

const NameField = z.custom<EntryName>(isName, 'name expected');
/** Everything but the root, which nobody makes, moves or removes. */
const LowerEntry = EntryId.refine((id) => !sameBytes(id, rootEntry), 'the root cannot be changed');
const ModeField = wholeNumber(0, 0o7777);

const schemas = {
  // One predicate, not a tuple of ten schemas: a thousand of these arrive at once, and that is five times as fast.
  put: z.custom<PutOperation>(isPut, 'put expected'),
  move: z.tuple([z.literal('move'), LowerEntry, EntryId, NameField]),
  attr: z.tuple([z.literal('attr'), LowerEntry, TimestampField, ModeField]),
  remove: z.tuple([z.literal('remove'), z.array(LowerEntry).min(1).max(commitLimits.dropEntries)]),
  init: z.tuple([z.literal('init'), fixedBytes(32)]),
} as const satisfies Record<Operation[0], z.ZodType<Operation>>;

function isPut(value: unknown): value is PutOperation {
  if (!Array.isArray(value) || value.length < 9 || value.length > 10) return false;
  const [, entry, parent, name, kind, size, mtime, mode, content, target] = value as unknown[];
  return (
    hasLength(entry, 16) &&
    !sameBytes(entry, rootEntry) &&
    hasLength(parent, 16) &&
    isName(name) &&
    isWhole(size, 0) &&
    isTimestamp(mtime) &&
    isWhole(mode, 0, 0o7777) &&
    isContent(content) &&
    contentBytes(content) === size &&
    isKindWith(kind, { content, target, hasTarget: value.length === 10 })
  );
}

function isKindWith(
  kind: unknown,
  { content, target, hasTarget }: { content: Content; target: unknown; hasTarget: boolean },
): boolean {
  switch (kind) {
    case 'file':
      return !hasTarget;
    case 'directory':
      return !hasTarget && content.length === 0;
    case 'symlink':
      return content.length === 0 && isLinkTarget(target);
    case 'mount':
      return content.length === 0 && hasLength(target, 32);
    default:
      return false;
  }
}

function isName(value: unknown): value is EntryName {
  return (typeof value === 'string' || value instanceof Uint8Array) && nameProblem(value) === undefined;
}

function isLinkTarget(target: unknown): target is LinkTarget {
  if (target instanceof Uint8Array) {
    return isTargetLength(target.byteLength) && !target.includes(0) && asText(target) === undefined;
  }
  return (
    typeof target === 'string' &&
    isTargetLength(Buffer.byteLength(target)) &&
    !target.includes('\0') &&
    target.isWellFormed()
  );
}

function isTargetLength(bytes: number): boolean {
  return bytes >= 1 && bytes <= contentLimits.targetBytes;
}
