import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CofferError, timestampFromMs } from '@coffer/core';
import type { Clock, Random, ServerId } from '@coffer/core';
import { authorityFingerprint, makeCertificate } from '@coffer/journal';
import { OpaqueServer, writeOpaqueSetup } from '@coffer/server';
import { Accounts, Storage } from '@coffer/storage';
import { addAccount } from './add-account.ts';
import type { NewAccount } from './add-account.ts';
import { authorityKeys, newAuthoritySeeds, writeAuthority } from './authority.ts';
import type { AuthorityKeys } from './authority.ts';
import { issueCertificates } from './certificates.ts';
import { writeFileAtomic } from './files.ts';
import { sealOpaqueSetup } from './opaque-copy.ts';

export interface InitOptions {
  readonly storage: string;
  readonly certs: string;
  /** `--home` of the administrator: the authority's keys go there. */
  readonly home: string;
  readonly hosts: readonly string[];
  readonly admin: NewAccount;
  /** Seals the authority's keys. */
  readonly passphrase: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

export interface InitializedServer {
  readonly server: ServerId;
  readonly authority: AuthorityKeys;
  /** Where the authority's keys lie: to be kept offline. */
  readonly authorityPath: string;
}

/**
 * Makes a server out of nothing: storage folder, OPAQUE setup, authority and recovery keys, certificates, first admin.
 * When something fails, what was made in the storage folder is removed again, so that the command can be repeated.
 * @throws EXISTS when the folder is a storage already
 */
export async function initServer(options: InitOptions): Promise<InitializedServer> {
  const { storage, clock, random } = options;
  if (existsSync(join(storage, 'server.id'))) {
    throw new CofferError('EXISTS', `${storage} holds a server already`, {
      hint: 'Add accounts with `coffer admin user add`, or choose another folder with --storage.',
    });
  }
  const isNew = !existsSync(storage);
  try {
    const { serverId: server } = await Storage.init({ path: storage, clock, random });
    const seeds = newAuthoritySeeds(random);
    const authority = authorityKeys(seeds);
    await makeOpaqueSetup({ storage, server, authority, random });
    await using accounts = await Accounts.open(storage, { clock });
    await keepAuthority(accounts, { authority, server, clock });
    await addAccount({ accounts, storage, server, authority, clock, random }, options.admin);
    const fingerprint = authorityFingerprint(authority.authority.publicKey);
    await issueCertificates({ folder: options.certs, hosts: options.hosts, authority: fingerprint, clock });
    const place = { home: options.home, server };
    const authorityPath = await writeAuthority(place, { seeds, passphrase: options.passphrase, random });
    return { server, authority, authorityPath };
  } catch (error) {
    await removeHalfDone(storage, isNew);
    throw error;
  }
}

/** The setup in clear for the daemon, and a copy that only the recovery key opens, for backups (CRYPTO §Login). */
async function makeOpaqueSetup(input: {
  readonly storage: string;
  readonly server: ServerId;
  readonly authority: AuthorityKeys;
  readonly random: Random;
}): Promise<void> {
  const setup = await OpaqueServer.createSetup();
  await writeOpaqueSetup(input.storage, setup);
  const { server, random } = input;
  const sealed = sealOpaqueSetup({ setup, server, recoveryKey: input.authority.recovery.publicKey, random });
  await writeFileAtomic(join(input.storage, 'opaque-setup.sealed'), { data: sealed, mode: 0o600 });
}

/** What the server may know of the authority: the recovery key, signed by it. Clients check it against their pin. */
async function keepAuthority(
  accounts: Accounts,
  input: { readonly authority: AuthorityKeys; readonly server: ServerId; readonly clock: Clock },
): Promise<void> {
  const { authority, recovery } = input.authority;
  const certificate = makeCertificate(
    {
      v: 1,
      type: 'recovery',
      authority: authority.publicKey,
      server: input.server,
      at: timestampFromMs(input.clock.nowMs()),
      sealKey: recovery.publicKey,
    },
    authority.sign,
  );
  await accounts.setSetting('recoveryCertificate', certificate);
}

const ownFiles = [
  'accounts.db',
  'accounts.db-wal',
  'accounts.db-shm',
  'accounts.mark',
  'index.db',
  'index.db-wal',
  'index.db-shm',
  'server.id',
  'generation',
  'opaque-setup',
  'opaque-setup.sealed',
  'lock',
];

async function removeHalfDone(storage: string, isNew: boolean): Promise<void> {
  if (isNew) await rm(storage, { recursive: true, force: true });
  else for (const name of ownFiles) await rm(join(storage, name), { force: true });
}
