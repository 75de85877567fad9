import { appendFile, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MiB, systemClock } from '@coffer/core';
import type { AuditCategory } from '../src/log/audit.ts';
import type { AuditHead, AuditHeads } from '../src/log/audit-heads.ts';
import { AuditLog } from '../src/log/audit-log.ts';
import { verifyAudit, type CategoryReport } from '../src/log/verify-audit.ts';
import { tempFolder } from './support/temp-folder.ts';

/** The heads as accounts.db keeps them. */
class MemoryHeads {
  heads: AuditHeads = new Map();
  read = async (): Promise<AuditHeads> => this.heads;
  write = async (heads: AuditHeads): Promise<void> => {
    this.heads = new Map(heads);
  };
}

interface Run {
  readonly maxBytes?: number;
  readonly keep?: number;
  /** Ends as a killed process does: the heads are not written at the end. */
  readonly killed?: boolean;
}

/** A daemon's life: opens the log, records, ends. */
async function live(
  path: string,
  store: MemoryHeads,
  { work, maxBytes = MiB, keep = 100, killed = false }: Run & { work: (log: AuditLog) => void | Promise<void> },
) {
  const log = await AuditLog.open({ path, maxBytes, keep }, { clock: systemClock });
  const before = store.heads;
  const anchor = await log.anchor(store);
  await work(log);
  await log.flush();
  if (!killed) await anchor[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
  if (killed) store.heads = before;
  return anchor.gaps;
}

const some =
  (count: number, category: AuditCategory = 'auth') =>
  (log: AuditLog): void => {
    for (let n = 0; n < count; n += 1) log.record(category, { event: 'login', status: 'OK', counts: { n } });
  };

const verify = async (path: string, store: MemoryHeads, asked?: ReadonlyMap<AuditCategory, readonly number[]>) =>
  await verifyAudit({ path, heads: store.read, ...(asked && { asked }) });

const of = (reports: readonly CategoryReport[], category: AuditCategory = 'auth'): CategoryReport =>
  reports.find((report) => report.category === category) as CategoryReport;

const filesOf = async (path: string, category = 'auth'): Promise<string[]> =>
  (await readdir(path))
    .filter((name) => name.startsWith(`${category}.`))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => join(path, name));

async function edit(file: string | undefined, change: (text: string) => string): Promise<void> {
  const text = await readFile(file ?? '', 'utf8');
  const changed = change(text);
  expect(changed).not.toBe(text);
  await writeFile(file ?? '', changed);
}

const problemsOf = (reports: readonly CategoryReport[]) =>
  Object.fromEntries(reports.flatMap(({ category, problem }) => (problem ? [[category, problem.kind]] : [])));

