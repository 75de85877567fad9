import { useApp, useCursor, useInput, usePaste, useWindowSize } from 'ink';
import { useEffect, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import type { Shell } from '../app/shell.ts';
import { keysOf } from '../terminal/keys.ts';
import { FrameView } from './frame-view.tsx';

/** The one component with a life of its own: gives keys to the shell and draws what the shell shows. */
export function App({ shell }: { readonly shell: Shell }): ReactNode {
  const size = useWindowSize();
  const { suspendTerminal } = useApp();
  const { setCursorPosition } = useCursor();
  useSyncExternalStore(shell.subscribe, shell.version);
  useEffect(() => shell.attach({ suspend: (callback) => suspendTerminal(callback) }), [shell, suspendTerminal]);
  useInput((input, key) => {
    for (const name of keysOf(input, key)) shell.key(name);
  });
  usePaste((text) => shell.paste(text));
  const frame = shell.frame(size);
  setCursorPosition(frame.cursor);
  return <FrameView frame={frame} theme={shell.theme} />;
}
