export { runUi } from './run-ui.ts';
export type { UiOptions } from './run-ui.ts';
