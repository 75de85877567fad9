import type { CofferError } from '@coffer/core';
import { safeText } from './safe-text.ts';
import { textWidth } from './text-width.ts';

/** Where a command writes: results on `stdout`, everything else on `stderr`. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** A result in both of its forms; only the asked one is computed. */
export interface Result {
  /** One JSON document. */
  readonly json: () => unknown;
  readonly text: () => string;
}

/** A result of many rows; each is made when it is written. */
export interface Rows<Row> {
  readonly rows: Iterable<Row> | AsyncIterable<Row>;
  /** One element of a JSON array. */
  readonly json: (row: Row) => unknown;
  /** One line. */
  readonly text: (row: Row) => string;
}

/** Rows are gathered to so many characters before they are written. */
const blockLength = 64 * 1024;

/** The one writer of a command: what goes where, and in which form, is decided here alone (CLI §Global). */
export class Output {
  readonly #streams: Streams;
  readonly #options: OutputOptions;

  constructor(streams: Streams, options: OutputOptions) {
    this.#streams = streams;
    this.#options = options;
  }

  /** Progress is drawn only for a person: on a terminal, not with `--quiet`, not with `--json`. */
  get showsProgress(): boolean {
    return this.#streams.stderr.isTTY && !this.#options.quiet && !this.#options.json;
  }

  get isJson(): boolean {
    return this.#options.json;
  }

  get columns(): number {
    return this.#streams.stderr.columns ?? 80;
  }

  result(result: Result): void {
    const text = this.#options.json ? JSON.stringify(result.json()) : result.text();
    if (text.length > 0) this.#streams.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** As {@link result}, in little memory however many rows there are. */
  async rows<Row>({ rows, json, text }: Rows<Row>): Promise<void> {
    const isJson = this.#options.json;
    let block = isJson ? '[' : '';
    let count = 0;
    for await (const row of rows) {
      block += isJson ? (count > 0 ? ',' : '') + JSON.stringify(json(row)) : `${text(row)}\n`;
      count += 1;
      if (block.length < blockLength) continue;
      await this.#write(block);
      block = '';
    }
    if (isJson) block += ']\n';
    if (block.length > 0) await this.#write(block);
  }

  /** Raw bytes of a result. Resolves when they may be overwritten. */
  async bytes(bytes: Uint8Array): Promise<void> {
    await this.#write(bytes);
  }

  /** A message for a person; silent with `--quiet` and `--json`. */
  note(text: string): void {
    if (!this.#options.quiet && !this.#options.json) this.#streams.stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.#streams.stderr.write(this.#options.json ? `${JSON.stringify({ warning: text })}\n` : `warning: ${text}\n`);
  }

  /** Draws over the current line of the terminal. */
  status(text: string): void {
    if (this.showsProgress) this.#streams.stderr.write(`\r\u001b[K${text}`);
  }

  async #write(data: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#streams.stdout.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  error(error: CofferError): void {
    const { code, hint } = error;
    const message = safeText(error.message);
    if (this.#options.json) {
      this.#streams.stderr.write(`${JSON.stringify({ error: { code, message, hint: hint ?? null } })}\n`);
      return;
    }
    this.#streams.stderr.write(`error: ${message}\n`);
    if (hint !== undefined) this.#streams.stderr.write(`hint: ${safeText(hint)}\n`);
  }
}

/** Columns aligned by the width a terminal gives them; the last one is not padded. Cells are made harmless for the terminal. */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(safeText));
  const widths: number[] = [];
  for (const row of cells)
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, textWidth(cell))));
  return cells
    .map((row) =>
      row
        .map((cell, index) =>
          index === row.length - 1 ? cell : cell + ' '.repeat((widths[index] ?? 0) - textWidth(cell)),
        )
        .join('  '),
    )
    .join('\n');
}
