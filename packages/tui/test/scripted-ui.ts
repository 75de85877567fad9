import type { Ui } from '../src/app/ui.ts';

/** A person who was told what to answer, in order; what they were asked and told is kept. */
export class ScriptedUi implements Ui {
  /** Title and lines of every question. */
  readonly asked: string[] = [];
  /** What stood at the lower edge. */
  readonly said: string[] = [];
  readonly #answers: unknown[];

  constructor(answers: readonly unknown[] = []) {
    this.#answers = [...answers];
  }

  ask(question: Parameters<Ui['ask']>[0]): ReturnType<Ui['ask']> {
    return this.#answer(question);
  }

  confirm(question: Parameters<Ui['confirm']>[0]): ReturnType<Ui['confirm']> {
    const answer = this.#answer<unknown>(question);
    // Who has to type a word agrees by typing it, and by nothing else.
    return answer.then((given) => given === (question.word ?? true));
  }

  choose<Value>(question: { readonly title: string }): Promise<Value | undefined> {
    return this.#answer(question);
  }

  chooseSome(question: { readonly title: string }): Promise<never> {
    return this.#answer(question);
  }

  async read(message: Parameters<Ui['read']>[0]): Promise<void> {
    this.#note(message);
  }

  say(text: string): void {
    this.said.push(text);
  }

  fail(error: unknown): void {
    this.said.push(`failed: ${error instanceof Error ? error.message : String(error)}`);
  }

  async work(_label: string, task: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    try {
      await task(new AbortController().signal);
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  show(screen: string): void {
    this.said.push(`shows ${screen}`);
  }

  back(): void {
    this.said.push('back');
  }

  async suspend(callback: () => Promise<void>): Promise<void> {
    await callback();
  }

  #answer<Value>(question: { readonly title: string; readonly lines?: readonly unknown[] }): Promise<Value> {
    this.#note(question);
    return Promise.resolve(this.#answers.shift() as Value);
  }

  #note({ title, lines = [] }: { readonly title: string; readonly lines?: readonly unknown[] }): void {
    this.asked.push([title, ...lines.map(textOf)].join(' | '));
  }
}

function textOf(line: unknown): string {
  return typeof line === 'string' ? line : (line as { readonly text: string }).text;
}

/** Lets everything that was begun come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
