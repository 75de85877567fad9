/**
 * Completes package-lock.json with the optional platform packages that this machine's registry did not offer.
 *
 * A lock written where the registry has only some platforms lacks the other platforms' entries, and `npm ci` then
 * refuses it as out of step with package.json. Run this after every `npm install`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const lockFile = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
const added = [];

for (const [where, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(name, where)) continue;
    lock.packages[`node_modules/${name}`] = { version: exact(range, name), optional: true, ...platformOf(name) };
    added.push(name);
  }
}

if (added.length > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(lockFile, `${JSON.stringify(lock, undefined, 2)}\n`);
}
console.log(added.length === 0 ? 'The lock is complete.' : `Added to the lock: ${added.join(', ')}`);

/** npm finds a package in the node_modules of its dependent or of any folder above it. */
function isLocked(name, where) {
  for (let folder = where; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

function exact(range, name) {
  const version = /^[\^~]?(\d+\.\d+\.\d+[\w.+-]*)$/.exec(range)?.[1];
  if (!version) throw new TypeError(`${name}: cannot take an exact version from "${range}"`);
  return version;
}

function platformOf(name) {
  const words = name.split(/[/_.-]/);
  const os = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
  const cpu = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32'];
  const pick = (known) => known.filter((value) => words.includes(value));
  const libc = [
    words.some((word) => word.startsWith('musl')) && 'musl',
    words.some((word) => word.startsWith('gnu')) && 'glibc',
  ];
  const platform = { os: pick(os), cpu: pick(cpu), libc: libc.filter(Boolean) };
  return Object.fromEntries(Object.entries(platform).filter(([, found]) => found.length > 0));
}
