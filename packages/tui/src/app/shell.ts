import { CofferError, isCofferError, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { asciiFrame } from '../frame/ascii.ts';
import type { Frame } from '../frame/frame.ts';
import { isTooSmall } from '../frame/layout.ts';
import type { Size } from '../frame/layout.ts';
import type { Line } from '../frame/line.ts';
import { actionFor, screenOf } from '../keymap.ts';
import type { ActionId, ScreenId } from '../keymap.ts';
import type { KeyName } from '../terminal/keys.ts';
import type { Role, Theme } from '../terminal/theme.ts';
import { dialogKey, dialogPaste, openDialog } from './dialog.ts';
import type { Choice, Chosen, DialogState, Message, PlanQuestion, Question, TextQuestion } from './dialog.ts';
import { helpLines } from './help.ts';
import { paletteChoices } from './palette.ts';
import type { Screen } from './screen.ts';
import { dialogRoom, listHeight, shellFrame } from './shell-view.ts';
import type { Notice, Status } from './shell-view.ts';
import { Store } from './store.ts';
import type { Ui } from './ui.ts';

export interface ShellDeps {
  readonly clock: Clock;
  readonly theme: Theme;
  /** For screen readers. */
  readonly isBare: boolean;
  /** Stops the process as ^z does, and resolves when it goes on. */
  readonly stop: () => Promise<void>;
}

/** What the terminal that shows it can do. */
export interface ShellTerminal {
  suspend(callback: () => Promise<void>): Promise<void>;
}

interface Asked {
  /** Since when it can be read, on the monotonic clock. */
  readonly shownMs: number;
  readonly dialog: DialogState;
  readonly answer: (value: unknown) => void;
}

interface Work {
  readonly label: string;
  readonly controller: AbortController;
}

/** How long after the first ^c a second one quits. */
const quitMs = 2 * secondMs;
/** Keys that come sooner after a late question were typed before it was read. */
const lateMs = 300;
/** How long a notice stays when nothing else is said. */
const noticeMs = 8 * secondMs;

const initialSize: Size = { columns: 80, rows: 24 };

/** Screens, questions, notices and keys: everything of the program that does not know ink. */
export class Shell implements Ui {
  readonly theme: Theme;
  /** Settles when the person quits. */
  readonly ended: Promise<void>;
  /** Whether the screens are hidden, because nobody is there. */
  readonly covered = new Store(false);
  readonly #deps: ShellDeps;
  readonly #end = Promise.withResolvers<void>();
  readonly #listeners = new Set<() => void>();
  #version = 0;
  #terminal: ShellTerminal | undefined;
  #screens: ReadonlyMap<ScreenId, Screen> = new Map();
  #current: ScreenId | undefined;
  /** The screens that lead back to the first one, that one left out. */
  #trail: readonly ScreenId[] = [];
  #welcome: readonly Line[] = [];
  #asked: readonly Asked[] = [];
  #notice: (Notice & { readonly atMs: number }) | undefined;
  #work: Work | undefined;
  #status: Status = { connection: undefined, account: '', transfers: '' };
  #size = initialSize;
  #interruptedMs = Number.NEGATIVE_INFINITY;
  #lastKeyMs: number;
  #isEnded = false;
  #beforeQuit: () => Promise<boolean> = () => Promise.resolve(true);

  constructor(deps: ShellDeps) {
    this.#deps = deps;
    this.theme = deps.theme;
    this.ended = this.#end.promise;
    this.#lastKeyMs = deps.clock.monotonicMs();
  }

  /** For React: told after every change. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly version = (): number => this.#version;

  /** @returns what takes the terminal away again */
  attach(terminal: ShellTerminal): () => void {
    this.#terminal = terminal;
    return () => {
      this.#terminal = undefined;
    };
  }

  /** The screens from now on, the first one in sight. `beforeQuit` may ask, and says whether to quit. */
  open(screens: readonly Screen[], beforeQuit: () => Promise<boolean>): void {
    this.#screens = new Map(screens.map((screen) => [screen.id, screen]));
    for (const screen of screens) screen.subscribe(() => this.changed());
    this.#beforeQuit = beforeQuit;
    const first = screens[0];
    if (first !== undefined) this.show(first.id);
  }

  /** No screens until others are opened. */
  close(): void {
    this.#screens = new Map();
    this.#welcome = [];
    this.changed();
  }

  setWelcome(lines: readonly Line[]): void {
    this.#welcome = lines;
    this.changed();
  }

  setStatus(status: Partial<Status>): void {
    this.#status = { ...this.#status, ...status };
    this.changed();
  }

  changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }

  /** When somebody was there last, on the monotonic clock. */
  get lastKeyMs(): number {
    return this.#lastKeyMs;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Hides the screens, and takes them from the keys. */
  cover(isCovered: boolean): void {
    if (this.covered.state === isCovered) return;
    this.covered.set(isCovered);
    // Nobody looks: what is asked for only while it is in sight need not be.
    if (isCovered) this.#screen()?.leave?.();
    else this.#screen()?.enter?.();
    this.changed();
  }

  frame(size: Size): Frame {
    this.#size = size;
    const frame = shellFrame({
      screen: this.covered.state ? undefined : this.#screen(),
      welcome: this.covered.state ? [] : this.#welcome,
      dialog: this.#asked[0]?.dialog,
      // What happens meanwhile is not for whoever passes by.
      notice: this.covered.state ? undefined : (this.#workNotice() ?? this.#notice),
      status: this.#status,
      size,
      theme: this.theme,
      isBare: this.#deps.isBare,
      nowMs: this.#deps.clock.nowMs(),
    });
    return this.theme.isAscii ? asciiFrame(frame) : frame;
  }

  #workNotice(): Notice | undefined {
    if (this.#work === undefined) return undefined;
    const waits = this.#status.connection?.isOnline === false ? 'waits for the server; ' : '';
    return { text: `${this.#work.label}…  ${waits}^c cancels`, role: 'busy' };
  }

  key(key: KeyName): void {
    // Nobody sees what a key would do now.
    if (isTooSmall(this.#size) && key !== '^c' && key !== '^z') return;
    this.#lastKeyMs = this.#deps.clock.monotonicMs();
    if (key === '^z') return void this.#stop();
    this.#forgetNotice();
    if (this.#asked.length > 0) this.#dialogKey(key);
    else if (key === '^c') this.#interrupt();
    else this.#screenKey(key);
    this.changed();
  }

  paste(text: string): void {
    const [asked, ...others] = this.#asked;
    if (asked === undefined) return this.say('pasted text runs no keys: open a field first', 'warning');
    this.#asked = [{ ...asked, dialog: dialogPaste(asked.dialog, text) }, ...others];
    this.changed();
  }

  ask(question: Omit<TextQuestion, 'kind'>): Promise<string | undefined> {
    return this.#ask({ kind: 'text', ...question }) as Promise<string | undefined>;
  }

  /** Before whatever was asked already. */
  askFirst(question: Omit<TextQuestion, 'kind'>): Promise<string | undefined> {
    return this.#ask({ kind: 'text', ...question }, true) as Promise<string | undefined>;
  }

  /** Before whatever was asked already. */
  async readFirst(message: Omit<Message, 'kind'>): Promise<void> {
    await this.#ask({ kind: 'message', ...message }, true);
  }

  async confirm(question: Omit<PlanQuestion, 'kind'>): Promise<boolean> {
    return (await this.#ask({ kind: 'plan', ...question })) === true;
  }

  choose<Value>(question: {
    readonly title: string;
    readonly choices: readonly Choice<Value>[];
    readonly canType?: boolean;
  }): Promise<Value | undefined> {
    return this.#ask({ kind: 'choice', ...question }) as Promise<Value | undefined>;
  }

  chooseSome<Value>(question: {
    readonly title: string;
    readonly choices: readonly Choice<Value>[];
  }): Promise<Chosen<Value> | undefined> {
    return this.#ask({ kind: 'choice', canType: true, canMark: true, ...question }) as Promise<
      Chosen<Value> | undefined
    >;
  }

  async read(message: Omit<Message, 'kind'>): Promise<void> {
    await this.#ask({ kind: 'message', ...message });
  }

  say(text: string, role: Role = 'plain'): void {
    this.#notice = { text, role, atMs: this.#deps.clock.monotonicMs() };
    this.changed();
  }

  fail(error: unknown): void {
    if (isCofferError(error, 'CANCELLED')) return this.say('cancelled', 'warning');
    if (error instanceof CofferError) {
      return this.say(error.hint === undefined ? error.message : `${error.message}. ${error.hint}`, 'error');
    }
    this.say(`unexpected: ${error instanceof Error ? error.message : String(error)}`, 'error');
  }

  async work(label: string, task: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    if (this.#work !== undefined) {
      this.say(`still at work: ${this.#work.label}`, 'warning');
      return false;
    }
    const work: Work = { label, controller: new AbortController() };
    this.#work = work;
    this.changed();
    try {
      await task(work.controller.signal);
      return true;
    } catch (error) {
      this.fail(work.controller.signal.aborted ? work.controller.signal.reason : error);
      return false;
    } finally {
      this.#work = undefined;
      this.changed();
    }
  }

  show(id: ScreenId): void {
    if (!this.#screens.has(id)) return;
    const others = this.#trail.filter((one) => one !== id);
    this.#trail = id === this.#first ? [] : [...others, id];
    if (this.#current !== id) this.#screen()?.leave?.();
    this.#current = id;
    this.#screen()?.enter?.();
    this.changed();
  }

  back(): void {
    const before = this.#trail.at(-2) ?? this.#first;
    this.#trail = this.#trail.slice(0, -1);
    if (before !== undefined) this.show(before);
  }

  async suspend(callback: () => Promise<void>): Promise<void> {
    if (this.#terminal === undefined) throw new CofferError('IO', 'there is no terminal to hand over');
    await this.#terminal.suspend(callback);
  }

  /** Ends without asking. */
  quit(): void {
    this.#isEnded = true;
    const asked = this.#asked;
    this.#asked = [];
    for (const { answer } of asked) answer(undefined);
    this.#work?.controller.abort(interrupted());
    this.#end.resolve();
  }

  get #first(): ScreenId | undefined {
    return [...this.#screens.keys()][0];
  }

  #screen(): Screen | undefined {
    return this.#current === undefined ? undefined : this.#screens.get(this.#current);
  }

  #ask(question: Question, isFirst = false): Promise<unknown> {
    if (this.#isEnded) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const shownMs = this.#deps.clock.monotonicMs();
    const asked: Asked = { shownMs, dialog: openDialog(question), answer: resolve };
    this.#asked = isFirst ? [asked, ...this.#asked] : [...this.#asked, asked];
    this.changed();
    return promise;
  }

  #dialogKey(key: KeyName): void {
    const [asked, ...others] = this.#asked;
    if (asked === undefined || this.#isTooSoon(asked)) return;
    const step = dialogKey(
      asked.dialog,
      key,
      dialogRoom(asked.dialog, { size: this.#size, isBare: this.#deps.isBare }),
    );
    if ('state' in step) this.#asked = [{ ...asked, dialog: step.state }, ...others];
    else {
      this.#asked = others;
      asked.answer(step.answer);
    }
  }

  #isTooSoon({ dialog, shownMs }: Asked): boolean {
    const isLate = dialog.question.kind === 'plan' && dialog.question.isLate === true;
    return isLate && this.#deps.clock.monotonicMs() - shownMs < lateMs;
  }

  #screenKey(key: KeyName): void {
    const screen = this.covered.state ? undefined : this.#screen();
    if (screen === undefined) return;
    if (key === 'esc') {
      if (!screen.escape()) this.#notice = undefined;
      return;
    }
    const action = actionFor(screen.id, key);
    if (action === undefined) return this.say(`${key} does nothing here: ? shows the keys`, 'dim');
    this.#run(screen, action);
  }

  #run(screen: Screen, action: ActionId): void {
    if (this.#own(action)) return;
    const ability = screen.can(action);
    if (ability !== true) return this.say(ability, 'warning');
    screen.run(action, listHeight({ size: this.#size, isBare: this.#deps.isBare }));
  }

  /** What is the program's own to do, on every screen. */
  #own(action: ActionId): boolean {
    const target = screenOf(action);
    if (target !== undefined) {
      if (this.#screens.has(target)) this.show(target);
      else this.say('this is for administrators of the server', 'warning');
      return true;
    }
    if (action === 'help') void this.#help();
    else if (action === 'palette') void this.#palette();
    else if (action === 'quit') void this.#leave();
    else return false;
    return true;
  }

  async #help(): Promise<void> {
    const screen = this.#screen();
    if (screen !== undefined) await this.read({ title: `Keys of ${screen.title}`, lines: helpLines(screen) });
  }

  async #palette(): Promise<void> {
    const screen = this.#screen();
    if (screen === undefined) return;
    const choices = paletteChoices(screen, (id) => this.#screens.has(id));
    const action = await this.choose({ title: 'Do what?', choices, canType: true });
    if (action !== undefined) this.#run(screen, action);
  }

  /** q: back to where one came from; where one began, out. */
  async #leave(): Promise<void> {
    if (this.#current !== this.#first) return this.back();
    if (await this.#beforeQuit()) this.quit();
  }

  #interrupt(): void {
    if (this.#work !== undefined) return this.#work.controller.abort(interrupted());
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#interruptedMs < quitMs) return this.quit();
    this.#interruptedMs = nowMs;
    this.say('press ^c again to quit', 'warning');
  }

  #forgetNotice(): void {
    if (this.#notice === undefined) return;
    if (this.#deps.clock.monotonicMs() - this.#notice.atMs > noticeMs || this.#notice.role === 'dim')
      this.#notice = undefined;
  }

  async #stop(): Promise<void> {
    try {
      await this.suspend(this.#deps.stop);
    } catch (error) {
      this.fail(error);
    }
  }
}

function interrupted(): CofferError {
  return new CofferError('CANCELLED', 'interrupted');
}
