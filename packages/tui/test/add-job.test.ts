import { expect, test } from '@jest/globals';
import type { ListedJob } from '@coffer/sync';
import { systemClock } from '@coffer/core';
import { Scene } from '../../sync/test/scene.ts';
import { addJob } from '../src/services/add-job.ts';
import { Jobs } from '../src/services/jobs.ts';
import type { JobsDeps } from '../src/services/jobs.ts';

/** Adds a job in two-way between the folder and /docs; the person agrees to all but a question that begins with `refuses`. */
async function add({
  scene,
  jobs,
  refuses,
}: {
  scene: Scene;
  jobs: Jobs;
  refuses: string;
}): Promise<readonly string[]> {
  const asked: string[] = [];
  const ui = {
    chooseSome: async () => ({ values: [{ kind: 'take', path: scene.folder }], areMarked: false }),
    ask: async () => '/docs',
    choose: async () => 'two-way',
    confirm: async ({ title, lines }: { title: string; lines: readonly string[] }) => {
      asked.push(`${title}: ${lines.join(' ').replaceAll(scene.folder, 'FOLDER')}`);
      return !title.startsWith(refuses);
    },
    fail: (error: unknown) => asked.push(String(error)),
  };
  const local = { home: scene.folder, list: () => [], parentOf: () => '/' };
  await addJob({ ui, local, jobs } as unknown as Parameters<typeof addJob>[0]);
  return asked;
}

function openJobs(scene: Scene): Jobs {
  const info = { deviceName: 'laptop', device: new Uint8Array(16).fill(1) };
  const jobsFolder = scene.temporary.at('jobs');
  const deps = { account: { info }, vault: scene.vault, clock: systemClock, jobsFolder, onChanged: () => undefined };
  return new Jobs(deps as unknown as JobsDeps);
}

test('that nothing is removed is promised of a first run alone', async () => {
  using scene = new Scene();
  await using jobs = openJobs(scene);
  expect(await add({ scene, jobs, refuses: 'Run' })).toEqual([
    'Run it now: FOLDER and /docs: nothing is removed on either side by a first run.',
  ]);
  jobs.forget(jobs.store.state.jobs[0]?.job as ListedJob);
  scene.write('a', '1');
  await scene.run('two-way');
  const [question] = await add({ scene, jobs, refuses: 'Run' });
  expect(question).toContain('were synced before');
});

test('a job that is there is replaced only when that is meant', async () => {
  using scene = new Scene();
  await using jobs = openJobs(scene);
  jobs.add({ local: scene.folder, path: '/docs', mode: 'push', delete: true, exclude: ['*.log'] });
  expect(await add({ scene, jobs, refuses: 'There is' })).toEqual([
    'There is a job on these two already: FOLDER and /docs: push, with removals. It leaves out: *.log. The new one is two-way, and leaves nothing out.',
  ]);
  expect(jobs.store.state.jobs.map(({ job }) => job.mode)).toEqual(['push']);
  await add({ scene, jobs, refuses: 'Run' });
  expect(jobs.store.state.jobs.map(({ job }) => job.mode)).toEqual(['two-way']);
});
