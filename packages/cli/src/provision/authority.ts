import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CofferError, decodeCbor, encodeCbor, idKey } from '@coffer/core';
import type { Random, ServerId } from '@coffer/core';
import { ed25519KeyPair, openKeystore, sealKeystore, xwingKeyPair } from '@coffer/crypto';
import type { SealingKeyPair, SigningKeyPair } from '@coffer/crypto';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { readPassword } from '../prompt.ts';
import { readIfPresent, writeFileAtomic } from './files.ts';

/** Seeds of the administrator's two offline keys (CRYPTO §Keys). They never lie under the server's storage. */
export interface AuthoritySeeds {
  /** 32 bytes: Ed25519, signs certificates. */
  readonly authority: Uint8Array;
  /** 32 bytes: X-Wing, opens escrows. */
  readonly recovery: Uint8Array;
}

export interface AuthorityKeys {
  readonly authority: SigningKeyPair;
  readonly recovery: SealingKeyPair;
}

export interface AuthorityPlace {
  /** `--home` of the administrator. */
  readonly home: string;
  readonly server: ServerId;
}

const seed = z.instanceof(Uint8Array).refine((bytes) => bytes.byteLength === 32);

const AuthorityFile = z.union([
  z.strictObject({ v: z.literal(1), authority: seed, recovery: seed }),
  z.strictObject({ v: z.literal(1), sealed: z.instanceof(Uint8Array) }),
]);

/** Far above either form of the file. */
const maxFileBytes = 16 * 1024;

function authorityFile({ home, server }: AuthorityPlace): string {
  return join(home, 'authority', `${idKey(server)}.key`);
}

export function newAuthoritySeeds(random: Random): AuthoritySeeds {
  return { authority: random.bytes(32), recovery: random.bytes(32) };
}

export function authorityKeys(seeds: AuthoritySeeds): AuthorityKeys {
  return { authority: ed25519KeyPair(seeds.authority), recovery: xwingKeyPair(seeds.recovery) };
}

/** Writes the seeds with mode 0600, sealed under the passphrase when there is one. */
export async function writeAuthority(
  place: AuthorityPlace,
  options: { readonly seeds: AuthoritySeeds; readonly passphrase: string | undefined; readonly random: Random },
): Promise<string> {
  const { seeds, passphrase, random } = options;
  const plain = { v: 1, ...seeds };
  const stored =
    passphrase === undefined
      ? plain
      : { v: 1, sealed: await sealKeystore({ secret: { password: passphrase }, plain: encodeCbor(plain), random }) };
  await mkdir(join(place.home, 'authority'), { recursive: true, mode: 0o700 });
  const path = authorityFile(place);
  await writeFileAtomic(path, { data: encodeCbor(stored), mode: 0o600 });
  return path;
}

/**
 * The authority's keys, or `undefined` when they are not on this machine: then accounts stay uncertified.
 * @throws CONFIG when the file can be read by others or is damaged; NOT_LOGGED_IN when it is sealed and there is no passphrase;
 * INTEGRITY when the passphrase is wrong
 */
export async function openAuthority(
  place: AuthorityPlace,
  passphrase: () => Promise<string | undefined>,
): Promise<AuthorityKeys | undefined> {
  const path = authorityFile(place);
  const bytes = await readIfPresent(path);
  if (bytes === undefined) return undefined;
  if (((await stat(path)).mode & 0o077) !== 0) {
    throw new CofferError('CONFIG', `${path} can be read by other users`, { hint: `Run: chmod 600 ${path}` });
  }
  const file = parseAuthority(bytes, path);
  if (!('sealed' in file)) return authorityKeys(file);
  const given = await passphrase();
  if (given === undefined) {
    throw new CofferError('NOT_LOGGED_IN', 'the authority key is sealed and its passphrase is not known', {
      hint: 'Give it with COFFER_AUTHORITY_PASSPHRASE_FILE.',
    });
  }
  const opened = parseAuthority(await openKeystore({ secret: { password: given }, keystore: file.sealed }), path);
  if ('sealed' in opened) throw damaged(path);
  return authorityKeys(opened);
}

function parseAuthority(bytes: Uint8Array, path: string): z.infer<typeof AuthorityFile> {
  if (bytes.byteLength > maxFileBytes) throw damaged(path);
  try {
    return AuthorityFile.parse(decodeCbor(bytes));
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function damaged(path: string, cause?: unknown): CofferError {
  return new CofferError('CONFIG', `${path} is no authority key`, { hint: 'Restore it from your backup.', cause });
}

/** The passphrase of the authority key: from a file, or from the person at the terminal. @throws NOT_FOUND */
export async function askAuthorityPassphrase(context: CommandContext): Promise<string | undefined> {
  const given = await authorityPassphrase(context.env);
  if (given !== undefined || !context.streams.stdin.isTTY) return given;
  return readPassword(context, { prompt: 'Passphrase of the authority key: ', fromStdin: false });
}

/** The passphrase in the file that `COFFER_AUTHORITY_PASSPHRASE_FILE` names. @throws NOT_FOUND */
export async function authorityPassphrase(
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const path = env['COFFER_AUTHORITY_PASSPHRASE_FILE'];
  if (path === undefined || path === '') return undefined;
  try {
    return (await readFile(path, 'utf8')).split(/\r?\n/, 1)[0];
  } catch (cause) {
    throw new CofferError('NOT_FOUND', 'the file that COFFER_AUTHORITY_PASSPHRASE_FILE names cannot be read', {
      cause,
    });
  }
}
