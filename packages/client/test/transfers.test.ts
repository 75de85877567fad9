import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { CofferError, idKey, rootEntry } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { Account, Downloader, Entry, LanePlace, Uploader, Vault } from '../src/index.ts';
import { MemoryDevice, MemoryServer } from './support/memory-server.ts';

jest.setTimeout(60_000);

/** Threads take longer to start than most of these tests to run. */
let setup: Setup;

beforeAll(async () => {
  setup = await begin();
});

afterEach(() => {
  setup.server.lies = {};
});

afterAll(async () => {
  await setup[Symbol.asyncDispose]();
});

describe('up and down', () => {
  test('files of all sizes come back equal, and are sent once', async () => {
    for (const size of [0, 1, 255, 4096, 262_143, 262_144, 262_145, 1_000_000, 9_000_000]) {
      const bytes = randomBytes(size);
      const first = await putFile(setup, { name: `file ${size}`, bytes });
      expect((await read(setup, first)).equals(bytes)).toBe(true);
      const before = setup.server.received.length;
      const again = await upload(setup, { name: `copy ${size}`, bytes });
      expect(again.bytesSent).toBe(0);
      expect(setup.server.received.length).toBe(before);
      expect(again.contentHash).toEqual(first.contentHash);
    }
  });

  test('a stream comes back equal, whatever its parts', async () => {
    const bytes = randomBytes(3_000_000);
    const { uploader } = setup;
    const content = await uploader.uploadStream(partsOf(bytes));
    await using batch = setup.vault.batch({ uploader });
    const entry = await batch.putFile({ parent: rootEntry, name: 'stream', content, mtime: [1, 0], mode: 0o600 });
    await batch.commit();
    expect((await read(setup, setup.vault.tree.get(entry))).equals(bytes)).toBe(true);
  });

  test('holes are not sent, and only data is handed out', async () => {
    const path = join(setup.device.folder, 'sparse');
    const file = openSync(path, 'w');
    writeSync(file, randomBytes(100_000), 0, 100_000, 40_000_000);
    ftruncateSync(file, 100_000_000);
    closeSync(file);
    const entry = await putPath(setup, { name: 'sparse', path, size: 100_000_000 });
    expect(entry).toMatchObject({ size: 100_000_000 });
    const pieces: [number, number][] = [];
    const { downloader } = setup;
    await downloader.download(entry.content, (offset, part) => void pieces.push([offset, part.byteLength]));
    expect(pieces[0]?.[0]).toBeGreaterThanOrEqual(39_900_000);
    expect(pieces.reduce((sum, [, length]) => sum + length, 0)).toBeLessThan(400_000);
  });

  test('hundreds of files at once: equal contents are sent once, and come back in few requests', async () => {
    const contents = Array.from({ length: 300 }, (_, index) => Buffer.from(`content ${index % 100}`));
    const paths = contents.map((bytes, index) => {
      const path = join(setup.device.folder, `f${index}`);
      writeFileSync(path, bytes);
      return path;
    });
    const { uploader } = setup;
    const before = setup.server.received.length;
    const uploads = await Promise.all(paths.map((path) => uploader.upload({ path, size: 10 })));
    await uploader.flush();
    expect(setup.server.received.length - before).toBe(100);
    const { downloader } = setup;
    const back = await Promise.all(
      uploads.map(async ({ content }) => {
        const parts: Uint8Array[] = [];
        await downloader.download(content, (_offset, part) => void parts.push(Uint8Array.from(part)));
        return Buffer.concat(parts);
      }),
    );
    expect(back).toEqual(contents);
  });

  test('of an edited file only what changed is sent, without asking for the rest', async () => {
    const bytes = randomBytes(20_000_000);
    const entry = await putFile(setup, { name: 'file', bytes });
    const edited = Buffer.concat([bytes.subarray(0, 4_000_000), Buffer.from('inserted'), bytes.subarray(4_000_000)]);
    const path = join(setup.device.folder, 'edited');
    writeFileSync(path, edited);
    const { uploader } = setup;
    const content = await uploader.upload({ path, size: edited.byteLength, previous: entry.content });
    await uploader.flush();
    expect(content.bytesSent).toBeLessThan(2 * 4_400_000);
    expect(content.contentHash).not.toEqual(entry.contentHash);
  });

  test('a file that is gone or no file fails alone', async () => {
    const path = join(setup.device.folder, 'fine');
    writeFileSync(path, 'fine');
    const { uploader } = setup;
    const [gone, folder, fine] = await Promise.allSettled([
      uploader.upload({ path: join(setup.device.folder, 'gone'), size: 1 }),
      uploader.upload({ path: setup.device.folder, size: 1 }),
      uploader.upload({ path, size: 4 }),
    ]);
    expect(codeOf(gone)).toBe('NOT_FOUND');
    expect(codeOf(folder)).toBe('INVALID');
    expect(fine?.status).toBe('fulfilled');
  });

  test('a file that keeps changing is reported, never stored mixed', async () => {
    const path = join(setup.device.folder, 'log');
    writeFileSync(path, randomBytes(1_000_000));
    const growing = setInterval(() => appendFileSync(path, 'more'), 1);
    const { uploader } = setup;
    const big = uploader.upload({ path, size: 1_000_000 });
    const [outcome] = await Promise.allSettled([big]);
    clearInterval(growing);
    // It may have been read between two writes; what is stored then is what was there.
    const sizeOrCode = outcome?.status === 'fulfilled' ? outcome.value.size : codeOf(outcome);
    expect(sizeOrCode === 'BUSY' || Number(sizeOrCode) >= 1_000_000).toBe(true);
  });
});

