import { isCofferError } from '@coffer/core';
import { laidAttributesDiffer, linkTimesDiffer, looksSame, sameTarget } from './compare.ts';
import { DisplacedItems } from './displaced-items.ts';
import type { Displaced } from './displaced-items.ts';
import type { LocalNode } from './local-tree.ts';
import { isTaken, mergeChildren } from './merge-children.ts';
import type { PlanContext, Triple } from './merge-children.ts';
import type { Reason } from './plan.ts';
import { isInMoved, localPath } from './place.ts';
import type { LocalPlace, Place } from './place.ts';
import { PullRemovals } from './pull-removals.ts';
import { PullSteps } from './pull-steps.ts';
import { entryOf, isOtherEntry, sameVersion } from './remote-tree.ts';
import type { RemoteNode } from './remote-tree.ts';
import { isInScope } from './scope.ts';
import { elsewhere, sameSizeAndTime } from './stamp.ts';
import type { Stamp } from './stamp.ts';
import { attributesAreForPull, isChanged, isForPush, mustCompare } from './two-way.ts';

/**
 * Plans so that the folder becomes the vault. A local file that is not what base says is never lost: it is compared with what
 * comes, and kept under a conflict name when it differs.
 */
export class PullPlanner {
  readonly #context: PlanContext;
  readonly #steps: PullSteps;
  readonly #directories: Place[] = [];
  readonly #newDirectories: Triple[] = [];
  readonly #newFiles: Triple[] = [];
  readonly #displaced: DisplacedItems;
  readonly #removals: PullRemovals;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#steps = new PullSteps(context.draft);
    this.#displaced = new DisplacedItems(context);
    this.#removals = new PullRemovals(context, this.#displaced);
  }

  /** Begins with one name: the root of a job. */
  start(triple: Triple): void {
    this.#visit(triple);
  }

  /** Begins below a directory that both sides have and whose own attributes do not matter. */
  startBelow(place: Place): void {
    this.#directories.push(place);
  }

  /** Plans one more directory. False when nothing is left and {@link finish} may be called. */
  step(): boolean {
    const place = this.#directories.pop();
    if (place !== undefined) {
      const { triples } = mergeChildren(this.#context, place, { skipUnchanged: this.#displaced.isEmpty });
      for (const triple of triples) this.#visit(triple);
      return true;
    }
    if (this.#displaced.expand()) return true;
    const waiting = this.#newDirectories.shift();
    if (waiting === undefined) return false;
    this.#directoryFoundOrNew(waiting);
    return true;
  }

  finish(): readonly [] {
    for (const triple of this.#newFiles) this.#fileFoundOrNew(triple);
    this.#removals.plan();
    return [];
  }

  #visit(triple: Triple): void {
    if (triple.local?.kind === 'file') this.#context.draft.counts.filesThere += 1;
    const unclaimed = this.#displaced.meet(triple);
    if (isForPush(this.#context, unclaimed)) return;
    switch (unclaimed.remote?.kind) {
      case 'file':
        return this.#file(unclaimed, unclaimed.remote);
      case 'symlink':
        return this.#link(unclaimed, unclaimed.remote);
      case 'directory':
        return this.#directory(unclaimed, unclaimed.remote);
      case 'mount':
      case undefined:
        return this.#absent(unclaimed);
    }
  }

  #file(triple: Triple, remote: RemoteNode): void {
    const { base, local } = triple;
    if (local === undefined) return this.#newFile(triple, remote);
    if (local.kind !== 'file') return this.#replace(triple, local);
    if (base !== undefined && local.stamp === base.local)
      return this.#untouched(triple, { local, remote, seen: base.remote });
    this.#touched(triple, { local, remote });
  }

  #untouched(triple: Triple, { local, remote, seen }: { local: LocalNode; remote: RemoteNode; seen: string }): void {
    if (!sameVersion(remote.stamp, seen))
      return this.#steps.fetch(triple, remote, { local: local.stamp, reason: 'changed' });
    // The push of a two-way job has counted what it saw in this place.
    if (this.#context.rules.twoWay === undefined || isInMoved(triple.parent)) this.#context.draft.counts.unchanged += 1;
    if (remote.stamp === seen) return;
    if (laidAttributesDiffer(local.stamp, remote.stamp)) this.#steps.attributes(triple, { local, remote });
    else this.#steps.remember(triple, { local: local.stamp, remote });
  }

  /** The local file is not what base says, or base says nothing. */
  #touched(triple: Triple, { local, remote }: { local: LocalNode; remote: RemoteNode }): void {
    const { base } = triple;
    const seenVersion = base !== undefined && sameVersion(remote.stamp, base.remote);
    const onlyAttributes = seenVersion && sameSizeAndTime(local.stamp, base.local);
    const differs = !onlyAttributes && !looksSame(local.stamp, remote.stamp);
    if (differs || mustCompare(this.#context, base)) {
      const keepBoth = !this.#context.rules.overwrite;
      return this.#steps.fetch(triple, remote, {
        local: local.stamp,
        reason: base === undefined ? 'unknown' : 'changed',
        keepBoth,
      });
    }
    this.#context.draft.counts.unchanged += 1;
    // A base that exists is not told of the new stamp: a push must still look into this file.
    const remember = base === undefined;
    if (base !== undefined && base.remote !== remote.stamp) this.#context.draft.leaveOut();
    if (laidAttributesDiffer(local.stamp, remote.stamp)) this.#steps.attributes(triple, { local, remote, remember });
    else if (remember) this.#steps.remember(triple, { local: local.stamp, remote });
  }

  #newFile(triple: Triple, remote: RemoteNode): void {
    if (isElsewhere(triple, remote)) {
      this.#context.draft.counts.unchanged += remote.kind === 'file' ? 1 : 0;
      return;
    }
    if (triple.base === undefined && this.#displaced.possible) this.#newFiles.push(triple);
    else this.#receiveNew(triple, remote, triple.base === undefined ? 'new' : 'missing');
  }

  #receiveNew(triple: Triple, remote: RemoteNode, reason: Reason): void {
    if (remote.kind === 'symlink') this.#steps.link(triple, remote, { local: undefined, reason });
    else this.#steps.fetch(triple, remote, { local: undefined, reason });
  }

  #link(triple: Triple, remote: RemoteNode): void {
    const { base, local } = triple;
    if (local === undefined) return this.#newFile(triple, remote);
    if (local.kind !== 'symlink') return this.#replace(triple, local);
    const untouched = base !== undefined && local.stamp === base.local;
    if (untouched && remote.stamp === base.remote) return;
    if (!this.#sameLink(triple, remote)) {
      if (untouched || this.#context.rules.overwrite)
        this.#steps.link(triple, remote, { local: local.stamp, reason: 'changed' });
      else this.#replace(triple, local);
    } else if (linkTimesDiffer(local.stamp, remote.stamp)) this.#steps.attributes(triple, { local, remote });
    else this.#steps.remember(triple, { local: local.stamp, remote });
  }

  #sameLink(triple: Triple, remote: RemoteNode): boolean {
    try {
      const target = this.#context.local.target(localPath(placeOf(triple)));
      return sameTarget(target, this.#context.remote.get(entryOf(remote.stamp))?.target);
    } catch (error) {
      if (!isCofferError(error)) throw error;
      return false;
    }
  }

  #directory(triple: Triple, remote: RemoteNode): void {
    const { base, local } = triple;
    if (local === undefined) {
      if (isElsewhere(triple, remote)) return;
      if (base === undefined && this.#displaced.possible) this.#newDirectories.push(triple);
      else this.#makeDirectory(triple, remote, base === undefined ? 'new' : 'missing');
    } else if (local.kind !== 'directory') {
      this.#replace(triple, local);
    } else {
      const place = directoryPlace(triple, remote, placeOf(triple));
      this.#agreeOnDirectory(triple, { local, remote, place });
      if (isInScope(this.#context.scope, place)) this.#directories.push(place);
    }
  }

  #makeDirectory(triple: Triple, remote: RemoteNode, reason: Reason): void {
    const place = directoryPlace(triple, remote, undefined);
    this.#steps.makeDirectory(place, remote, reason);
    this.#directories.push(place);
  }

  #agreeOnDirectory(
    triple: Triple,
    { local, remote, place }: { local: LocalNode; remote: RemoteNode; place: Place },
  ): void {
    const { base } = triple;
    if (base !== undefined && local.stamp === base.local && remote.stamp === base.remote) return;
    if (!laidAttributesDiffer(local.stamp, remote.stamp))
      this.#steps.remember(triple, { local: local.stamp, remote, place });
    else if (isTheirs(this.#context, triple)) this.#steps.attributes(triple, { local, remote, place });
  }

  #absent(triple: Triple): void {
    const { parent, name, local, base, baseParent } = triple;
    if (base === undefined || baseParent === undefined) return;
    if (local !== undefined) {
      this.#displaced.add(triple, { local, base, place: placeOf(triple) });
      this.#removals.consider(triple);
      return;
    }
    const fromBase = { directory: baseParent, name };
    this.#context.draft.bookkeeping.push({ action: 'forget', parent, name, reason: 'goneThere', fromBase });
  }

  /** Another kind of file has its name: it goes aside, and away at the end when it is only what base says. */
  #replace(triple: Triple, local: LocalNode): void {
    const { parent, name, base } = triple;
    const from = placeOf(triple);
    const known = base !== undefined && (local.kind === 'directory' || base.local === local.stamp);
    const newName = this.#context.rules.conflictName(name, (other) => isTaken(this.#context, parent, other));
    this.#context.draft.structure.push({
      action: 'set-aside',
      parent,
      name,
      reason: 'otherKind',
      newName,
      from,
      local: local.stamp,
      remote: undefined,
      hasBase: base !== undefined,
      isConflict: !known,
    });
    if (!known) this.#context.draft.counts.conflicts += 1;
    if (known && base !== undefined)
      this.#displaced.add({ ...triple, baseParent: undefined }, { local, base, place: from });
    // What base knew under this name is dropped with the step above; its name is another one's now.
    const aside = { ...triple, remote: undefined, baseParent: undefined };
    this.#removals.considerAside(aside, { from, known: known && local.kind !== 'directory' });
    this.#visit({ ...triple, base: undefined, baseParent: undefined, local: undefined, localParent: undefined });
  }

  #directoryFoundOrNew(triple: Triple): void {
    const { remote } = triple;
    if (remote === undefined) return;
    const found = this.#displaced.claim(remote);
    if (found === undefined) return this.#makeDirectory(triple, remote, 'new');
    const moved = {
      ...triple,
      local: found.local,
      localParent: found.place.parent,
      base: found.base,
      baseParent: found.baseParent,
    };
    const place = { ...directoryPlace(moved, remote, found.place), isMoved: true };
    this.#steps.move(moved, { remote, place, found, remember: true });
    if (laidAttributesDiffer(found.local.stamp, remote.stamp))
      this.#steps.attributes(moved, { local: found.local, remote, place });
    this.#directories.push(place);
  }

  #fileFoundOrNew(triple: Triple): void {
    const { remote } = triple;
    if (remote === undefined) return;
    const found = this.#displaced.claim(remote);
    if (found === undefined) return this.#receiveNew(triple, remote, 'new');
    const moved = {
      ...triple,
      local: found.local,
      localParent: found.place.parent,
      base: found.base,
      baseParent: found.baseParent,
    };
    const isTouched = found.local.stamp !== found.base.local;
    const isSeen = !isChanged(remote, found.base.remote);
    if (isTouched && isSeen && this.#context.rules.twoWay !== undefined)
      return this.#moveTouched(moved, { remote, found });
    if (remote.kind === 'symlink') return this.#linkFound(moved, { remote, found });
    const same = !isTouched && isSeen;
    this.#steps.move(moved, { remote, place: undefined, found, remember: same });
    if (!same) return this.#steps.fetch(moved, remote, this.#movedAndChanged(found.local.stamp, found.base.local));
    if (laidAttributesDiffer(found.local.stamp, remote.stamp))
      this.#steps.attributes(moved, { local: found.local, remote });
  }

  #linkFound(moved: Triple, { remote, found }: { remote: RemoteNode; found: Displaced }): void {
    const same = this.#sameLink(moved, remote);
    this.#steps.move(moved, { remote, place: undefined, found, remember: same });
    // One that was changed here is not what base says, and is kept.
    if (!same) return this.#steps.link(moved, remote, { local: found.base.local, reason: 'changed' });
    if (linkTimesDiffer(found.local.stamp, remote.stamp)) this.#steps.attributes(moved, { local: found.local, remote });
  }

  /** Renamed there and changed here: it takes the new name, and the push finds the change. */
  #moveTouched(moved: Triple, { remote, found }: { remote: RemoteNode; found: Displaced }): void {
    const agreed = { local: found.base.local, remote: remote.stamp };
    this.#steps.move(moved, { remote, place: undefined, found, remember: true, agreed });
    this.#context.draft.leaveWork();
  }

  #movedAndChanged(local: Stamp, seen: Stamp): { local: Stamp; reason: Reason; keepBoth: boolean } {
    return { local, reason: 'changed', keepBoth: local !== seen && !this.#context.rules.overwrite };
  }
}

/** Laid down under another name, because this filesystem takes two names of the vault for one. */
function isElsewhere({ base }: Triple, remote: RemoteNode): boolean {
  return base?.local === elsewhere && sameVersion(remote.stamp, base.remote);
}

function isTheirs(context: PlanContext, triple: Triple): boolean {
  return context.rules.twoWay === undefined || attributesAreForPull(context, triple);
}

function directoryPlace(triple: Triple, remote: RemoteNode, local: LocalPlace | undefined): Place {
  return {
    parent: triple.parent,
    name: triple.name,
    local,
    entry: entryOf(remote.stamp),
    base: triple.base?.directory,
    isOther: isOtherEntry(triple.base, remote),
  };
}

function placeOf(triple: Triple): LocalPlace {
  if (triple.local === undefined) throw new TypeError('not on this side');
  return { parent: triple.localParent, name: triple.local.name };
}
