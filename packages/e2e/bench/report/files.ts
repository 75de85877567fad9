import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the checkout. */
export const root = fileURLToPath(new URL('../../../..', import.meta.url));

const results = fileURLToPath(new URL('../results', import.meta.url));
const docs = join(root, 'docs', 'BENCHMARKS.md');

/** Keeps the result of a benchmark for `--only-docs` and for comparisons; gives the path from the root. */
export function writeResult(name: string, result: unknown): string {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  return `packages/e2e/bench/results/${name}.json`;
}

/** @throws Error when there is none */
export function readResult(name: string): unknown {
  return JSON.parse(readFileSync(join(results, `${name}.json`), 'utf8')) as unknown;
}

/** Puts `text` between the markers of `name` in docs/BENCHMARKS.md. @throws Error when they are not there */
export function writeDocs(name: string, text: string): void {
  const page = readFileSync(docs, 'utf8');
  const [start, end] = [`<!-- bench:${name} -->`, `<!-- end of bench:${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`docs/BENCHMARKS.md lacks the markers ${start} and ${end}`);
  writeFileSync(docs, `${page.slice(0, from + start.length)}\n\n${text.trim()}\n\n${page.slice(to)}`);
}
