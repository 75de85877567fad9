/** `npm run bench [-- NAME]`: runs every benchmark of `packages/e2e/bench/`, or those whose file name contains NAME. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, root, runNode } from './bootstrap.mjs';

bootstrap({ project: 'tsconfig.build.json' });

const [name = ''] = process.argv.slice(2);
const folder = 'packages/e2e/bench';
const files = readdirSync(join(root, folder)).filter((file) => file.endsWith('.bench.ts') && file.includes(name));
if (files.length === 0) throw new Error(`no benchmark in ${folder} has "${name}" in its name`);

for (const file of files.toSorted()) {
  if (runNode(['--conditions=source', '--import=tsx', join(folder, file)]) !== 0) process.exitCode = 1;
}
