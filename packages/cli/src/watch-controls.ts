import { WatchControl } from '@coffer/sync';
import type { CommandContext } from './context.ts';

/** The signals of one command, for all the jobs that it watches. */
export class WatchControls implements Disposable {
  readonly #all = new Set<WatchControl>();
  readonly #signals = new DisposableStack();
  #isPaused = false;

  constructor(onSignal: CommandContext['onSignal']) {
    this.#signals.use(onSignal('SIGHUP', () => this.#each((one) => one.rescan())));
    this.#signals.use(onSignal('SIGUSR1', () => this.#pause(true)));
    this.#signals.use(onSignal('SIGUSR2', () => this.#pause(false)));
  }

  /** One more job; paused when the others are. */
  add(): WatchControl {
    const control = new WatchControl();
    if (this.#isPaused) control.pause();
    this.#all.add(control);
    return control;
  }

  /** Its job has ended. */
  remove(control: WatchControl): void {
    this.#all.delete(control);
  }

  [Symbol.dispose](): void {
    this.#signals.dispose();
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#each((one) => (isPaused ? one.pause() : one.resume()));
  }

  #each(tell: (control: WatchControl) => void): void {
    for (const control of this.#all) tell(control);
  }
}
