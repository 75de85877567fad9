import { homedir, hostname } from 'node:os';
import { z } from 'zod';
import { administrationTools } from '../administration-tools.ts';
import { Flag, parseInput } from '../arguments.ts';
import { clientConfig } from '../client-config.ts';
import { jobsFolder, openProfile } from '../compose.ts';
import type { Command } from '../context.ts';
import { examineHere } from '../examine-here.ts';
import { newPasswords } from '../new-password.ts';
import { passwordInFile } from '../prompt.ts';
import { stopUntilContinued } from '../system-stop.ts';
import { parseTime } from '../time.ts';
import { parsePlaceOrInvite } from '../login-target.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ screenReader: Flag }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const { runUi } = await import('@coffer/tui');
  const profile = openProfile(context);
  const { lockAfter } = await clientConfig(profile, context.env);
  await runUi({
    profile,
    lockAfterMs: lockAfter,
    examine: (signal) => examineHere(context, signal),
    administration: administrationTools(context, profile),
    newPasswords: newPasswords(context),
    passwordInFile: () => passwordInFile(context),
    parsePlace: parsePlaceOrInvite,
    parseTime: (text) => parseTime(text, context.clock.nowMs()),
    machineName: hostname().slice(0, 64) || 'device',
    jobsFolder: jobsFolder(context),
    homeFolder: homedir(),
    cwd: context.cwd,
    env: context.env,
    clock: context.clock,
    streams: context.streams,
    stop: stopUntilContinued,
    isForScreenReader: options.screenReader,
    signal: context.signal,
  });
  return undefined;
};
