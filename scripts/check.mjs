/** `npm run check`: everything that must hold before a change lands. Runs all of it, then fails if any of it failed. */
import { bootstrap, run, runNode } from './bootstrap.mjs';

bootstrap({ project: 'tsconfig.build.json' });

const steps = {
  'dead code': () => run('knip', ['--no-config-hints']),
  lint: () => run('oxlint', ['--type-aware', '--deny-warnings']),
  format: () => run('oxfmt', ['--check']),
  boundaries: () => runNode(['scripts/check-boundaries.ts']),
  tests: () => runNode(['scripts/test.mjs']),
};

const failed = [];
for (const [name, step] of Object.entries(steps)) {
  console.log(`\n── ${name}`);
  if (step() !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`\ncheck failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
