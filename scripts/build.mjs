/** `npm run build`: the type check, every package's `dist`, and the program `coffer` in one piece. */
import { bootstrap } from './bootstrap.mjs';

bootstrap({ project: 'tsconfig.build.json' });
