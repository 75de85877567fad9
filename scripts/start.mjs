/** `npm start [-- FOLDER]`: readies the clone, then runs the quick start from its sources. */
import { bootstrap, runNodeInForeground } from './bootstrap.mjs';

bootstrap({ project: 'packages/cli' });
const fromSources = ['--conditions=source', '--import=tsx', 'scripts/start-main.ts'];
process.exitCode = await runNodeInForeground([...fromSources, ...process.argv.slice(2)]);
