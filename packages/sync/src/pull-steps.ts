import type { Displaced } from './displaced-items.ts';
import type { LocalNode } from './local-tree.ts';
import type { Triple } from './merge-children.ts';
import type { PlanDraft } from './plan-draft.ts';
import type { MoveStep, Reason } from './plan.ts';
import type { Place } from './place.ts';
import { sizeOf } from './remote-tree.ts';
import type { RemoteNode } from './remote-tree.ts';
import type { Stamp } from './stamp.ts';

type Named = Pick<Triple, 'parent' | 'name'>;

/** Writes the steps of a plan for pull, one call each; what has to be done was decided before. */
export class PullSteps {
  readonly #draft: PlanDraft;

  constructor(draft: PlanDraft) {
    this.#draft = draft;
  }

  /** `local` is what is there and may be replaced. */
  fetch(
    { parent, name }: Named,
    remote: RemoteNode,
    { local, reason, keepBoth = false }: { local: Stamp | undefined; reason: Reason; keepBoth?: boolean },
  ): void {
    const step = { action: 'fetch', parent, name, reason, remote: remote.stamp, local, keepBoth } as const;
    this.#draft.transfer(step, sizeOf(remote.stamp));
  }

  link(
    { parent, name }: Named,
    remote: RemoteNode,
    { local, reason }: { local: Stamp | undefined; reason: Reason },
  ): void {
    const sides = { local, remote: remote.stamp, from: undefined };
    this.#draft.contents.push({ action: 'link', parent, name, reason, ...sides });
  }

  makeDirectory(place: Place, remote: RemoteNode, reason: Reason): void {
    const { parent, name } = place;
    if (parent === undefined) throw new TypeError('the root is not made by a plan');
    const sides = { local: undefined, remote: remote.stamp };
    this.#draft.structure.push({ action: 'make-directory', parent, name, reason, place, ...sides });
  }

  attributes(
    { parent, name }: Named,
    {
      local,
      remote,
      place,
      remember = true,
    }: { local: LocalNode; remote: RemoteNode; place?: Place; remember?: boolean },
  ): void {
    const sides = { local: local.stamp, remote: remote.stamp, place, remember };
    const steps = place === undefined ? this.#draft.contents : this.#draft.directories;
    steps.push({ action: 'attributes', parent, name, reason: 'attributes', ...sides });
  }

  /** Both sides agree: only the base learns it. */
  remember(
    { parent, name }: Named,
    { local, remote, place }: { local: Stamp; remote: RemoteNode; place?: Place },
  ): void {
    const sides = { local, remote: remote.stamp, place };
    this.#draft.bookkeeping.push({ action: 'remember', parent, name, reason: 'attributes', ...sides });
  }

  /** The triple is the one of the new place, with what was found as its local side. */
  move(
    { parent, name, local, base, baseParent }: Triple,
    {
      remote,
      place,
      found,
      remember,
      agreed,
    }: {
      remote: RemoteNode;
      place: Place | undefined;
      found: Displaced;
      remember: boolean;
      agreed?: MoveStep['agreed'];
    },
  ): void {
    if (local === undefined || base === undefined) throw new TypeError('nothing to move');
    const fromBase = baseParent === undefined ? undefined : { directory: baseParent, name: base.name };
    this.#draft.structure.push({
      action: 'move',
      parent,
      name,
      reason: 'renamed',
      place,
      from: found.place,
      leaves: found.triple.parent,
      fromBase,
      local: local.stamp,
      remote: remote.stamp,
      remember,
      ...(agreed !== undefined && { agreed }),
    });
  }
}
