import type { CofferError } from '@coffer/core';
import type { SyncProgress } from '../progress.ts';
import type { SyncReport } from '../report.ts';

/**
 * What a watched job is at. `settling`: something changed and has not rested yet. `stuck`: it cannot go on until somebody does
 * something, and looks every minute whether that is so.
 */
export type WatchState = 'scanning' | 'transferring' | 'settling' | 'up to date' | 'offline' | 'stuck' | 'paused';

export type WatchEvent =
  | { readonly kind: 'state'; readonly state: WatchState; readonly progress?: SyncProgress }
  /** A run that did something, or of which something failed that did not fail before. */
  | { readonly kind: 'run'; readonly report: SyncReport }
  /** Said once: why the job is offline or stuck, or that the folder is polled. */
  | { readonly kind: 'trouble'; readonly state: 'offline' | 'stuck' | 'polling'; readonly error: CofferError }
  /** What was said of last is over. */
  | { readonly kind: 'over'; readonly state: 'offline' | 'stuck' | 'polling' };
