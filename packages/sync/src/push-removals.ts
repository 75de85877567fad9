import { mergeChildren } from './merge-children.ts';
import type { PlanContext, Triple } from './merge-children.ts';
import type { RemoveStep } from './plan.ts';
import { entryOf, sameVersion } from './remote-tree.ts';
import type { RemoteNode } from './remote-tree.ts';
import type { VanishedItems } from './vanished-items.ts';

interface Verdict {
  /** Nothing of it has to stay. */
  readonly whole: boolean;
  readonly files: number;
  readonly steps: readonly RemoveStep[];
}

/** Decides, once all renames are known, what goes from the vault. */
export class PushRemovals {
  readonly #context: PlanContext;
  readonly #vanished: VanishedItems;
  readonly #candidates: { readonly triple: Triple; readonly isAside: boolean }[] = [];

  constructor(context: PlanContext, vanished: VanishedItems) {
    this.#context = context;
    this.#vanished = vanished;
  }

  /** Something that only the vault has. */
  consider(triple: Triple): void {
    if (this.#context.rules.delete) this.#candidates.push({ triple, isAside: false });
  }

  /**
   * Something that goes under a conflict name; `known` when base has it, so that it is the old version of what takes its name.
   * A conflict is counted already, so in a push nothing of it survives: the next run would not know why it did. In a two-way
   * job it does.
   */
  considerAside(
    triple: Triple,
    { known, isDirectory }: { readonly known: boolean; readonly isDirectory: boolean },
  ): void {
    const goes = this.#isTwoWay ? known : (known && !isDirectory) || this.#context.rules.delete;
    if (goes) this.#candidates.push({ triple, isAside: !this.#isTwoWay });
    else this.#context.draft.leaveOut();
  }

  get #isTwoWay(): boolean {
    return this.#context.rules.twoWay !== undefined;
  }

  plan(): void {
    for (const { triple, isAside } of this.#candidates) {
      for (const step of this.#judge(triple, isAside).steps) this.#context.draft.remove(step);
    }
  }

  #judge(triple: Triple, isAside: boolean): Verdict {
    const { base, remote } = triple;
    if (remote === undefined || this.#vanished.isClaimed(remote)) return nothing;
    if (remote.kind === 'directory') return this.#judgeDirectory(triple, remote, isAside);
    if (this.#isTwoWay && base === undefined) return this.#stays([]);
    if (isAside || base === undefined || sameVersion(base.remote, remote.stamp)) return whole(triple, 1);
    // Change against delete: the change survives (SYNC §Conflicts).
    this.#context.draft.counts.conflicts += 1;
    return this.#stays([]);
  }

  #judgeDirectory(triple: Triple, remote: RemoteNode, isAside: boolean): Verdict {
    const { parent, name, base } = triple;
    const place = { parent, name, local: undefined, entry: entryOf(remote.stamp), base: base?.directory };
    const { triples, blocked } = mergeChildren(this.#context, place);
    const verdicts = triples.map((child) => this.#judgeChild(child, isAside));
    const goes = !blocked && verdicts.every((verdict) => verdict.whole) && !(this.#isTwoWay && base === undefined);
    if (goes && this.#isTwoWay) return oneByOne(triple, verdicts);
    if (goes) {
      return whole(
        triple,
        verdicts.reduce((sum, verdict) => sum + verdict.files, 0),
      );
    }
    return this.#stays(verdicts.flatMap((verdict) => verdict.steps));
  }

  #judgeChild(child: Triple, isAside: boolean): Verdict {
    if (child.remote?.kind === 'file') this.#context.draft.counts.filesThere += 1;
    return this.#judge(child, isAside);
  }

  #stays(steps: readonly RemoveStep[]): Verdict {
    this.#context.draft.leaveOut();
    return { whole: false, files: 0, steps };
  }
}

/** From the bottom up, so that a directory only goes when nobody put anything into it meanwhile. */
function oneByOne(triple: Triple, below: readonly Verdict[]): Verdict {
  return { whole: true, files: 0, steps: [...below.flatMap(({ steps }) => steps), ...whole(triple, 0).steps] };
}

const nothing: Verdict = { whole: true, files: 0, steps: [] };

function whole({ parent, name, base, baseParent, remote }: Triple, files: number): Verdict {
  const fromBase =
    base === undefined || baseParent === undefined ? undefined : { directory: baseParent, name: base.name };
  const reason = base === undefined ? 'notHere' : 'goneHere';
  const step: RemoveStep = {
    action: 'remove',
    parent,
    name,
    reason,
    from: undefined,
    local: undefined,
    remote: remote?.stamp,
    fromBase,
    files,
  };
  return { whole: true, files, steps: [step] };
}
