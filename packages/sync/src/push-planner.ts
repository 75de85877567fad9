import { isCofferError } from '@coffer/core';
import type { BaseNode } from './base.ts';
import type { LinkTarget } from '@coffer/client';
import { attributesDiffer, linkTimesDiffer, sameTarget } from './compare.ts';
import { isTaken, isYoung, mergeChildren } from './merge-children.ts';
import type { PlanContext, Triple } from './merge-children.ts';
import type { MoveStep, Reason, VanishedFile } from './plan.ts';
import { localPath, pathIn } from './place.ts';
import type { LocalPlace, Place } from './place.ts';
import { PushRemovals } from './push-removals.ts';
import { entryKeyOf, entryOf, isOtherEntry, sameVersion } from './remote-tree.ts';
import type { RemoteNode } from './remote-tree.ts';
import { isInScope } from './scope.ts';
import { elsewhere, permissionsOf, sizeIn } from './stamp.ts';
import { attributesAreForPull, foundElsewhere, isChanged, isForPull } from './two-way.ts';
import { VanishedItems } from './vanished-items.ts';

/**
 * Plans so that the vault becomes the folder. Goes down both trees together, one directory at a time; what is new in the
 * folder waits until the end, when everything is known that vanished from it, because the two may be one and the same.
 */
export class PushPlanner {
  readonly #context: PlanContext;
  readonly #directories: Place[] = [];
  readonly #newDirectories: Triple[] = [];
  readonly #newFiles: Triple[] = [];
  /** Gone from the folder, and in another place in the vault. */
  readonly #gone: { readonly triple: Triple; readonly there: RemoteNode }[] = [];
  readonly #vanished: VanishedItems;
  readonly #removals: PushRemovals;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#vanished = new VanishedItems(context);
    this.#removals = new PushRemovals(context, this.#vanished);
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
      const { triples } = mergeChildren(this.#context, place, { skipUnchanged: this.#vanished.isEmpty });
      for (const triple of triples) this.#visit(triple);
      return true;
    }
    if (this.#vanished.expand()) return true;
    const waiting = this.#newDirectories.shift();
    if (waiting === undefined) return false;
    this.#directoryFoundOrNew(waiting);
    return true;
  }

  finish(): readonly VanishedFile[] {
    for (const triple of this.#newFiles) this.#fileFoundOrNew(triple);
    for (const { triple, there } of this.#gone) if (!this.#vanished.isClaimed(there)) this.#forget(triple);
    this.#removals.plan();
    return this.#vanished.unclaimedFiles();
  }

  #visit(triple: Triple): void {
    if (triple.remote !== undefined && triple.remote.kind === 'file') this.#context.draft.counts.filesThere += 1;
    const unclaimed = this.#vanished.meet(triple);
    if (isForPull(this.#context, unclaimed)) return;
    switch (unclaimed.local?.kind) {
      case 'file':
        return this.#file(unclaimed);
      case 'symlink':
        return this.#link(unclaimed);
      case 'directory':
        return this.#directory(unclaimed);
      case 'special':
      case 'foreign':
      case undefined:
        return this.#absent(unclaimed);
    }
  }

  #file(triple: Triple): void {
    const { base, local, remote } = triple;
    if (remote === undefined) return this.#newFile(triple);
    if (remote.kind !== 'file') return this.#replace(triple);
    const touched = base === undefined || local?.stamp !== base.local;
    const changed = base === undefined || remote.stamp !== base.remote;
    if (!touched && !changed) {
      this.#context.draft.counts.unchanged += 1;
    } else if (!touched && sameVersion(remote.stamp, base.remote)) {
      this.#context.draft.counts.unchanged += 1;
      this.#attributes(triple, { place: undefined });
    } else {
      const overUnseen = base === undefined || !sameVersion(remote.stamp, base.remote);
      this.#upload(triple, {
        overUnseen,
        reason: base === undefined ? 'unknown' : overUnseen ? 'overwritesNewer' : 'changed',
      });
    }
  }

  /** A symlink waits like a file: it may have been renamed. */
  #newFile(triple: Triple): void {
    if (triple.base === undefined && this.#vanished.possible) this.#newFiles.push(triple);
    else this.#sendNew(triple, triple.base === undefined ? 'new' : 'goneThere');
  }

