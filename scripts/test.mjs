/** `npm test [-- JEST ARGUMENTS]`: readies the clone, then runs every test or those that the arguments select. */
import { bootstrap, runNode } from './bootstrap.mjs';

bootstrap({ project: 'tsconfig.build.json' });
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
process.exitCode = runNode([...jest, ...process.argv.slice(2)]);
