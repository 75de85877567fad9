import type { ByteName } from './byte-name.ts';
import type { RemoteStamp } from './remote-tree.ts';
import type { Stamp } from './stamp.ts';

/** What both sides agreed on about one name when the job last ran. */
export interface BaseNode {
  readonly name: ByteName;
  /** Number under which the children of a directory are kept; undefined for everything else. */
  readonly directory: number | undefined;
  readonly local: Stamp;
  readonly remote: RemoteStamp;
}

/** What the planner needs of the base. */
export interface BaseReader {
  /** True when anything below the root is known. */
  readonly hasItems: boolean;
  root(): BaseNode | undefined;
  children(directory: number): readonly BaseNode[];
}

/** Where an item of the base is kept. */
export interface BasePlace {
  readonly directory: number;
  readonly name: ByteName;
}

export interface BaseItem {
  /** Number of a directory, from {@link BaseWriter.newDirectory} or from before; undefined for everything else. */
  readonly directory: number | undefined;
  readonly local: Stamp;
  readonly remote: RemoteStamp;
}

/** What an executor tells the base. Nothing is stored before {@link BaseWriter.save}. */
export interface BaseWriter {
  /** A number for the children of a directory that is not remembered yet. */
  newDirectory(): number;
  /** Stores one item, replacing what was there. */
  remember(at: BasePlace, item: BaseItem): void;
  /** Drops an item and everything below it. */
  forget(at: BasePlace): void;
  /** Drops an item alone: what is below it may go on elsewhere by its number, or goes with {@link BaseWriter.sweep}. */
  drop(at: BasePlace): void;
  /** Drops everything that is below nothing. */
  sweep(): void;
  /** Makes everything since the last save survive a crash of this process, as one. */
  save(): void;
}

/** Parent number of the root, which itself has the empty name. */
export const aboveRoot = 0;

/** For runs that keep nothing: `put`, `get`, `restore`. */
export const noBase: BaseReader & BaseWriter = {
  hasItems: false,
  root: () => undefined,
  children: () => [],
  newDirectory: () => 0,
  remember: () => undefined,
  forget: () => undefined,
  drop: () => undefined,
  sweep: () => undefined,
  save: () => undefined,
};
