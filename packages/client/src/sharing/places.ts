import { CofferError, equalBytes } from '@coffer/core';
import type { AccountId, VaultId } from '@coffer/core';
import { reservedRootName } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';
import type { Entry } from '../entry.ts';
import type { ExpectedVault } from '../state/vault-journal.ts';
import type { TreeReader } from '../tree-reader.ts';
import { displayName, formatPath, splitPath } from '../vault-path.ts';
import type { Vault } from '../vault.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';
import { requireTrusted, sharedEntry } from './shared-vaults.ts';
import type { IncomingShare, SharedVaults } from './shared-vaults.ts';

/** Where a path of the account leads: into the home vault, or into one that is shared. */
export interface Place {
  readonly vault: Vault;
  /** The path inside that vault; it need not exist. */
  readonly names: readonly EntryName[];
  /** The same as text. */
  readonly path: string;
  /** The path as the account sees it, of a path inside that vault. */
  readonly shown: (inside: readonly EntryName[]) => readonly EntryName[];
  /** Undefined in the home vault, and in what the account itself shares. */
  readonly share: IncomingShare | undefined;
}

/** `/Shared` or `/Shared/<owner>`: made of what is shared, and nothing can be put there. */
export interface SharedFolder {
  readonly shares: readonly IncomingShare[];
  /** Undefined for `/Shared` itself. */
  readonly owner: string | undefined;
}

export interface PlacesDeps {
  readonly account: AccountId;
  readonly home: (signal?: AbortSignal) => Promise<JournalVault>;
  readonly open: (vault: VaultId, expected: ExpectedVault) => JournalVault;
  readonly shared: SharedVaults;
}

export interface ResolveOptions {
  /** A mount at the end of the path is the shared entry itself (default), or the mount in the home vault. */
  readonly follow?: boolean;
  /** For a command that changes something: a share that must not be written to is refused. */
  readonly write?: boolean;
  /** False leaves the vaults as this device has them. Default true. */
  readonly pull?: boolean;
  /** As it was at that moment: what was not shared yet is in the home vault. Only for what reads. */
  readonly atMs?: number | undefined;
}

/** Resolves paths over mounts and `/Shared` (JOURNAL §Members and sharing). */
export class Places {
  readonly #deps: PlacesDeps;

  constructor(deps: PlacesDeps) {
    this.#deps = deps;
  }

  /** @throws NOT_FOUND in `/Shared`; NOT_ALLOWED; INVALID for `/Shared` and `/Shared/<owner>`, which hold no files of their own; INTEGRITY, UNREACHABLE */
  async resolve(path: string, options: ResolveOptions = {}, signal?: AbortSignal): Promise<Place> {
    const names = splitPath(path);
    if (names[0] === reservedRootName) return this.#inShared(names, options, signal);
    const home = await this.#deps.home(signal);
    if (options.pull !== false) await home.pull(signal);
    const mount = firstMount(options.atMs === undefined ? home.tree : home.tree.at(options.atMs), names);
    const isLast = mount?.depth === names.length;
    if (mount === undefined || (isLast && options.follow === false)) return homePlace(home, names);
    return this.#mounted(mount, names, options, signal);
  }

