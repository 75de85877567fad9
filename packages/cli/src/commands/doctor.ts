import type { Finding } from '@coffer/client';
import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import type { Command } from '../context.ts';
import { examineHere } from '../examine-here.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { table } from '../output.ts';
import { safeText } from '../safe-text.ts';

export const run: Command = async (context, input) => {
  parseInput(input, { args: z.tuple([]), options: z.strictObject({}) });
  const findings = await Array.fromAsync(examineHere(context, context.signal));
  context.output.result({
    json: () => findings.map(({ hint = null, code = null, ...finding }) => ({ ...finding, hint, code })),
    text: () => [table(findings.map(row)), ...hintLines(findings)].join('\n'),
  });
  const worst = findings.find(({ code }) => code !== undefined);
  return worst?.code === undefined ? undefined : exitCodeOf(worst.code);
};

const words: Readonly<Record<Finding['state'], string>> = { good: 'good', warning: 'WARNING', problem: 'PROBLEM' };

function row({ check, state, text }: Finding): string[] {
  return [check, words[state], text];
}

function hintLines(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ check, hint }) => (hint === undefined ? [] : [safeText(`${check}: ${hint}`)]));
}
