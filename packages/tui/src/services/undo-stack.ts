import type { Entry } from '@coffer/client';

/** How one thing that was done is taken back. */
export interface Undo {
  /** What was done: `moved 3 files`. */
  readonly text: string;
  /** Entries that would go although they, or what is in them, are not what was made: then it is asked first. */
  readonly takesAlong?: () => readonly Entry[];
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** As many steps as anybody remembers having made. */
const kept = 50;

/** What was done last is taken back first. Lasts as long as the program. */
export class UndoStack {
  #steps: readonly Undo[] = [];

  get top(): Undo | undefined {
    return this.#steps.at(-1);
  }

  push(step: Undo): void {
    this.#steps = [...this.#steps, step].slice(-kept);
  }

  pop(): Undo | undefined {
    const { top } = this;
    this.#steps = this.#steps.slice(0, -1);
    return top;
  }
}
