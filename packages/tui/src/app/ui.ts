import type { Choice, Chosen, Message, PlanQuestion, TextQuestion } from './dialog.ts';
import type { Role } from '../terminal/theme.ts';
import type { ScreenId } from '../keymap.ts';

/** What screens may ask of the program around them. */
export interface Ui {
  /** The typed text; undefined when the person left it. */
  ask(question: Omit<TextQuestion, 'kind'>): Promise<string | undefined>;
  /** True only when the person agreed to the plan. */
  confirm(question: Omit<PlanQuestion, 'kind'>): Promise<boolean>;
  choose<Value>(question: {
    readonly title: string;
    readonly choices: readonly Choice<Value>[];
    readonly canType?: boolean;
  }): Promise<Value | undefined>;
  /** One or several, marked by Tab. */
  chooseSome<Value>(question: {
    readonly title: string;
    readonly choices: readonly Choice<Value>[];
  }): Promise<Chosen<Value> | undefined>;
  read(message: Omit<Message, 'kind'>): Promise<void>;
  /** One line at the lower edge. */
  say(text: string, role?: Role): void;
  /** Says what went wrong and what to do. */
  fail(error: unknown): void;
  /**
   * Runs something that takes a while: says so at the lower edge, lets ^c cancel it, says how it failed. False when it did.
   */
  work(label: string, task: (signal: AbortSignal) => Promise<void>): Promise<boolean>;
  show(screen: ScreenId): void;
  /** To the screen before. */
  back(): void;
  /** Gives the terminal to another program until the callback settles. */
  suspend(callback: () => Promise<void>): Promise<void>;
}
