import { describe, expect, test } from '@jest/globals';
import { Child, cleanEnvironment, cofferCommand, TemporaryFolder } from '../src/index.ts';

describe('the start of a command', () => {
  test('loads no more of Node than it uses', async () => {
    await using folder = await TemporaryFolder.open();
    const loaded = await builtinsLoadedBy(['whoami'], folder.path);

    expect(loaded).toContain('fs');
    const needless = ['child_process', 'readline', 'sqlite', 'tls', 'zlib'];
    expect(loaded.filter((name) => needless.includes(name))).toEqual([]);
  });
});

/** Public modules of Node that a command has loaded when it ends, whatever comes of it. */
async function builtinsLoadedBy(args: readonly string[], home: string): Promise<readonly string[]> {
  const [node, ...rest] = cofferCommand([...args, '--home', home]);
  const preload = `process.on('exit', () => console.log(JSON.stringify(process.moduleLoadList)))`;
  const argv = [node, `--import=data:text/javascript,${encodeURIComponent(preload)}`, ...rest] as const;
  await using child = new Child(argv, { env: cleanEnvironment(home) });
  const { stdout } = await child.finished;
  const list = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
  return list.flatMap((name) => /^NativeModule ([a-z_]+)$/.exec(name)?.[1] ?? []);
}
