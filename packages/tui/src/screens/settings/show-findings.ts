import type { Finding } from '@coffer/client';
import type { Services } from '../../services/services.ts';
import { count } from '../../terminal/format.ts';
import type { Role } from '../../terminal/theme.ts';

/** Looks at this device and the way to the server, and says what was found and what to do. */
export async function showFindings({ ui, examine }: Pick<Services, 'ui' | 'examine'>): Promise<void> {
  const findings: Finding[] = [];
  const isDone = await ui.work('looking at this device', async (signal) => {
    for await (const finding of examine(signal)) findings.push(finding);
  });
  if (!isDone) return;
  const wrong = findings.filter(({ state }) => state !== 'good').length;
  const title = wrong === 0 ? 'Everything is in order' : `${count(wrong, 'thing')} to see to`;
  await ui.read({ title, lines: findings.flatMap(linesOf) });
}

const shownAs: Readonly<Record<Finding['state'], { readonly word: string; readonly role: Role }>> = {
  good: { word: 'good', role: 'plain' },
  warning: { word: 'WARNING', role: 'warning' },
  problem: { word: 'PROBLEM', role: 'error' },
};

function linesOf({ check, state, text, hint }: Finding): { readonly text: string; readonly role: Role }[] {
  const { word, role } = shownAs[state];
  const first = { text: `${check.padEnd(12)} ${word.padEnd(8)} ${text}`, role };
  return hint === undefined ? [first] : [first, { text: `${' '.repeat(13)}${hint}`, role: 'dim' }];
}
