import { readFile, statfs } from 'node:fs/promises';
import { CofferError, formatSize, GiB, MiB } from '@coffer/core';
import type { Profile } from '../profile/profile.ts';
import type { KeystoreKind, ProfileRecord } from '../profile/profile-record.ts';
import { problemOf } from './finding.ts';
import type { Finding } from './finding.ts';

/** As package.json demands. */
const leastNode = 26;

export function programFinding(
  version: string,
  { versions, platform, arch }: Pick<NodeJS.Process, 'versions' | 'platform' | 'arch'>,
): Finding {
  const text = `coffer ${version}, Node.js ${versions.node}, ${platform} ${arch}`;
  if (Number.parseInt(versions.node, 10) >= leastNode) return { check: 'program', state: 'good', text };
  return { check: 'program', state: 'warning', text, hint: `It is made for Node.js ${leastNode} and later.` };
}

const keptWords: Readonly<Record<KeystoreKind, string>> = {
  password: 'under your password',
  keyring: "in the system's keyring",
  file: 'in a file of this machine, without a password',
};

/** Whether the keys of the device are there, for nobody else to read; they are not opened. */
export function keysFinding(profile: Profile, { keystore }: ProfileRecord): Finding {
  const check = 'keys';
  try {
    if (profile.keystore.isThere()) return { check, state: 'good', text: `kept ${keptWords[keystore]}` };
  } catch (error) {
    return problemOf(check, error);
  }
  const hint = 'Log in again; nothing in the vault is lost.';
  return problemOf(check, new CofferError('NOT_LOGGED_IN', 'the keys of this device are gone', { hint }));
}

/** Folded journals and what is being laid down need some. */
const littleBytes = GiB;
const noBytes = 64 * MiB;

export async function spaceFinding(folder: string): Promise<Finding> {
  const check = 'space';
  const free = await freeBytes(folder);
  if (free === undefined) return { check, state: 'warning', text: `${folder} cannot be looked at` };
  const text = `${formatSize(free)} free for what this device knows`;
  if (free >= littleBytes) return { check, state: 'good', text };
  const hint = 'Make room: a device without space can neither sync nor fold what others changed.';
  return free >= noBytes
    ? { check, state: 'warning', text, hint }
    : { check, state: 'problem', text, hint, code: 'NO_SPACE' };
}

async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Each watched folder takes one; systems have been shipped with as few as 8,192. */
const fewWatches = 65_536;

/** Undefined where the system has no such limit. */
export async function watchingFinding(file = '/proc/sys/fs/inotify/max_user_watches'): Promise<Finding | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const watches = Number.parseInt(text, 10);
  if (Number.isNaN(watches)) return undefined;
  const check = 'watching';
  const said = `${watches} folders can be watched by sync --watch`;
  if (watches >= fewWatches) return { check, state: 'good', text: said };
  return {
    check,
    state: 'warning',
    text: said,
    hint: `Larger trees need more: sysctl fs.inotify.max_user_watches=524288`,
  };
}
