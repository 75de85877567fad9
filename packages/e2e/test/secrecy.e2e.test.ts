import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startVault } from '../src/index.ts';

/** What the server may learn nowhere: 50 names, 50 contents, the password. Each name and content holds the same random mark. */
interface Planted {
  readonly mark: string;
  readonly names: readonly string[];
  readonly contents: readonly string[];
}

function plant(folder: string): Planted {
  mkdirSync(folder);
  const mark = randomBytes(12).toString('hex');
  const names = Array.from({ length: 50 }, (_, index) => `name-${index}-${mark}`);
  const contents = names.map((_, index) => `content ${index} ${mark}`);
  names.forEach((name, index) => {
    mkdirSync(join(folder, `${name}-folder`));
    writeFileSync(join(folder, `${name}-folder`, `${name}.txt`), `${contents[index]}\n`.repeat(40));
  });
  return { mark, names, contents };
}

type Needles = readonly { readonly secret: string; readonly bytes: Buffer }[];

/** The secrets in every form in which a careless program would hold them. */
function needles(secrets: readonly string[]): Needles {
  return secrets.flatMap((secret) =>
    [Buffer.from(secret, 'utf8'), Buffer.from(secret, 'utf16le')].map((bytes) => ({ secret, bytes })),
  );
}

function findAll(haystack: Buffer, wanted: Needles): string[] {
  return wanted.filter(({ bytes }) => haystack.includes(bytes)).map(({ secret }) => secret);
}

function searchFolder(folder: string, wanted: Needles): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(3);
  return files.flatMap((entry) => {
    const hits = findAll(readFileSync(join(entry.parentPath, entry.name)), wanted);
    return [...hits, ...findAll(Buffer.from(entry.name), wanted)];
  });
}

/** Every readable private page of a process: heap, buffers, stacks, WebAssembly memory. */
function searchMemory(pid: number, wanted: Needles): { readonly hits: string[]; readonly bytes: number } {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const hits = new Set<string>();
  let bytes = 0;
  try {
    for (const region of writableRegions(pid)) {
      for (const held of readRegion(memory, region)) {
        bytes += held.byteLength;
        for (const hit of findAll(held, wanted)) hits.add(hit);
      }
    }
  } finally {
    closeSync(memory);
  }
  return { hits: [...hits], bytes };
}

interface Region {
  readonly start: number;
  readonly end: number;
}

function writableRegions(pid: number): Region[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      return match === null
        ? []
        : [{ start: Number.parseInt(match[1] ?? '', 16), end: Number.parseInt(match[2] ?? '', 16) }];
    });
}

/** A needle that lies across two pieces is found by their overlap. */
const pieceBytes = 4 * 1024 * 1024;
const overlapBytes = 4096;

function* readRegion(memory: number, { start, end }: Region): Iterable<Buffer> {
  for (let at = start; at < end; at += pieceBytes) {
    const part = Buffer.alloc(Math.min(pieceBytes + overlapBytes, end - at));
    let read = 0;
    try {
      read = readSync(memory, part, 0, part.byteLength, at);
    } catch {
      // Reserved pages that were never touched hold nothing.
    }
    yield part.subarray(0, read);
  }
}

test('names, contents and the password are nowhere on the server: not on its disk, in its logs, or in its memory', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const source = vault.folder.join('source');
  const { mark, names, contents } = plant(source);
  const wanted = needles([mark, vault.user.password]);
  expect(searchFolder(source, wanted).length).toBeGreaterThanOrEqual(100);

  await device.json(['sync', source, `/${names[0]}-vault`]);
  await device.json(['mv', `/${names[0]}-vault/${names[1]}-folder`, `/${names[2]}-renamed`]);
  await device.json(['rm', '-r', `/${names[0]}-vault/${names[3]}-folder`]);
  const phone = await vault.device();
  await phone.json(['sync', vault.folder.join('copy'), `/${names[0]}-vault`, '--mode', 'pull']);
  expect((await phone.run(['cat', `/${names[2]}-renamed/${names[1]}.txt`])).stdout).toContain(contents[1]);
  await phone.run(
    ['login', `user@127.0.0.1:${vault.daemon.port}`, '--password-stdin', '--trust-first-use', '--profile', 'wrong'],
    {
      input: `${vault.user.password}x\n`,
    },
  );

  const inMemory = searchMemory(vault.daemon.pid, wanted);
  expect(inMemory.bytes).toBeGreaterThan(10 * 1024 * 1024);
  expect(inMemory.hits).toEqual([]);
  await vault.daemon.stop();
  expect(searchFolder(vault.storage, wanted)).toEqual([]);
  expect(searchFolder(vault.logs, wanted)).toEqual([]);
});

test('the search of a process finds what is there', async () => {
  const secret = `found-${randomBytes(8).toString('hex')}`;
  const held = Buffer.from(secret);
  expect(searchMemory(process.pid, needles([secret])).hits).toEqual([secret]);
  expect(held.toString()).toBe(secret);
  await Promise.resolve();
});
