import { compareBytes, concatBytes } from '@coffer/core';
import type { Timestamp } from '@coffer/core';
import fc from 'fast-check';
import { nameProblem } from '@coffer/journal';
import type { Content, EntryName, Operation, Ref } from '@coffer/journal';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const id16 = bytes(16).filter((id) => id.some((byte) => byte !== 0));
const id32 = bytes(32);
const time: fc.Arbitrary<Timestamp> = fc.tuple(
  fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);
const mode = fc.integer({ min: 0, max: 0o7777 });
const uint = fc.integer({ min: 1, max: 2 ** 31 });

const name: fc.Arbitrary<EntryName> = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    fc.constantFrom('�', 'a�b', '\uFEFFx', '日本語', 'é', 'e\u0301', '.hidden', '...', ' ', '\\', 'a'.repeat(255)),
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
  )
  .filter((candidate) => nameProblem(candidate) === undefined);

const chunk = fc.tuple(id32, fc.integer({ min: 1, max: 4 << 20 }), fc.integer({ min: 1, max: 4 << 20 }));
const homeTuple = fc.tuple(chunk, fc.integer({ min: 0, max: 9 })).map(([base, g]) => [...base, g] as const);
const sharedTuple = fc.tuple(chunk, id16, id32, id32).map(([base, ...rest]) => [...base, ...rest] as const);
const hole = fc.tuple(uint);

function listOf<T>(tuple: fc.Arbitrary<T>): fc.Arbitrary<(T | readonly [number])[]> {
  const piece = fc.oneof(
    { weight: 5, arbitrary: tuple.map((one) => [one]) },
    hole.map((gap) => [gap] as const).chain((gap) => tuple.map((one) => [...gap, one] as const)),
  );
  return fc.array(piece as fc.Arbitrary<(T | readonly [number])[]>, { maxLength: 8 }).map((pieces) => pieces.flat());
}

const segmented = fc
  .array(fc.tuple(id32, homeTuple, uint, fc.integer({ min: 1, max: 1024 })), { minLength: 1, maxLength: 5 })
  .map((runs) => ['seg', runs] as const);

const content = fc.oneof(listOf(homeTuple), listOf(sharedTuple), segmented) as fc.Arbitrary<Content>;

function sizeOf(value: Content): number {
  if (value[0] === 'seg')
    return (value[1] as readonly (readonly [unknown, unknown, number, number])[]).reduce((sum, run) => sum + run[2], 0);
  return (value as readonly (readonly unknown[])[]).reduce(
    (sum, tuple) => sum + Number(tuple.length === 1 ? tuple[0] : tuple[1]),
    0,
  );
}

const file = fc
  .tuple(id16, bytes(16), name, content, time, mode)
  .map(([entry, parent, text, parts, mtime, bits]): Operation => [
    'put',
    entry,
    parent,
    text,
    'file',
    sizeOf(parts),
    mtime,
    bits,
    parts,
  ]);
const other = fc
  .tuple(id16, bytes(16), name, time, mode, fc.constantFrom('directory', 'mount', 'symlink'), id32, name)
  .map(([entry, parent, text, mtime, bits, kind, vault, target]): Operation => {
    const base = ['put', entry, parent, text, kind as 'mount', 0, mtime, bits, []] as const;
    if (kind === 'directory') return base;
    return [...base, kind === 'mount' ? vault : target];
  });
const move = fc.tuple(id16, bytes(16), name).map((fields): Operation => ['move', ...fields]);
const attr = fc.tuple(id16, time, mode).map((fields): Operation => ['attr', ...fields]);
const remove = fc.array(id16, { minLength: 1, maxLength: 5 }).map((entries): Operation => ['remove', entries]);
const init = id32.map((key): Operation => ['init', key]);

export const operation: fc.Arbitrary<Operation> = fc.oneof(file, other, move, attr, remove, init);

const idList = (min: number) =>
  fc
    .uniqueArray(id32, { minLength: min, maxLength: 6, selector: (id) => Buffer.from(id).toString('hex') })
    .map((ids) => concatBytes(...ids.toSorted(compareBytes)));
const uploads = fc
  .uniqueArray(fc.tuple(id16, idList(1)), {
    maxLength: 3,
    selector: ([uploader]) => Buffer.from(uploader).toString('hex'),
  })
  .map((list) =>
    list.map(([uploader, ids]) => ({ uploader, ids })).toSorted((a, b) => compareBytes(a.uploader, b.uploader)),
  );
const subject = fc.oneof(id16, id32);
const worker = fc.oneof(id16, fc.constant(null));
const sealed = fc.uint8Array({ minLength: 1, maxLength: 200 });

const refArbitraries = {
  put: fc.record({ kind: fc.constant('put' as const), entry: id16, chunks: uploads, segments: idList(0) }),
  drop: fc.record({
    kind: fc.constant('drop' as const),
    entries: fc.array(id16, { minLength: 1, maxLength: 5 }),
    reason: fc.constantFrom('removed' as const, 'moved' as const),
  }),
  keep: fc.record({ kind: fc.constant('keep' as const), entry: id16, seq: uint }),
  identity: fc.record({ kind: fc.constant('identity' as const), subject, head: id32 }),
  epoch: fc.record({
    kind: fc.constant('epoch' as const),
    n: uint,
    commitment: id32,
    link: fc.oneof(sealed, fc.constant(null)),
    seals: fc.array(fc.record({ recipient: subject, worker, fingerprint: id32, sealed }), {
      minLength: 1,
      maxLength: 4,
    }),
    teamKey: fc.oneof(bytes(1216), fc.constant(null)),
  }),
  member: fc.record({
    kind: fc.constant('member' as const),
    member: subject,
    role: fc.constantFrom('read' as const, 'write' as const, 'none' as const, 'owner' as const),
    fingerprint: id32,
    chainHead: id32,
    seals: fc.array(fc.record({ worker, sealed }), { maxLength: 3 }),
  }),
  policy: fc.record({
    kind: fc.constant('policy' as const),
    policy: fc.record({
      versions: fc.integer({ min: 1, max: 100 }),
      days: fc.nat(1000),
      trashDays: fc.integer({ min: 1, max: 1000 }),
    }),
  }),
  purge: fc.record({
    kind: fc.constant('purge' as const),
    entry: id16,
    seqs: fc.uniqueArray(uint, { minLength: 1, maxLength: 5 }).map((seqs) => seqs.toSorted((a, b) => a - b)),
  }),
};

/** Any ref that may stand in a commit after the genesis. */
export const ref: fc.Arbitrary<Ref> = fc.oneof(...Object.values(refArbitraries));
