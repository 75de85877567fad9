import type { BaseItem, BasePlace, BaseWriter } from './base.ts';
import { aboveRoot } from './base.ts';
import type { ByteName } from './byte-name.ts';
import type { Place } from './place.ts';
import type { ForgetStep, MoveStep, RememberStep } from './plan.ts';

/** Something for the base to learn once it is true on both sides. */
export type BaseNote =
  | { readonly kind: 'remember'; readonly at: NotePlace; readonly item: NotedItem }
  | { readonly kind: 'forget'; readonly from: BasePlace }
  | { readonly kind: 'drop'; readonly from: BasePlace };

/** A name in a directory that may not have a number yet. */
interface NotePlace {
  readonly parent: Place;
  readonly name: ByteName;
}

export type NotedItem = Pick<BaseItem, 'local' | 'remote'> & {
  /** The directory itself, when the item is one. */
  readonly place: Place | undefined;
};

/** Tells the base one thing. Nothing is stored before its `save`. */
export function note(base: BaseWriter, noted: BaseNote): void {
  switch (noted.kind) {
    case 'forget':
      return base.forget(noted.from);
    case 'drop':
      return base.drop(noted.from);
    case 'remember':
      return base.remember(basePlace(base, noted.at), itemOf(base, noted.item));
  }
}

/**
 * What the base learns of a rename. What is below a directory goes by the directory's number, so only the one item changes its
 * place; without `item` a later step remembers it.
 */
export function moveNotes({ parent, name, fromBase }: MoveStep, item: NotedItem | undefined): readonly BaseNote[] {
  const dropped: BaseNote[] = fromBase === undefined ? [] : [{ kind: 'drop', from: fromBase }];
  return item === undefined ? dropped : [...dropped, { kind: 'remember', at: { parent, name }, item }];
}

/** Tells the base what both sides agree on already. */
export function noteBookkeeping(base: BaseWriter, steps: readonly (RememberStep | ForgetStep)[]): void {
  for (const step of steps) {
    if (step.action === 'forget') note(base, { kind: 'forget', from: step.fromBase });
    else note(base, { kind: 'remember', at: step, item: step });
  }
}

function basePlace(base: BaseWriter, { parent, name }: NotePlace): BasePlace {
  return { directory: numberOf(base, parent), name };
}

function itemOf(base: BaseWriter, { place, local, remote }: NotedItem): BaseItem {
  return { directory: place === undefined ? undefined : numberOf(base, place), local, remote };
}

/** What stands above the root of a job is in no base. */
function numberOf(base: BaseWriter, place: Place): number {
  if (place.isAboveRoot === true) return aboveRoot;
  place.base ??= base.newDirectory();
  return place.base;
}
