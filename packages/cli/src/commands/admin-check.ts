import { checkStorage, findingText } from '@coffer/storage';
import type { FindingText } from '@coffer/storage';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import type { Command } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { folderOf } from '../folders.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional(), readData: Flag }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const path = folderOf(context, { given: options.storage, name: 'storage' });
  const findings: FindingText[] = [];
  for await (const finding of checkStorage({ path, readData: options.readData, signal: context.signal })) {
    const text = findingText(finding);
    findings.push(text);
    context.output.note(`damaged: ${describe(text)}`);
  }
  context.output.result({
    json: () => ({ clean: findings.length === 0, findings }),
    text: () => (findings.length === 0 ? 'everything is in order' : `${findings.length} problems found`),
  });
  if (findings.length === 0) return undefined;
  context.output.note(whatToDo);
  return exitCodes.integrity;
};

const whatToDo = `hint: A device that still has the files sends lost content again when it syncs, and coffer verify there says what is
hint: missing. Findings about the index go with coffer admin rebuild-index, while the server is stopped.`;

/** What is wrong, and the pack, vault and version it is about. */
function describe({ kind: _kind, message, ...about }: FindingText): string {
  const where = Object.entries(about).map(([name, value]) => `${name} ${value}`);
  return where.length === 0 ? message : `${message} (${where.join(', ')})`;
}
