import { PassThrough, Writable } from 'node:stream';
import { Terminal } from '@xterm/headless';

/** A terminal in memory that ink takes for a real one. */
export class MemoryTerminal {
  readonly screen: Terminal;
  readonly stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => undefined,
    ref: () => undefined,
    unref: () => undefined,
  });
  readonly stdout: Writable & { columns: number; rows: number; isTTY: boolean };
  written = 0;

  constructor(columns: number, rows: number) {
    this.screen = new Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
    const write = (chunk: Buffer | string, done: () => void): void => {
      this.written += Buffer.byteLength(chunk);
      this.screen.write(typeof chunk === 'string' ? chunk : new Uint8Array(chunk), done);
    };
    const stdout = new Writable({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => write(chunk, done),
    });
    this.stdout = Object.assign(stdout, { columns, rows, isTTY: true });
  }

  get streams(): { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream } {
    return this as unknown as { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream };
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    Object.assign(this.stdout, { columns, rows });
    this.stdout.emit('resize');
  }

  /** Rows of the screen once nothing is drawn any more. */
  async rows(): Promise<string[]> {
    await new Promise((resolve) => setTimeout(resolve, 150));
    await new Promise<void>((resolve) => this.screen.write('', resolve));
    const { active } = this.screen.buffer;
    return Array.from({ length: this.screen.rows }, (_, row) => active.getLine(row)?.translateToString(true) ?? '');
  }
}
