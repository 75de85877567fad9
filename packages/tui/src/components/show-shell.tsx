import { render } from 'ink';
import type { Shell } from '../app/shell.ts';
import { App } from './app.tsx';

export interface ShownShell extends AsyncDisposable {
  /** Settles when the drawing ended by itself. @throws what the drawing threw */
  readonly ended: Promise<unknown>;
}

/** Often enough that a key is answered within a frame. */
const maxFps = 60;

/** Takes the terminal: other screen, raw keys, real cursor. Disposing gives it back as it was. */
export function showShell(
  shell: Shell,
  streams: { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream },
): ShownShell {
  const shown = render(<App shell={shell} />, {
    ...streams,
    alternateScreen: true,
    incrementalRendering: true,
    interactive: true,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps,
  });
  const ended = shown.waitUntilExit();
  return {
    ended,
    async [Symbol.asyncDispose]() {
      shown.unmount();
      await ended;
    },
  };
}
