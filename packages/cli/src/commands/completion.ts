import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { completionScripts } from '../completion.ts';
import type { Command } from '../context.ts';
import { commandWords } from '../program.ts';

const schemas = { args: z.tuple([z.enum(['bash', 'zsh', 'fish'])]), options: z.strictObject({}) };

export const run: Command = async (context, input) => {
  const [shell] = parseInput(input, schemas).args;
  const script = completionScripts[shell](commandWords(context.streams));
  context.output.result({ json: () => ({ shell, script }), text: () => script.trimEnd() });
  return undefined;
};
