import type { Binding } from './binding.ts';

/** Keys of the Jobs screen. */
export const jobsKeys = [
  {
    action: 'addJob',
    keys: ['a'],
    label: 'add',
    help: 'Keep one more folder of this device in step.',
    group: 'Jobs',
    screens: ['jobs'],
    cli: ['sync'],
    footer: 4,
  },
  {
    action: 'runJob',
    keys: ['S'],
    label: 'run now',
    help: 'Run the job now.',
    group: 'Jobs',
    screens: ['jobs'],
    cli: ['sync'],
    footer: 1,
  },
  {
    action: 'planJob',
    keys: ['!'],
    label: 'plan',
    help: 'Show what a run would do; agreed to, it runs.',
    group: 'Jobs',
    screens: ['jobs'],
    cli: ['sync'],
    footer: 2,
  },
  {
    action: 'stopJob',
    keys: ['P'],
    label: 'stop',
    help: 'Stop the run; the next one goes on from there.',
    group: 'Jobs',
    screens: ['jobs'],
    cli: ['sync'],
    footer: 3,
  },
  {
    action: 'forgetJob',
    keys: ['d'],
    label: 'forget',
    help: 'Forget the job; no file is removed.',
    group: 'Jobs',
    screens: ['jobs'],
    onlyHere: 'only this screen has a list of jobs; a command runs what it is given',
  },
] as const satisfies readonly Binding[];
