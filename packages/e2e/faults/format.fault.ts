/**
 * Packs, databases and commits of a newer format under the real daemon.
 *
 *   npm run faults -- format
 */
import { refuseNewerFormats } from './format/refuse-newer-formats.ts';
import { main } from './main.ts';

await main({
  name: 'format',
  run: async ({ seed }, signal) => {
    const { refused, files } = await refuseNewerFormats(seed, signal);
    return [
      `of a newer format, refused: ${refused.join('; ')}`,
      `${files} files of the storage are byte for byte what they were; with the older ones back everything is there`,
    ];
  },
});