describe('broken lines', () => {
  test('an upload goes on over a new connection', async () => {
    let arrived = 0;
    setup.server.lies.put = () => {
      arrived += 1;
      if (arrived === 3) setup.server.cut();
      return true;
    };
    const bytes = randomBytes(6_000_000);
    const entry = await putFile(setup, { name: 'file', bytes });
    expect((await read(setup, entry)).equals(bytes)).toBe(true);
  });

  test('a download goes on over a new connection', async () => {
    const bytes = randomBytes(6_000_000);
    const entry = await putFile(setup, { name: 'file', bytes });
    let answers = 0;
    setup.server.lies.get = (frames) => {
      answers += 1;
      if (answers === 1) setup.server.cut();
      return frames;
    };
    expect((await read(setup, entry)).equals(bytes)).toBe(true);
    expect(answers).toBeGreaterThan(1);
  });

  test('a commit whose answer was lost is there once', async () => {
    const before = setup.server.commits.length;
    setup.server.lies.appended = () => {
      setup.server.lies = {};
      setup.server.cut();
    };
    await putFile(setup, { name: 'file', bytes: Buffer.from('text') });
    expect(setup.server.commits).toHaveLength(before + 1);
    expect(setup.vault.head.seq).toBe(before + 1);
  });

  test('chunks that the server has lost in the meantime are sent again', async () => {
    setup.server.lies.appending = () => {
      setup.server.lies = {};
      setup.server.chunks.clear();
    };
    const bytes = randomBytes(2_000_000);
    const entry = await putFile(setup, { name: 'file', bytes });
    expect((await read(setup, entry)).equals(bytes)).toBe(true);
  });
});

describe('a server that lies about chunks', () => {
  const lies: readonly (readonly [string, (frames: readonly Uint8Array[]) => readonly Uint8Array[]])[] = [
    ['swaps two', (frames) => frames.toReversed()],
    ['swaps their contents', swapContents],
    ['changes a bit', ([first, ...rest]) => [flipped(first, 100), ...rest]],
    ['cuts one short', ([first, ...rest]) => [(first ?? new Uint8Array(64)).slice(0, -1), ...rest]],
    ['leaves one out', (frames) => frames.slice(1)],
  ];

  test.each(lies)('%s: INTEGRITY, and no wrong byte reaches the sink', async (_name, get) => {
    const contents = [1, 2, 3].map((n) => randomBytes(1000 * n));
    const entries: Entry[] = [];
    for (const [index, bytes] of contents.entries()) entries.push(await putFile(setup, { name: `${index}`, bytes }));
    setup.server.lies.get = get;
    const { downloader } = setup;
    let wrong = 0;
    // Asked for together, they come in one answer.
    const outcomes = await Promise.allSettled(
      entries.map((entry, index) =>
        downloader.download(entry.content, (_offset, part) => {
          if (contents[index]?.equals(part) !== true) wrong += 1;
        }),
      ),
    );
    expect(outcomes.map(codeOf)).toContain('INTEGRITY');
    expect(wrong).toBe(0);
  });

  test('one missing chunk is NOT_FOUND for its file only', async () => {
    const [first, second] = [randomBytes(1000), randomBytes(1000)];
    const missing = await putFile(setup, { name: 'missing', bytes: first });
    const fine = await putFile(setup, { name: 'fine', bytes: second });
    setup.server.chunks.delete(setup.server.received.at(-2) ?? '');
    const { downloader } = setup;
    const outcomes = await Promise.allSettled(
      [missing, fine].map((entry) => downloader.download(entry.content, () => undefined)),
    );
    expect(outcomes.map(codeOf)).toEqual(['NOT_FOUND', undefined]);
  });

  test('verify names what is damaged and goes on', async () => {
    await putFile(setup, { name: 'damaged', bytes: randomBytes(1000) });
    await putFile(setup, { name: 'intact', bytes: randomBytes(1000) });
    const id = setup.server.received.at(-2) ?? '';
    setup.server.chunks.set(id, flipped(setup.server.chunks.get(id), 50));
    const entries = ['/damaged', '/intact'].flatMap((path) => setup.vault.tree.lookup(path)?.entry ?? []);
    const { files, bytes, problems } = await setup.vault.verify(entries);
    expect({ files, bytes }).toEqual({ files: 2, bytes: 1000 });
    expect(problems).toMatchObject([{ path: ['damaged'], error: { code: 'INTEGRITY' } }]);
  });
});

