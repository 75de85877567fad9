import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

/**
 * `portable`: what every tool that the benchmarks compare can hold. `all`: also what only a careful tool keeps, such as
 * names that are not UTF-8, names of 255 bytes, times before 1970 and holes. A vault holds all of it.
 */
export type Oddities = 'none' | 'portable' | 'all';

const portableNames = [
  ' leading and trailing ',
  'two  spaces',
  '-rf',
  '--help',
  'quote\'s "double" `tick`',
  '$HOME',
  'semi;colon & more | pipe',
  'back\\slash',
  'star*question?[bracket]',
  'percent%20%00',
  'h\u00e4user (composed)',
  'ha\u0308user (decomposed)',
  '日本語のファイル',
  'العربية',
  '👩‍👩‍👧‍👦 family',
  '.hidden',
  '..three',
  'CON',
  'aux.txt',
  'trailing.',
  'UPPER',
  'upper',
];

const carefulNames: readonly Uint8Array[] = [
  Buffer.from('\u202egnp.exe'),
  Buffer.from('n'.repeat(255)),
  Buffer.from('€'.repeat(85)),
  Buffer.from([0x6c, 0x61, 0x74, 0x69, 0x6e, 0xe9]),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xed, 0xa0, 0x80]),
];

/** A vault refuses these by design (JOURNAL §Names): they are reported and left out. */
const refusedNames = ['line\nbreak', 'tab\there', '\u001b[31mred\u001b[0m', 'delete\u007f'];

/** Plants files whose names a vault refuses in a new folder; gives how many. */
export function plantRefusedNames(folder: string): number {
  mkdirSync(folder, { recursive: true });
  for (const name of refusedNames) writeFileSync(`${folder}/${name}`, 'never stored\n');
  return refusedNames.length;
}

const modes = [0o600, 0o640, 0o644, 0o444, 0o400, 0o755, 0o700, 0o777];

/** Plants files, folders and links with which tools stumble into a new folder. */
export function plantOddities(folder: string, which: Exclude<Oddities, 'none'>): void {
  mkdirSync(folder, { recursive: true });
  for (const name of portableNames) writeFileSync(`${folder}/${name}`, `the file called ${name}\n`);
  plantModes(`${folder}/modes`);
  plantLinks(`${folder}/links`);
  plantShapes(`${folder}/shapes`);
  plantTimes(`${folder}/times`, [1971, 1999, 2001, 2030]);
  if (which === 'all') plantCareful(`${folder}/careful`);
}

function plantModes(folder: string): void {
  mkdirSync(folder);
  for (const mode of modes) {
    const path = `${folder}/${mode.toString(8)}`;
    writeFileSync(path, `mode ${mode.toString(8)}\n`);
    chmodSync(path, mode);
  }
  mkdirSync(`${folder}/private`);
  writeFileSync(`${folder}/private/inside`, 'in a private folder\n');
  chmodSync(`${folder}/private`, 0o700);
}

function plantLinks(folder: string): void {
  mkdirSync(`${folder}/real`, { recursive: true });
  writeFileSync(`${folder}/real/file`, 'reached over links\n');
  const targets = {
    relative: 'real/file',
    up: '../links/real/file',
    folder: 'real',
    dangling: 'nowhere/at/all',
    absolute: '/nonexistent/absolute',
    itself: 'itself',
    'with space': 'real/../real/file',
  };
  for (const [name, target] of Object.entries(targets)) symlinkSync(target, `${folder}/${name}`);
}

function plantShapes(folder: string): void {
  mkdirSync(`${folder}/${Array.from({ length: 20 }, (_, depth) => `level ${depth}`).join('/')}`, { recursive: true });
  mkdirSync(`${folder}/empty folder`);
  writeFileSync(`${folder}/empty file`, '');
  writeFileSync(`${folder}/one byte`, 'x');
  writeFileSync(`${folder}/zeros`, new Uint8Array(300_000));
}

function plantTimes(folder: string, years: readonly number[]): void {
  mkdirSync(folder);
  for (const year of years) {
    const path = `${folder}/${year}`;
    writeFileSync(path, `${year}\n`);
    utimesSync(path, Date.UTC(year, 1, 2) / 1000, Date.UTC(year, 1, 2) / 1000);
  }
}

function plantCareful(folder: string): void {
  mkdirSync(folder);
  for (const name of carefulNames) {
    const path = Buffer.concat([Buffer.from(`${folder}/`), name]);
    writeFileSync(path, `an odd name of ${name.length} bytes\n`);
  }
  const link = Buffer.concat([Buffer.from(`${folder}/link `), Buffer.from([0xe9])]);
  symlinkSync(Buffer.from([0xff, 0x2f, 0xfe]), link);
  plantSparse(`${folder}/sparse`);
  // Some tools take time zero for "no time", and end in 2038 with the signed 32-bit seconds.
  plantTimes(`${folder}/times`, [1960, 1970, 2039, 2107]);
}

/** 16 MiB long, of which a few bytes in the middle and at the end are data. */
function plantSparse(path: string): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, 16 * 1024 * 1024);
  writeSync(file, 'in the middle', 7 * 1024 * 1024);
  writeSync(file, 'at the end', 16 * 1024 * 1024 - 10);
  closeSync(file);
}
