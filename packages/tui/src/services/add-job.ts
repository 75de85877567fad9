import { basename } from 'node:path';
import { CofferError } from '@coffer/core';
import { splitPath } from '@coffer/client';
import type { ListedJob } from '@coffer/sync';
import { pickLocal } from './pick-local.ts';
import type { Services } from './services.ts';

type Parts = Pick<Services, 'ui' | 'local' | 'jobs'>;

/** Asks for a folder, where it goes and how, adds the job, and runs it when that is wanted. */
export async function addJob(parts: Parts): Promise<void> {
  const { ui, local, jobs } = parts;
  const picked = await pickLocal(parts, { title: 'Keep which folder in step?', start: local.home, want: 'folder' });
  const folder = picked?.[0];
  if (folder === undefined) return;
  const path = await ui.ask({
    title: `Where in the vault does ${folder} go?`,
    initial: `/${basename(folder)}`,
    check: pathProblem,
  });
  if (path === undefined) return;
  const mode = await ui.choose<ListedJob['mode']>({ title: 'How?', choices: modes });
  if (mode === undefined) return;
  const job: ListedJob = { local: folder, path, mode, delete: mode === 'two-way', exclude: [] };
  if (!(await mayReplace(parts, job))) return;
  jobs.add(job);
  const runsNow = await ui.confirm({
    title: 'Run it now',
    lines: [
      `${folder} and ${path}: ${jobs.hasRun(job) ? synced : 'nothing is removed on either side by a first run'}.`,
    ],
    yes: 'run it now',
  });
  if (runsNow) void jobs.run(job).catch((error: unknown) => ui.fail(error));
}

const synced = 'they were synced before, so what was removed since may be removed on the other side; ! shows the plan';

/** True when there is no other job between the two, or somebody means to replace it. */
async function mayReplace({ ui, jobs }: Parts, job: ListedJob): Promise<boolean> {
  const there = jobs.find(job);
  if (there === undefined) return true;
  return await ui.confirm({
    title: 'There is a job on these two already',
    lines: [
      `${there.local} and ${there.path}: ${there.mode}${there.delete ? ', with removals' : ''}.`,
      ...(there.exclude.length === 0 ? [] : [`It leaves out: ${there.exclude.join(', ')}.`]),
      `The new one is ${job.mode}, and leaves nothing out.`,
    ],
    yes: 'replace it',
  });
}

const modes = [
  { label: 'push', detail: 'the vault becomes the folder: a backup', value: 'push' as const },
  { label: 'pull', detail: 'the folder becomes the vault: a copy of what is there', value: 'pull' as const },
  { label: 'two-way', detail: 'both get what the other has new, removals too', value: 'two-way' as const },
];

function pathProblem(text: string): string | undefined {
  try {
    return splitPath(text).length === 0 ? 'name a folder of the vault, like /photos' : undefined;
  } catch (error) {
    if (error instanceof CofferError) return error.message;
    throw error;
  }
}