describe('the audit log', () => {
  test('is one chain across files and restarts', async () => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    for (let start = 0; start < 3; start += 1) {
      const work = async (log: AuditLog): Promise<void> => {
        for (let n = 0; n < 20; n += 1) {
          some(5)(log);
          await log.flush();
        }
      };
      expect(await live(path, store, { work, maxBytes: 4096 })).toEqual([]);
    }
    expect((await filesOf(path)).length).toBeGreaterThan(5);
    const reports = await verify(path, store);
    expect(problemsOf(reports)).toEqual({});
    expect(of(reports)).toMatchObject({ lines: 300, firstSeq: 1, last: { seq: 300 } });
    expect(store.heads.get('auth')).toEqual({ ...of(reports).last, firstSeq: 1 });
  });

  test('what is removed as too old is not missed; what somebody else removes is', async () => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    const work = async (log: AuditLog): Promise<void> => {
      for (let n = 0; n < 30; n += 1) {
        some(10)(log);
        await log.flush();
      }
    };
    await live(path, store, { work, maxBytes: 4096, keep: 3 });
    const kept = await filesOf(path);
    expect(kept).toHaveLength(3);
    const reports = await verify(path, store);
    expect(problemsOf(reports)).toEqual({});
    expect(of(reports).firstSeq).toBeGreaterThan(1);
    await unlink(kept[0] ?? '');
    expect(of(await verify(path, store)).problem).toMatchObject({ kind: 'missing', line: 1 });
  });

  test.each([
    ['a word is altered', (text: string) => text.replace('"n":4', '"n":5'), 'altered', 5],
    ['a line is taken out', (text: string) => text.split('\n').toSpliced(4, 1).join('\n'), 'missing', 5],
    ['a line is put in', (text: string) => text.split('\n').toSpliced(4, 0, '{}').join('\n'), 'unreadable', 5],
    ['two lines change places', (text: string) => text.replace(/(.*"n":4.*\n)(.*"n":5.*\n)/, '$2$1'), 'missing', 5],
    ['the last line is altered', (text: string) => text.replace('"n":9', '"n":8'), 'altered', 10],
    ['the last lines are cut off', (text: string) => text.split('\n').slice(0, 7).join('\n') + '\n', 'truncated', 7],
    ['a line is cut in two', (text: string) => text.slice(0, -10), 'truncated', 9],
    ['nothing is left', () => '', 'truncated', 0],
  ])('%s: the first line that is wrong is named', async (_name, change, kind, line) => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    await live(path, store, { work: some(10) });
    const [file] = await filesOf(path);
    await edit(file, change);
    const { problem } = of(await verify(path, store));
    expect(problem).toMatchObject({ kind, line });
  });

  test('a file in between that is gone is missed', async () => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    const work = async (log: AuditLog): Promise<void> => {
      for (let n = 0; n < 30; n += 1) {
        some(10)(log);
        await log.flush();
      }
    };
    await live(path, store, { work, maxBytes: 4096 });
    const files = await filesOf(path);
    await unlink(files[2] ?? '');
    expect(of(await verify(path, store)).problem).toMatchObject({ kind: 'missing', line: 1 });
  });

  test('lines that came after the last head belong to it: the process was killed in between', async () => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    await live(path, store, { work: some(10) });
    await live(path, store, { work: some(10), killed: true });
    expect(store.heads.get('auth')?.seq).toBe(10);
    expect(problemsOf(await verify(path, store))).toEqual({});
    const [file] = await filesOf(path);
    await appendFile(file ?? '', '{"time":"2026-01-31T');
    expect(problemsOf(await verify(path, store))).toEqual({});
    expect(await live(path, store, { work: some(1) })).toEqual([]);
    expect(of(await verify(path, store))).toMatchObject({ lines: 21, last: { seq: 21 }, problem: undefined });
  });

  test.each([
    ['cut off', 'missing', (file: string) => truncate(file, 600)],
    ['gone', 'missing', (file: string) => unlink(file)],
    ['rewritten', 'altered', (file: string) => edit(file, (text) => text.replace('"n":9', '"n":8'))],
  ])('an end that was %s while no daemon ran is noticed, and stays noticed', async (_name, why, change) => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    await live(path, store, { work: some(10) });
    const [file] = await filesOf(path);
    await change(file ?? '');
    const gaps = await live(path, store, { work: some(5) });
    expect(gaps).toMatchObject([{ category: 'auth', why, head: { seq: 10 } }]);
    expect(await live(path, store, { work: some(5) })).toEqual([]);
    const reports = await verify(path, store);
    expect(Object.keys(problemsOf(reports))).toEqual(['auth']);
    const anomalies = await Promise.all((await filesOf(path, 'anomaly')).map((name) => readFile(name, 'utf8')));
    expect(JSON.parse(anomalies.join('').split('\n')[0] ?? '')).toMatchObject({ event: 'audit-changed', note: 'auth' });
  });

  test('files and heads taken back together look whole; whoever remembers a later head sees it', async () => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    await live(path, store, { work: some(10) });
    const [file] = await filesOf(path);
    const old = { text: await readFile(file ?? ''), heads: store.heads };
    await live(path, store, { work: some(10) });
    const remembered = store.heads.get('auth') as AuditHead;
    await writeFile(file ?? '', old.text);
    store.heads = old.heads;
    const asked = new Map([['auth', [remembered.seq]] as const]);
    const gone = of(await verify(path, store, asked));
    expect([gone.problem, gone.last.seq, gone.asked.size]).toEqual([undefined, 10, 0]);
    await live(path, store, { work: some(30) });
    const other = of(await verify(path, store, asked));
    expect(other.problem).toBe(undefined);
    expect(other.asked.get(remembered.seq)).not.toBe(remembered.hash);
  });

  test('more lines than a slow disk takes are counted', async () => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    await live(path, store, { work: some(12_000) });
    const report = of(await verify(path, store));
    expect(report).toMatchObject({ lines: 10_001, problem: undefined });
    const text = (await Promise.all((await filesOf(path)).map((name) => readFile(name, 'utf8')))).join('');
    expect(text).toContain('"event":"audit-dropped","status":"LIMIT","counts":{"lines":2000}');
  });

  test('who fills one category keeps neither a flush nor the lines of another waiting', async () => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    const work = async (log: AuditLog): Promise<void> => {
      some(1500, 'auth')(log);
      log.record('anomaly', { event: 'late', status: 'OK' });
      const flushed = { isDone: false };
      const done = log.flush().then(() => (flushed.isDone = true));
      for (let round = 0; round < 300 && !flushed.isDone; round += 1) {
        some(1000, 'auth')(log);
        await systemClock.sleep(1);
      }
      expect(flushed.isDone).toBe(true);
      await done;
      const [file] = await filesOf(path, 'anomaly');
      expect(await readFile(file ?? '', 'utf8')).toContain('"event":"late"');
    };
    await live(path, store, { work });
  });

  test('a value cannot begin a line of its own', async () => {
    const [path, store] = [await tempFolder(), new MemoryHeads()];
    const note = 'x"}\n{"event":"forged"\u2028\r';
    await live(path, store, {
      work: (log) => log.record('auth', { event: 'login', status: 'OK', note, address: note }),
    });
    expect(of(await verify(path, store))).toMatchObject({ lines: 1, problem: undefined });
    await rm(path, { recursive: true });
    expect(of(await verify(path, store)).problem).toMatchObject({ kind: 'truncated' });
  });
});
