/**
 * `npm run bench [-- NAME] [OPTIONS]`: runs every benchmark of `packages/e2e/bench/`, or those whose file name contains
 * NAME, with the options that follow (`packages/e2e/bench/options.ts`). A NAME that none of them has is looked for among
 * the benchmarks of single packages, which have options of their own.
 */
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { bootstrap, root, runNodeInForeground } from './bootstrap.mjs';

bootstrap({ project: 'tsconfig.build.json' });

const typed = process.argv.slice(2);
const [name, options] = typed[0] === undefined || typed[0].startsWith('-') ? ['', typed] : [typed[0], typed.slice(1)];
const benchmarks = (pattern) =>
  globSync(pattern, { cwd: root }).filter((file) => basename(file, '.bench.ts').includes(name));
const whole = benchmarks('packages/e2e/bench/*.bench.ts');
const files = whole.length > 0 ? whole : benchmarks('packages/*/bench/*.bench.ts');
if (files.length === 0) throw new Error(`no benchmark has "${name}" in its name`);

for (const file of files.toSorted()) {
  const code = await runNodeInForeground(['--conditions=source', '--import=tsx', file, ...options]);
  if (code !== 0) process.exitCode = code;
  if (code === 130) break;
}
