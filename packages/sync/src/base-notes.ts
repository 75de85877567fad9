import type { BaseItem, BasePlace, BaseWriter } from './base.ts';
import { aboveRoot } from './base.ts';
import type { ByteName } from './byte-name.ts';
import type { Place } from './place.ts';
import type { RememberStep, ForgetStep } from './plan.ts';

/** Something for the base to learn once it is true on both sides. */
export type BaseNote =
  | { readonly kind: 'remember'; readonly at: NotePlace; readonly item: NotedItem }
  | { readonly kind: 'move'; readonly from: BasePlace; readonly to: NotePlace; readonly item: NotedItem | undefined }
  | { readonly kind: 'forget'; readonly from: BasePlace };

/** A name in a directory that may not have a number yet. */
export interface NotePlace {
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
    case 'move':
      base.move(noted.from, basePlace(base, noted.to));
      if (noted.item !== undefined) base.remember(basePlace(base, noted.to), itemOf(base, noted.item));
      return;
    case 'remember':
      return base.remember(basePlace(base, noted.at), itemOf(base, noted.item));
  }
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
