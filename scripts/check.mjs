/** `npm run check`: everything that must hold before a change lands, or the steps that are named. Runs all of it, then fails if any of it failed. */
import { bootstrap, run, runNode } from './bootstrap.mjs';

bootstrap({ project: 'tsconfig.build.json' });

const steps = {
  'dead code': () => run('knip', ['--no-config-hints']),
  lint: () => run('oxlint', ['--type-aware', '--deny-warnings']),
  format: () => run('oxfmt', ['--check']),
  boundaries: () => runNode(['scripts/check-boundaries.ts']),
  tests: () => runNode(['scripts/test.mjs']),
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !Object.hasOwn(steps, name));
if (unknown.length > 0) throw new RangeError(`no step is called ${unknown.join(', ')}`);

const failed = [];
for (const [name, step] of Object.entries(steps)) {
  if (named.length > 0 && !named.includes(name)) continue;
  console.log(`\n── ${name}`);
  if (step() !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`\ncheck failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
