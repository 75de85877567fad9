import type { DisplacedItems } from './displaced-items.ts';
import { mergeChildren } from './merge-children.ts';
import type { PlanContext, Triple } from './merge-children.ts';
import type { RemoveStep } from './plan.ts';
import type { LocalPlace } from './place.ts';

interface Verdict {
  /** Nothing of it has to stay. */
  readonly whole: boolean;
  /** Bottom up. */
  readonly steps: readonly RemoveStep[];
}

/** A directory that is being judged. */
interface OpenDirectory {
  readonly triple: Triple;
  readonly from: LocalPlace;
  /** Still to be judged, the last one first. */
  readonly children: Triple[];
  whole: boolean;
}

/** Decides, once all renames are known, what goes from the folder: only what base knows and nobody touched since. */
export class PullRemovals {
  readonly #context: PlanContext;
  readonly #displaced: DisplacedItems;
  readonly #candidates: { readonly triple: Triple; readonly from: LocalPlace; readonly allowed: boolean }[] = [];

  constructor(context: PlanContext, displaced: DisplacedItems) {
    this.#context = context;
    this.#displaced = displaced;
  }

  /** Something that base and folder have, and the vault no longer has. */
  consider(triple: Triple): void {
    if (triple.local === undefined) return;
    const from = { parent: triple.localParent, name: triple.local.name };
    this.#candidates.push({ triple, from, allowed: this.#context.rules.delete });
  }

  /** Something that goes under a conflict name; `known` when it is the old version of what takes its name. */
  considerAside(triple: Triple, { from, known }: { readonly from: LocalPlace; readonly known: boolean }): void {
    const isKnownDirectory = triple.base !== undefined && triple.local?.kind === 'directory';
    const allowed = known || (this.#context.rules.delete && isKnownDirectory);
    this.#candidates.push({ triple, from, allowed });
  }

  plan(): void {
    for (const { triple, from, allowed } of this.#candidates) {
      if (!allowed) this.#keep(triple);
      else for (const step of this.#judge(triple, from).steps) this.#context.draft.remove(step);
    }
  }

  #judge(triple: Triple, from: LocalPlace): Verdict {
    const { base, local } = triple;
    if (local === undefined || this.#displaced.isClaimed(base)) return { whole: true, steps: [] };
    if (base === undefined) return this.#stays([]);
    if (local.kind === 'directory') return this.#judgeDirectory(triple, from);
    if (base.local === local.stamp) return { whole: true, steps: [removal(triple, { from, files: 1 })] };
    // Change against delete: the change survives (SYNC §Conflicts).
    this.#context.draft.counts.conflicts += 1;
    return this.#stays([]);
  }

  /** Without recursion: a tree as deep as a path can be must not exhaust the stack. */
  #judgeDirectory(top: Triple, topFrom: LocalPlace): Verdict {
    const steps: RemoveStep[] = [];
    const above: OpenDirectory[] = [];
    for (let at = this.#open(top, topFrom); ;) {
      const child = at.children.pop();
      if (child !== undefined) {
        const from = { parent: at.from, name: child.name };
        if (child.local?.kind === 'file') this.#context.draft.counts.filesThere += 1;
        if (this.#isOpenable(child)) {
          above.push(at);
          at = this.#open(child, from);
        } else {
          const verdict = this.#judge(child, from);
          steps.push(...verdict.steps);
          at.whole &&= verdict.whole;
        }
        continue;
      }
      if (at.whole) steps.push(removal(at.triple, { from: at.from, files: 0 }));
      else this.#context.draft.leaveOut();
      const parent = above.pop();
      if (parent === undefined) return { whole: at.whole, steps };
      parent.whole &&= at.whole;
      at = parent;
    }
  }

  #isOpenable({ base, local }: Triple): boolean {
    return local?.kind === 'directory' && base !== undefined && !this.#displaced.isClaimed(base);
  }

  #open(triple: Triple, from: LocalPlace): OpenDirectory {
    const { parent, name, base } = triple;
    const place = { parent, name, local: from, entry: undefined, base: base?.directory };
    const { triples, blocked } = mergeChildren(this.#context, place);
    return { triple, from, children: triples.toReversed(), whole: !blocked };
  }

  /** Base keeps an item that the vault no longer has, so the next run must look at the vault. */
  #stays(steps: readonly RemoveStep[]): Verdict {
    this.#context.draft.leaveOut();
    return { whole: false, steps };
  }

  #keep({ base }: Triple): void {
    if (!this.#displaced.isClaimed(base)) this.#context.draft.leaveOut();
  }
}

function removal(
  { parent, name, base, baseParent, local }: Triple,
  { from, files }: { from: LocalPlace; files: number },
): RemoveStep {
  const fromBase =
    base === undefined || baseParent === undefined ? undefined : { directory: baseParent, name: base.name };
  return {
    action: 'remove',
    parent,
    name,
    reason: 'goneThere',
    from,
    local: local?.stamp,
    remote: undefined,
    fromBase,
    files,
  };
}
