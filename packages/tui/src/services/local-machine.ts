import { spawn } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CofferError } from '@coffer/core';

/** One name in a folder of this machine. */
export interface LocalItem {
  readonly name: string;
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'other';
  readonly size: number;
}

export interface LocalMachineOptions {
  /** The person's folder; where pickers begin. */
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly streams: { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream };
  /** Private folder for files that are being edited. */
  readonly editFolder: string;
}

/** For one file that is edited. */
export interface WorkFolder {
  readonly path: string;
  /** With all that is in it. */
  readonly remove: () => void;
}

/** Names of one folder that a picker lists; a folder with more is picked as a whole. */
const maxItems = 10_000;

/** The folders and programs of this machine, as the screens need them. */
export class LocalMachine {
  readonly home: string;
  readonly cwd: string;
  readonly #options: LocalMachineOptions;

  constructor(options: LocalMachineOptions) {
    this.home = options.home;
    this.cwd = options.cwd;
    this.#options = options;
  }

  /** Folders first, each by name, hidden ones behind. @throws NOT_FOUND, NOT_ALLOWED, IO */
  list(folder: string): readonly LocalItem[] {
    const items = readNames(folder)
      .slice(0, maxItems)
      .map((name) => itemAt(join(folder, name), name));
    return items.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.name < b.name ? -1 : 1));
  }

  /** `~` is the person's folder; what is relative begins where the program was started. */
  resolve(text: string): string {
    if (text === '~' || text.startsWith('~/')) return join(this.home, text.slice(1));
    return resolve(this.cwd, text);
  }

  parentOf(folder: string): string {
    return dirname(folder);
  }

  isFolder(path: string): boolean {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  /** Size and time of a file; undefined when it is not there. */
  stamp(path: string): string | undefined {
    const found = statSync(path, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? undefined : `${found.size} ${found.mtimeNs} ${found.ino}`;
  }

  /** A private folder of its own, which stays until it is removed. @throws IO */
  workFolder(): WorkFolder {
    try {
      mkdirSync(this.#options.editFolder, { recursive: true, mode: 0o700 });
      const path = mkdtempSync(join(this.#options.editFolder, 'edit-'));
      return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
    } catch (cause) {
      throw new CofferError('IO', 'there is no place for a file that is edited', { cause });
    }
  }

  /** Writes text to this terminal, which the person may copy, and waits for Enter. The terminal was handed over before. */
  async print(text: string): Promise<void> {
    const { stdin: input, stdout: output } = this.#options.streams;
    const asking = createInterface({ input, output });
    const interrupted = new AbortController();
    asking.on('SIGINT', () => interrupted.abort());
    try {
      await asking.question(`${text}\n\nEnter goes back. `, { signal: interrupted.signal });
    } catch (error) {
      // ^c goes back too.
      if (!interrupted.signal.aborted) throw error;
    } finally {
      asking.close();
      // Closing stops the reading of keys too, which only the UI's own end should.
      input.resume();
    }
  }

  /** VISUAL, EDITOR, or vi. */
  get editor(): string {
    const { env } = this.#options;
    return env['VISUAL'] || env['EDITOR'] || 'vi';
  }

  /** Runs the person's editor on a file in this terminal. @throws IO when it cannot be started or says that it failed */
  async edit(path: string): Promise<void> {
    const [program = 'vi', ...args] = this.editor.split(/\s+/).filter(Boolean);
    const child = spawn(program, [...args, path], { stdio: 'inherit' });
    const code = await new Promise<number | null>((done, fail) => {
      child.once('error', fail);
      child.once('exit', done);
    }).catch((cause: unknown) => {
      throw new CofferError('IO', `the editor ${program} cannot be started`, { cause, hint: 'Set EDITOR.' });
    });
    if (code !== 0) throw new CofferError('IO', `the editor ended with ${code ?? 'a signal'}: nothing was stored`);
  }
}

function rankOf({ kind, name }: LocalItem): number {
  return (kind === 'folder' ? 0 : 2) + (name.startsWith('.') ? 1 : 0);
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new CofferError('NOT_FOUND', `there is no folder ${folder}`, { cause });
    if (code === 'EACCES' || code === 'EPERM')
      throw new CofferError('NOT_ALLOWED', `${folder} cannot be read`, { cause });
    throw new CofferError('IO', `${folder} cannot be read`, { cause });
  }
}

function itemAt(path: string, name: string): LocalItem {
  const found = lstatSync(path, { throwIfNoEntry: false });
  const kind = found?.isDirectory() === true ? 'folder' : found?.isFile() === true ? 'file' : 'other';
  return { name, path, kind, size: found?.size ?? 0 };
}
