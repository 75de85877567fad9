/** What may be asked of a job that is watched, by whoever holds this. */
export class WatchControl {
  readonly #listeners = new Set<() => void>();
  #isPaused = false;
  #wantsRescan = false;

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** What is under way is dropped as by a stop, and nothing more is done; changes are noted. */
  pause(): void {
    this.#isPaused = true;
    this.#tell();
  }

  resume(): void {
    this.#isPaused = false;
    this.#tell();
  }

  /** Look through everything. */
  rescan(): void {
    this.#wantsRescan = true;
    this.#tell();
  }

  /** True once for each time that it was asked for. */
  takeRescan(): boolean {
    const wanted = this.#wantsRescan;
    this.#wantsRescan = false;
    return wanted;
  }

  /** Calls back after everything that is asked. Disposing ends that. */
  listen(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
