import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { examine } from '@coffer/client';
import type { Finding } from '@coffer/client';
import { openProfile } from './compose.ts';
import type { CommandContext } from './context.ts';
import { version } from './version.ts';

/** What there is to say about this device, the server it knows, and the way to it. */
export function examineHere(context: CommandContext, signal: AbortSignal): AsyncIterable<Finding> {
  const { globals, clock } = context;
  const openHere = () => openProfile(context);
  return examine({ openProfile: openHere, home: existing(globals.home), version, clock }, signal);
}

/** The folder, or the nearest one above it that exists: the first login makes the rest. */
function existing(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder));
}