  /** What `/Shared` or `/Shared/<owner>` holds; undefined for any other path. @throws NOT_FOUND for an owner who shares nothing */
  async sharedFolder(path: string, signal?: AbortSignal): Promise<SharedFolder | undefined> {
    const [first, owner, ...more] = splitPath(path);
    if (first !== reservedRootName || more.length > 0) return undefined;
    if (owner === undefined) return { shares: await this.#deps.shared.list(signal), owner };
    const { shares } = await this.#deps.shared.of(owner, signal);
    if (shares.length === 0) throw nothingShared(path);
    return { shares, owner };
  }

  /** Mounts at or below an entry of the home vault, with the vault that each leads to. @throws INTEGRITY, UNREACHABLE */
  async mountsBelow(
    names: readonly EntryName[],
    signal?: AbortSignal,
  ): Promise<readonly { readonly names: readonly EntryName[]; readonly place: Place }[]> {
    const home = await this.#deps.home(signal);
    const found: { names: readonly EntryName[]; place: Place }[] = [];
    for (const mount of home.mounts()) {
      const path = home.tree.path(mount.entry) ?? [];
      const isBelow = path.length > names.length && names.every((name, index) => isSame(name, path[index]));
      if (!isBelow) continue;
      found.push({ names: path, place: await this.#mounted({ mount, depth: path.length }, path, {}, signal) });
    }
    return found;
  }

  async #inShared(names: readonly string[], options: ResolveOptions, signal: AbortSignal | undefined): Promise<Place> {
    const [, owner, name, ...rest] = names;
    if (owner === undefined || name === undefined) {
      throw new CofferError('INVALID', `${formatPath(names)} holds only what others share with you`, {
        hint: 'See what there is with: coffer ls /Shared',
      });
    }
    const { shares, broken } = await this.#deps.shared.of(owner, signal);
    const share = shares.find((one) => displayName(one.name) === name);
    if (share === undefined) throw broken ?? nothingShared(formatPath(names.slice(0, 3)));
    if (options.write === true) checkWritable(share);
    const { vault, entry } = share;
    return place(vault, { entry, above: names.slice(0, 3), rest, share });
  }

  async #mounted(
    { mount, depth }: { readonly mount: Entry; readonly depth: number },
    names: readonly EntryName[],
    { pull }: ResolveOptions,
    signal: AbortSignal | undefined,
  ): Promise<Place> {
    const vault = this.#deps.open(mount.target as VaultId, { kind: 'share', owner: this.#deps.account });
    if (pull !== false || vault.head.seq === 0) await vault.pull(signal);
    const entry = sharedEntry(vault);
    const above = names.slice(0, depth);
    if (entry === undefined) throw new CofferError('NOT_FOUND', `${formatPath(above)} was removed inside its share`);
    if (!equalBytes(entry.entry, mount.entry)) {
      throw new CofferError('INTEGRITY', `${formatPath(above)} shows another entry than the one that was shared`, {
        hint: 'The server does not tell the truth, or a program that wrote this is broken.',
      });
    }
    return place(vault, { entry, above, rest: names.slice(depth), share: undefined });
  }
}

function homePlace(vault: JournalVault, names: readonly EntryName[]): Place {
  return { vault, names, path: formatPath(names), shown: (inside) => inside, share: undefined };
}

function place(
  vault: JournalVault,
  parts: {
    readonly entry: Entry;
    readonly above: readonly EntryName[];
    readonly rest: readonly EntryName[];
    readonly share: IncomingShare | undefined;
  },
): Place {
  const { entry, above, rest, share } = parts;
  const names = [entry.name, ...rest];
  return { vault, names, path: formatPath(names), shown: (inside) => [...above, ...inside.slice(1)], share };
}

/** The first mount on the way, and how many names lead to it. */
function firstMount(
  tree: TreeReader,
  names: readonly string[],
): { readonly mount: Entry; readonly depth: number } | undefined {
  for (let depth = 1; depth <= names.length; depth += 1) {
    const entry = tree.lookup(`/${names.slice(0, depth).join('/')}`);
    if (entry === undefined) return undefined;
    if (entry.kind === 'mount') return { mount: entry, depth };
  }
  return undefined;
}

/** @throws NOT_ALLOWED */
function checkWritable(share: IncomingShare): void {
  if (share.role === 'read') {
    throw new CofferError('NOT_ALLOWED', `what ${share.ownerName} shares here may only be read`, {
      hint: `Ask ${share.ownerName} for the right to write: coffer share PATH YOU --write`,
    });
  }
  requireTrusted(share);
}

function nothingShared(path: string): CofferError {
  return new CofferError('NOT_FOUND', `there is no ${path}`, {
    hint: 'See what is shared with you: coffer ls -R /Shared',
  });
}

function isSame(a: EntryName, b: EntryName | undefined): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
}
