import type { Entry, EntryName, IncomingShare, Place, Vault } from '@coffer/client';
import { FileActions } from './file-actions.ts';
import { LiveVault } from './live-vault.ts';
import type { Services } from './services.ts';
import { SpareDownloader } from './spare-downloader.ts';
import { UndoStack } from './undo-stack.ts';

/** A vault that Files browses: the home vault, or one that is shared. */
export interface Volume {
  /** The folder that is its top. */
  readonly top: () => Entry;
  /** A path inside the vault as the account sees it. */
  readonly shown: (names: readonly EntryName[]) => readonly EntryName[];
  /** Whether anything may be changed in it: true, or the reason why not. */
  readonly canChange: true | string;
  readonly isHome: boolean;
}

export function homeVolume({ tree }: Vault): Volume {
  return { top: () => tree.root(), shown: (names) => names, canChange: true, isHome: true };
}

/** What somebody shares, or a folder of the account's own that is a vault of its own because it is shared. */
export function sharedVolume({ vault, above, share }: Shared): Volume {
  return {
    top: () => {
      const root = vault.tree.root();
      const [shared] = vault.tree.children(root.entry);
      // A file that is shared stands alone in the root.
      return shared?.kind === 'directory' ? shared : root;
    },
    shown: (names) => [...above, ...names.slice(1)],
    canChange: share === undefined ? true : mayChange(share),
    isHome: false,
  };
}

export interface Shared {
  readonly vault: Vault;
  /** Its path as the account sees it. */
  readonly above: readonly EntryName[];
  /** Undefined for what the account itself shares. */
  readonly share: Place['share'];
}

/** The services of a screen, over another vault. The owner disposes what is live in them. */
export function servicesOver(
  services: Services,
  {
    vault,
    owner,
    onProblem,
  }: {
    readonly vault: Vault;
    readonly owner: AsyncDisposableStack;
    readonly onProblem: (error: unknown) => void;
  },
): Services {
  const { clock } = services;
  const live = owner.use(new LiveVault({ vault, clock, onProblem }));
  return {
    ...services,
    vault,
    live,
    actions: new FileActions({ vault, clock, onChanged: () => live.touch() }),
    spareDownloader: owner.use(new SpareDownloader({ vault, clock })),
    undo: new UndoStack(),
  };
}

function mayChange({ role, owner, ownerName }: IncomingShare): true | string {
  if (role === 'read') return `${ownerName} lets you read it only`;
  if (owner.trust === 'certified' || owner.trust === 'verified') return true;
  return `nobody made sure of the keys of ${ownerName} yet: w in Sharing compares words`;
}