describe('files that a lane lays down', () => {
  const mtime = [1_700_000_000, 123_456_789] as const;

  /** Where `name` of a directory is to lie; how many of these places are still in use. */
  function places(directory: string, size: number) {
    const state = { held: 0 };
    const placeOf = (name: string) => (): LanePlace => {
      state.held += 1;
      const release = (): void => void (state.held -= 1);
      const [temporary, path] = [join(directory, `${name}.tmp`), Buffer.from(join(directory, name))];
      return { temporary, path, size, mtime, mode: 0o640, release };
    };
    return { state, placeOf };
  }

  test('have times, mode and bytes, and the sink gets none of them', async () => {
    const [bytes, directory] = [randomBytes(3000), mkdtempSync(join(setup.device.folder, 'lane-'))];
    const entry = await putFile(setup, { name: 'laid', bytes });
    const { state, placeOf } = places(directory, 3000);
    const sink = jest.fn<() => undefined>();
    const laid = await setup.downloader.layDown(entry.content, { sink, place: placeOf('laid') });
    const now = statSync(join(directory, 'laid'), { bigint: true });
    expect(laid?.stats).toMatchObject({ ino: now.ino, size: 3000n, ctimeNs: now.ctimeNs, mtimeNs: now.mtimeNs });
    expect([now.mode & 0o7777n, now.mtimeMs]).toEqual([0o640n, 1_700_000_000_123n]);
    expect(readFileSync(join(directory, 'laid')).equals(bytes)).toBe(true);
    expect([sink.mock.calls.length, state.held, readdirSync(directory)]).toEqual([0, 0, ['laid']]);
  });

  test('replace nothing: the sink gets what finds its name taken, also by a link to nowhere', async () => {
    const [bytes, directory] = [randomBytes(3000), mkdtempSync(join(setup.device.folder, 'lane-'))];
    const entry = await putFile(setup, { name: 'taken', bytes });
    const { state, placeOf } = places(directory, 3000);
    writeFileSync(join(directory, 'file'), 'a person’s');
    symlinkSync(join(directory, 'nowhere'), join(directory, 'link'));
    symlinkSync(join(directory, 'nowhere'), join(directory, 'planted.tmp'));
    for (const name of ['file', 'link', 'planted']) {
      const whole = Buffer.alloc(3000);
      const sink = (offset: number, part: Uint8Array): void => whole.set(part, offset);
      expect(await setup.downloader.layDown(entry.content, { sink, place: placeOf(name) })).toBeUndefined();
      expect(whole.equals(bytes)).toBe(true);
    }
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('a person’s');
    expect(readdirSync(directory).toSorted()).toEqual(['file', 'link', 'planted.tmp']);
    expect(state.held).toBe(0);
  });

  test('have the size that was told, lie in a place, and are one chunk; others go to the sink', async () => {
    const directory = mkdtempSync(join(setup.device.folder, 'lane-'));
    const small = await putFile(setup, { name: 'small', bytes: randomBytes(3000) });
    const large = await putFile(setup, { name: 'large', bytes: randomBytes(9_000_000) });
    const { state, placeOf } = places(directory, 2999);
    const nowhere = (): never => {
      throw new CofferError('NOT_FOUND', 'the directory is gone');
    };
    for (const [entry, place] of [
      [small, placeOf('other size')],
      [small, nowhere],
      [small, () => undefined],
      [large, placeOf('large')],
    ] as const) {
      let received = 0;
      const sink = (_offset: number, part: Uint8Array): void => void (received += part.byteLength);
      expect(await setup.downloader.layDown(entry.content, { sink, place })).toBeUndefined();
      expect(received).toBe(entry.size);
    }
    expect([state.held, readdirSync(directory)]).toEqual([0, []]);
  });

  test('are whole when the download is ended in the middle, and every directory is given back', async () => {
    const directory = mkdtempSync(join(setup.device.folder, 'lane-'));
    const bytes = Array.from({ length: 200 }, () => randomBytes(20_000));
    const entries: Entry[] = [];
    for (const [index, one] of bytes.entries())
      entries.push(await putFile(setup, { name: `many ${index}`, bytes: one }));
    const { state, placeOf } = places(directory, 20_000);
    const downloader = await setup.vault.downloader();
    const all = entries.map(({ content }, index) =>
      downloader.layDown(content, { sink: () => undefined, place: placeOf(`${index}`) }).catch(() => undefined),
    );
    await Promise.race(all);
    await downloader[Symbol.asyncDispose]();
    await Promise.all(all);
    const laid = readdirSync(directory);
    expect(laid.length).toBeGreaterThan(0);
    for (const name of laid)
      expect(readFileSync(join(directory, name)).equals(bytes[Number(name)] ?? Buffer.of())).toBe(true);
    expect(state.held).toBe(0);
  });

  test('that are damaged on the server are not laid down', async () => {
    const directory = mkdtempSync(join(setup.device.folder, 'lane-'));
    const entry = await putFile(setup, { name: 'spoiled', bytes: randomBytes(3000) });
    const id = setup.server.received.at(-1) ?? '';
    setup.server.chunks.set(id, flipped(setup.server.chunks.get(id), 50));
    const { state, placeOf } = places(directory, 3000);
    const laying = setup.downloader.layDown(entry.content, { sink: () => undefined, place: placeOf('spoiled') });
    await expect(laying).rejects.toMatchObject({ code: 'INTEGRITY' });
    expect([state.held, readdirSync(directory)]).toEqual([0, []]);
  });
});

