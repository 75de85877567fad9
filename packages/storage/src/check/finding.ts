import type { AccountId, EntryId, VaultId } from '@coffer/core';
import { idKey } from '@coffer/core';
import type { PackId } from '../packs/packs.ts';

/** Something that is not as it should be. Nothing was changed because of it. */
export interface Finding {
  readonly kind: FindingKind;
  /** One sentence for an administrator; no names of files or people. */
  readonly message: string;
  readonly account?: AccountId;
  readonly pack?: PackId;
  readonly offset?: number;
  readonly vault?: VaultId;
  readonly seq?: number;
  readonly entry?: EntryId;
}

/**
 * `database`: SQLite found damage, or a row does not match its checksum. `pack`: a pack is missing, short, or has no
 * header. `record`: a record is damaged or not where the index says. `journal`: a chain of commits or statements is
 * broken. `version`: a version of a file cannot be read whole. `count`: a counter of the index is wrong.
 */
export type FindingKind = 'database' | 'pack' | 'record' | 'journal' | 'version' | 'count';

/** The same with ids as text, for people and for JSON. */
export interface FindingText {
  readonly kind: FindingKind;
  readonly message: string;
  readonly account?: string;
  readonly pack?: string;
  readonly offset?: number;
  readonly vault?: string;
  readonly seq?: number;
  readonly entry?: string;
}

export function findingText(finding: Finding): FindingText {
  const { kind, message, pack, offset, seq } = finding;
  const ids = [
    ['account', finding.account],
    ['vault', finding.vault],
    ['entry', finding.entry],
  ] as const;
  const named = ids.flatMap(([name, id]) => (id === undefined ? [] : [[name, idKey(id)] as const]));
  return {
    kind,
    message,
    ...Object.fromEntries(named),
    ...(pack === undefined ? {} : { pack }),
    ...(offset === undefined ? {} : { offset }),
    ...(seq === undefined ? {} : { seq }),
  };
}
