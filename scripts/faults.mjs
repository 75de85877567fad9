/**
 * `npm run faults [-- NAME] [OPTIONS]`: runs every fault of `packages/e2e/faults/`, or the one called NAME, or else those
 * whose name contains it, with the options that follow (`packages/e2e/faults/options.ts`).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, root, runNodeInForeground } from './bootstrap.mjs';

bootstrap({ project: 'tsconfig.build.json' });

const typed = process.argv.slice(2);
const [name, options] = typed[0] === undefined || typed[0].startsWith('-') ? ['', typed] : [typed[0], typed.slice(1)];
const folder = 'packages/e2e/faults';
const all = readdirSync(join(root, folder)).filter((file) => file.endsWith('.fault.ts'));
const files = all.includes(`${name}.fault.ts`) ? [`${name}.fault.ts`] : all.filter((file) => file.includes(name));
if (files.length === 0) throw new Error(`no fault in ${folder} has "${name}" in its name`);

for (const file of files.toSorted()) {
  const code = await runNodeInForeground(['--conditions=source', '--import=tsx', join(folder, file), ...options]);
  if (code !== 0) process.exitCode = code;
  if (code === 130) break;
}