interface Setup extends AsyncDisposable {
  readonly uploader: Uploader;
  readonly downloader: Downloader;
  readonly server: MemoryServer;
  readonly device: MemoryDevice;
  readonly account: Account;
  readonly vault: Vault;
}

async function begin(): Promise<Setup> {
  const server = new MemoryServer();
  const device = new MemoryDevice(server);
  const account = await device.open();
  const vault = await account.home();
  const uploader = await vault.uploader({ lanes: 2 });
  const downloader = await vault.downloader();
  return {
    server,
    device,
    account,
    vault,
    uploader,
    downloader,
    async [Symbol.asyncDispose]() {
      await uploader[Symbol.asyncDispose]();
      await downloader[Symbol.asyncDispose]();
      await account[Symbol.asyncDispose]();
      device[Symbol.dispose]();
    },
  };
}

async function upload({ uploader, device }: Setup, { name, bytes }: { name: string; bytes: Uint8Array }) {
  const path = join(device.folder, name);
  writeFileSync(path, bytes);
  const content = await uploader.upload({ path, size: bytes.byteLength });
  await uploader.flush();
  return content;
}

async function putFile(on: Setup, { name, bytes }: { name: string; bytes: Uint8Array }): Promise<Entry> {
  const path = join(on.device.folder, name);
  writeFileSync(path, bytes);
  return putPath(on, { name, path, size: bytes.byteLength });
}

async function putPath(
  { vault, uploader }: Setup,
  { name, path, size }: { name: string; path: string; size: number },
): Promise<Entry> {
  const content = await uploader.upload({ path, size });
  await using batch = vault.batch({ uploader });
  const { mtime, mode } = content;
  const old = vault.tree.lookup([name])?.entry;
  const id: EntryId = await batch.putFile({
    ...(old && { entry: old }),
    parent: rootEntry,
    name,
    content,
    mtime,
    mode,
  });
  await batch.commit();
  const entry = vault.tree.get(id);
  if (entry === undefined) throw new TypeError(`${idKey(id)} is not there`);
  return entry;
}

async function read({ downloader }: Setup, entry: Entry | undefined): Promise<Buffer> {
  const whole = Buffer.alloc(entry?.size ?? 0);
  await downloader.download(entry?.content ?? [], (offset, part) => whole.set(part, offset));
  return whole;
}

async function* partsOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength;) {
    const length = 1 + ((at * 7919) % 150_000);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function swapContents(frames: readonly Uint8Array[]): readonly Uint8Array[] {
  const [first, second, ...rest] = frames;
  if (first === undefined || second === undefined) return frames;
  const mixed = (id: Uint8Array, sealed: Uint8Array): Uint8Array =>
    Buffer.concat([id.subarray(0, 32), sealed.subarray(32)]);
  return [mixed(first, second), mixed(second, first), ...rest];
}

function flipped(bytes: Uint8Array | undefined, at: number): Uint8Array {
  const changed = Uint8Array.from(bytes ?? []);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

function codeOf(outcome: PromiseSettledResult<unknown> | undefined): string | undefined {
  return outcome?.status === 'rejected' ? (outcome.reason as CofferError).code : undefined;
}
