import { isDeepStrictEqual } from 'node:util';
import type { PlanLine } from '../src/index.ts';
import { describeTree } from './folder-tools.ts';
import { Scene } from './scene.ts';

/** Two folders that have the same, after a two-way sync of both. */
export class Pair implements Disposable {
  readonly one = new Scene();
  readonly two = new Scene(this.one.vault);

  async agree(files: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(files)) this.one.write(name, text);
    await this.one.run('two-way');
    await this.two.run('two-way');
  }

  /** Both have synced until the other's changes are there, too. */
  async settle(): Promise<void> {
    for (const scene of [this.one, this.two, this.one]) await scene.run('two-way', { force: true });
  }

  /** What is different, and what is still to do: nothing, once both have settled. */
  async differences(): Promise<readonly string[]> {
    const [here, there] = [describeTree(this.one.folder), describeTree(this.two.folder)];
    const paths = Object.keys({ ...here, ...there });
    const different = paths.filter((path) => !isDeepStrictEqual(here[path], there[path]));
    return [...different, ...(await linesOf(this.one)), ...(await linesOf(this.two))];
  }

  [Symbol.dispose](): void {
    this.one[Symbol.dispose]();
    this.two[Symbol.dispose]();
  }
}

/** What a two-way run would do. */
export async function linesOf(scene: Scene): Promise<readonly string[]> {
  const lines: PlanLine[] = [];
  await scene.run('two-way', { dryRun: true, onPlan: (line) => lines.push(line) });
  return lines.map(({ to, action, path, reason }) => `${to}: ${action} ${path}: ${reason}`);
}

/** Contents of files by path, with the time in conflict names left out. */
export function texts(folder: string): Record<string, string> {
  const files = Object.entries(describeTree(folder)).filter(([, { kind }]) => kind === 'file');
  return Object.fromEntries(files.map(([path, { content }]) => [withoutTime(path), content]));
}

function withoutTime(path: string): string {
  return path.replace(/\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d/, 'TIME');
}
