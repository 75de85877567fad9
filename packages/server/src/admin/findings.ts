import { decodeCbor, encodeCbor } from '@coffer/core';
import { findingText, type Accounts, type Finding } from '@coffer/storage';
import { z } from 'zod';

/** Findings that are kept word by word; on a disk that is gone there are as many as records. */
const keptFindings = 100;

const Stored = z.strictObject({
  v: z.literal(1),
  atMs: z.number().int().min(0),
  count: z.number().int().min(0),
  first: z.array(z.string().max(500)).max(keptFindings),
});

/** What the last complete scrub found. */
export type LastFindings = Readonly<Omit<z.infer<typeof Stored>, 'v'>>;

const setting = 'scrub.findings';

/** Undefined when there was no complete scrub. @throws IO */
export async function readFindings(accounts: Pick<Accounts, 'setting'>): Promise<LastFindings | undefined> {
  const bytes = await accounts.setting(setting);
  const parsed = bytes && Stored.safeParse(decodeCbor(bytes));
  if (!parsed?.success) return undefined;
  const { v: _v, ...last } = parsed.data;
  return last;
}

/** @throws NO_SPACE, BUSY, IO */
export async function keepFindings(
  accounts: Pick<Accounts, 'setSetting'>,
  { findings, atMs }: { readonly findings: readonly Finding[]; readonly atMs: number },
): Promise<LastFindings> {
  const last = { atMs, count: findings.length, first: findings.slice(0, keptFindings).map(describe) };
  await accounts.setSetting(setting, encodeCbor({ v: 1, ...last }));
  return last;
}

/** One line: what is wrong, and where. */
function describe(finding: Finding): string {
  const { kind: _kind, message, ...about } = findingText(finding);
  const where = Object.entries(about).map(([name, value]) => `${name} ${value}`);
  return (where.length === 0 ? message : `${message} (${where.join(', ')})`).slice(0, 500);
}
