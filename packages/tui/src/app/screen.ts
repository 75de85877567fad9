import type { ActionId, ScreenId } from '../keymap.ts';
import type { PaneContent } from '../frame/pane.ts';
import type { Theme } from '../terminal/theme.ts';

/** How much room there is: one pane below 80 columns, three from 110. */
export interface Space {
  readonly columns: number;
  /** Rows of the panes, their borders counted. */
  readonly rows: number;
  readonly panes: 1 | 2 | 3;
  /** Panes without borders, one at a time: what is read aloud is in order. */
  readonly isBare: boolean;
  readonly theme: Theme;
  readonly nowMs: number;
}

export interface ScreenPane extends PaneContent {
  readonly width: number;
}

/** What a screen shows; panes stand side by side and fill the width. */
export interface ScreenView {
  /** Where it is, from the outermost on. */
  readonly crumbs: readonly string[];
  readonly panes: readonly ScreenPane[];
}

/** Whether an action can be done now: true, or the reason why not. */
export type Ability = true | string;

/** One screen: a store with what it shows, and the actions of the keymap that it answers. */
export interface Screen {
  readonly id: ScreenId;
  readonly title: string;
  view(space: Space): ScreenView;
  can(action: ActionId): Ability;
  /** `height`: rows of a list on the screen. */
  run(action: ActionId, height: number): void;
  /** Esc, when there is something to peel off: a filter, marks. False when there was nothing. */
  escape(): boolean;
  /** Shown from now on. */
  enter?(): void;
  /** Another one is shown from now on. */
  leave?(): void;
  /** For the list of places: a count that wants attention. */
  badge?(): string | undefined;
  subscribe(listener: () => void): () => void;
}
