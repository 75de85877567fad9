import { lstatSync } from 'node:fs';
import type { CofferError } from '@coffer/core';
import { toFsPath } from '../byte-name.ts';
import type { ByteName } from '../byte-name.ts';
import { createIgnoreRules, ignoreFileName, readIgnoreFile } from '../ignore-rules.ts';
import { FolderWatch } from './folder-watch.ts';
import type { FolderWatchDeps } from './folder-watch.ts';
import { TouchedPaths } from './touched-paths.ts';
import type { SettleTimes } from './touched-paths.ts';

export interface FolderHintsDeps {
  /** Real path of the folder. */
  readonly root: ByteName;
  /** Patterns that hold beside those of `.cofferignore`. */
  readonly exclude: readonly string[];
  readonly nowMs: () => number;
  readonly times?: SettleTimes;
  readonly watch?: FolderWatchDeps['watch'];
}

export interface FolderHintsHandlers {
  /** Something happened; what is due may have changed. Called often. */
  readonly onHint: () => void;
  /** The system does not watch the folder (any more). */
  readonly onGivenUp: (error: CofferError) => void;
}

/** What happens in the folder, collected until it has settled. Watches again when the folder is another one. */
export class FolderHints implements Disposable {
  readonly touched: TouchedPaths;
  readonly #deps: FolderHintsDeps;
  readonly #handlers: FolderHintsHandlers;
  #watch: FolderWatch | undefined;
  #identity: string | undefined;
  #isRulesChanged = false;
  #ruleLines: readonly string[] = [];

  constructor(deps: FolderHintsDeps, handlers: FolderHintsHandlers) {
    this.#deps = deps;
    this.#handlers = handlers;
    const isThere = (path: ByteName): boolean => identityOf(`${deps.root}/${path}`) !== undefined;
    this.touched = new TouchedPaths({ nowMs: deps.nowMs, isThere, ...(deps.times && { times: deps.times }) });
  }

  /** Lines of `.cofferignore` as {@link readRules} found them. */
  get ruleLines(): readonly string[] {
    return this.#ruleLines;
  }

  /** Until when `.cofferignore` may be half written, so that what it hides would be taken for files to send; undefined when it has rested. */
  get rulesRestAtMs(): number | undefined {
    return this.touched.restsAtMs('', ignoreFileName);
  }

  /** @throws INVALID for a `.cofferignore` that cannot be used */
  readRules(): void {
    this.#ruleLines = readIgnoreFile(this.#deps.root);
  }

  /** The directory at the folder's path is not the one that is watched, or is watched by other rules. Costs a look at it. */
  isOtherRoot(): boolean {
    return this.#isRulesChanged || this.#identity === undefined || identityOf(this.#deps.root) !== this.#identity;
  }

  /** Watch again from the start when next asked. */
  forgetRoot(): void {
    this.#identity = undefined;
  }

  /** Nothing is watched when there is no folder. @throws INVALID for a `.cofferignore` that cannot be used; the signal's reason */
  async watch(signal?: AbortSignal): Promise<void> {
    const { root, exclude, watch } = this.#deps;
    this.#watch?.[Symbol.dispose]();
    this.touched.clear();
    this.#identity = undefined;
    const identity = identityOf(root);
    if (identity === undefined) return;
    this.readRules();
    const rules = createIgnoreRules([...this.#ruleLines, ...exclude]);
    const ignores = (directory: ByteName): boolean => rules.ignores(directory, true);
    this.#isRulesChanged = false;
    this.#watch = await FolderWatch.open({ root, ignores, ...(watch && { watch }) }, this.#folderHandlers(), signal);
    this.#identity = identity;
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }

  #folderHandlers() {
    const { onHint, onGivenUp } = this.#handlers;
    return {
      onTouched: (directory: ByteName, name: ByteName): void => {
        if (directory === '' && name === ignoreFileName) this.#isRulesChanged = true;
        this.touched.touch(directory, name);
        onHint();
      },
      onTree: (directory: ByteName): void => {
        this.touched.touchTree(directory);
        onHint();
      },
      onMissed: (): void => {
        this.touched.overfill();
        onHint();
      },
      onGivenUp,
    };
  }
}

/** Of what is at a path; undefined when nothing is. */
function identityOf(path: ByteName): string | undefined {
  try {
    const stats = lstatSync(toFsPath(path), { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
  } catch {
    return undefined;
  }
}