  #sendNew(triple: Triple, reason: Reason): void {
    if (triple.local?.kind === 'symlink') this.#putLink(triple, reason);
    else this.#upload(triple, { overUnseen: false, reason });
  }

  #upload(triple: Triple, { overUnseen, reason }: { readonly overUnseen: boolean; readonly reason: Reason }): void {
    const { parent, name, remote } = triple;
    const { stamp: local } = here(triple);
    const step = {
      action: 'upload',
      parent,
      name,
      reason,
      from: placeOf(triple),
      local,
      remote: remote?.stamp,
      overUnseen,
    } as const;
    this.#context.draft.transfer(step, sizeIn(local));
  }

  #link(triple: Triple): void {
    const { base, local, remote } = triple;
    if (remote === undefined) return this.#newFile(triple);
    if (remote.kind !== 'symlink') return this.#replace(triple);
    if (base !== undefined && local?.stamp === base.local && remote.stamp === base.remote) return;
    const target = this.#readTarget(triple);
    if (target === undefined) return;
    if (sameTarget(target, this.#context.remote.get(entryOf(remote.stamp))?.target))
      return this.#agreeOnLink(triple, remote);
    this.#putLink(triple, 'changed');
  }

  #agreeOnLink(triple: Triple, remote: RemoteNode): void {
    if (linkTimesDiffer(here(triple).stamp, remote.stamp)) this.#attributes(triple, { place: undefined });
    else this.#remember(triple, undefined);
  }

  #putLink(triple: Triple, reason: Reason): void {
    const { parent, name, local, remote } = triple;
    const from = placeOf(triple);
    this.#context.draft.contents.push({
      action: 'link',
      parent,
      name,
      reason,
      local: local?.stamp,
      remote: remote?.stamp,
      from,
    });
  }

  /** Undefined, and reported, when the link cannot be read. */
  #readTarget(triple: Triple): LinkTarget | undefined {
    try {
      return this.#context.local.target(localPath(placeOf(triple)));
    } catch (error) {
      if (!isCofferError(error)) throw error;
      this.#context.draft.problem({ path: pathIn(triple), error, failed: error.code !== 'NOT_FOUND' });
      return undefined;
    }
  }

  #directory(triple: Triple): void {
    const { base, remote } = triple;
    if (remote === undefined) {
      if (base === undefined && this.#vanished.possible) this.#newDirectories.push(triple);
      else this.#makeDirectory(triple, base === undefined ? 'new' : 'goneThere');
    } else if (remote.kind !== 'directory') {
      this.#replace(triple);
    } else {
      const place: Place = { parent: triple.parent, name: triple.name, ...sidesOf(triple, remote) };
      this.#agreeOnDirectory(triple, place);
      if (isInScope(this.#context.scope, place)) this.#directories.push(place);
    }
  }

  #makeDirectory(triple: Triple, reason: Reason): void {
    const { parent, name, base, local } = triple;
    const place: Place = { parent, name, local: placeOf(triple), entry: undefined, base: base?.directory };
    this.#context.draft.structure.push({
      action: 'make-directory',
      parent,
      name,
      reason,
      place,
      local: local?.stamp,
      remote: undefined,
    });
    this.#directories.push(place);
  }

  #agreeOnDirectory(triple: Triple, place: Place): void {
    const { base, remote } = triple;
    const { stamp } = here(triple);
    if (remote === undefined || (base !== undefined && stamp === base.local && remote.stamp === base.remote)) return;
    if (!attributesDiffer(stamp, remote.stamp)) this.#remember(triple, place);
    else if (attributesAreForPull(this.#context, triple)) this.#context.draft.leaveOut();
    else this.#attributes(triple, { place });
  }

  #attributes(triple: Triple, { place }: { readonly place: Place | undefined }): void {
    const { parent, name, remote } = triple;
    const { stamp: local } = here(triple);
    if (remote === undefined) throw new TypeError('attributes of nothing');
    const needless = place === undefined && !attributesDiffer(local, remote.stamp);
    if (needless) return this.#remember(triple, place);
    this.#context.draft.contents.push({
      action: 'attributes',
      parent,
      name,
      reason: 'attributes',
      local,
      remote: remote.stamp,
      place,
      remember: true,
    });
  }

  #remember(triple: Triple, place: Place | undefined): void {
    const { parent, name, remote } = triple;
    if (remote === undefined) throw new TypeError('nothing to remember');
    const local = here(triple).stamp;
    this.#context.draft.bookkeeping.push({
      action: 'remember',
      parent,
      name,
      reason: 'attributes',
      local,
      remote: remote.stamp,
      place,
    });
  }

  #absent(triple: Triple): void {
    const { base, baseParent, remote } = triple;
    if (remote !== undefined) return this.#missing(triple, remote);
    if (base === undefined || baseParent === undefined) return;
    const there = this.#context.rules.twoWay && foundElsewhere(this.#context, base.remote);
    if (there === undefined) return this.#forget(triple);
    this.#gone.push({ triple, there });
    this.#vanished.add(triple, base, there);
  }

  #forget({ parent, name, baseParent }: Triple): void {
    if (baseParent === undefined) return;
    this.#context.draft.bookkeeping.push({
      action: 'forget',
      parent,
      name,
      reason: 'goneThere',
      fromBase: { directory: baseParent, name },
    });
  }

  #missing(triple: Triple, remote: RemoteNode): void {
    if (triple.base?.local === elsewhere) return;
    if (triple.base !== undefined) this.#vanished.add(triple, triple.base, remote);
    if (triple.base?.remote !== remote.stamp) this.#context.draft.leaveOut();
    if (!isYoung(this.#context, triple)) this.#removals.consider(triple);
  }

  /** What stands in the way goes aside first, so that files can still be moved out of it, and is removed at the end. */
  #replace(triple: Triple): void {
    const { parent, name, base, remote } = triple;
    if (remote === undefined) throw new TypeError('nothing to replace');
    const known = base !== undefined && this.#isKnown(base, remote);
    const newName = this.#context.rules.conflictName(name, (other) => isTaken(this.#context, parent, other));
    this.#context.draft.structure.push({
      action: 'set-aside',
      parent,
      name,
      reason: 'otherKind',
      newName,
      from: undefined,
      local: undefined,
      remote: remote.stamp,
      hasBase: base !== undefined,
      isConflict: !known,
    });
    if (base !== undefined && known) this.#vanished.add({ ...triple, baseParent: undefined }, base, remote);
    if (!known) this.#context.draft.counts.conflicts += 1;
    // What base knew under this name is dropped with the step above; its name is another one's now.
    const aside = { ...triple, local: undefined, name: newName, baseParent: undefined };
    this.#removals.considerAside(aside, { known, isDirectory: remote.kind === 'directory' });
    this.#visit({ ...triple, base: undefined, remote: undefined });
  }

  /** A directory of a two-way job is only replaced when everything in it is as base says, whatever its own times. */
  #isKnown(base: BaseNode, remote: RemoteNode): boolean {
    if (this.#context.rules.twoWay !== undefined && remote.kind === 'directory')
      return entryKeyOf(base.remote) === entryKeyOf(remote.stamp);
    return base.remote === remote.stamp;
  }

  #directoryFoundOrNew(triple: Triple): void {
    const found = this.#vanished.claimDirectory(triple);
    if (found === undefined) return this.#makeDirectory(triple, 'new');
    const moved: Triple = { ...triple, base: found.base, baseParent: found.baseParent, remote: found.remote };
    const place: Place = { parent: triple.parent, name: triple.name, ...sidesOf(moved, found.remote), isMoved: true };
    this.#move(moved, { place, remember: true });
    if (attributesDiffer(here(moved).stamp, found.remote.stamp)) this.#attributes(moved, { place });
    this.#directories.push(place);
  }

  #fileFoundOrNew(triple: Triple): void {
    const found = this.#vanished.claimFile(triple);
    if (found === undefined) return this.#sendNew(triple, 'new');
    const moved: Triple = { ...triple, base: found.base, baseParent: found.baseParent, remote: found.remote };
    const overUnseen = isChanged(found.remote, found.base.remote);
    if (overUnseen && this.#context.rules.twoWay !== undefined) return this.#moveUnseen(moved, found.base);
    this.#move(moved, { place: undefined, remember: !overUnseen });
    if (overUnseen) return this.#sendNew(moved, 'overwritesNewer');
    if (permissionsOf(here(moved).stamp) !== permissionsOf(found.base.local))
      this.#attributes(moved, { place: undefined });
  }

  /** Renamed here and changed there: the new name goes there, and the pull finds the change. */
  #moveUnseen(moved: Triple, base: BaseNode): void {
    const agreed = { local: here(moved).stamp, remote: base.remote };
    this.#move(moved, { place: undefined, remember: true, agreed });
    this.#context.draft.leaveOut();
  }

  #move(
    triple: Triple,
    { place, remember, agreed }: { place: Place | undefined; remember: boolean; agreed?: MoveStep['agreed'] },
  ): void {
    const { parent, name, base, baseParent, remote } = triple;
    if (remote === undefined || base === undefined) throw new TypeError('nothing to move');
    this.#context.draft.structure.push({
      action: 'move',
      parent,
      name,
      reason: 'renamed',
      place,
      remember,
      ...(agreed !== undefined && { agreed }),
      leaves: undefined,
      from: placeOf(triple),
      local: here(triple).stamp,
      remote: remote.stamp,
      fromBase: baseParent === undefined ? undefined : { directory: baseParent, name: base.name },
    });
  }
}

function here(triple: Triple): NonNullable<Triple['local']> {
  if (triple.local === undefined) throw new TypeError('not on this side');
  return triple.local;
}

function sidesOf(triple: Triple, remote: RemoteNode): Pick<Place, 'local' | 'entry' | 'base' | 'isOther'> {
  const { base } = triple;
  return {
    local: placeOf(triple),
    entry: entryOf(remote.stamp),
    base: base?.directory,
    isOther: isOtherEntry(base, remote),
  };
}

function placeOf(triple: Triple): LocalPlace {
  return { parent: triple.localParent, name: here(triple).name };
}
