export { bindings, screenIds } from './keymap.ts';
export type { ActionId, Binding, ScreenId } from './keymap.ts';
export { onlyCommands } from './keymap/only-commands.ts';
export { runUi } from './run-ui.ts';
export type { UiOptions } from './run-ui.ts';
export type { AdministrationTools, OpenedReset } from './services/administration.ts';
export type { NewPasswords } from './services/new-password.ts';
export type { SignInOptions, SignInPlace } from './sign-in.ts';
