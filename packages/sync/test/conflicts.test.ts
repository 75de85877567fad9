import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConflictList, resolveConflict } from '../src/index.ts';
import type { KeptSide } from '../src/index.ts';
import { Pair, texts } from './pair.ts';
import type { Scene } from './scene.ts';

describe('the list of conflicts', () => {
  async function conflict(): Promise<Pair> {
    const pair = new Pair();
    await pair.agree({ 'd/a.txt': 'agreed' });
    pair.one.write('d/a.txt', 'theirs');
    pair.two.write('d/a.txt', 'mine');
    await pair.one.run('two-way');
    await pair.two.run('two-way');
    return pair;
  }

  function listOf({ temporary }: Scene) {
    using list = ConflictList.openExisting(temporary.at('jobs'));
    return list?.all() ?? [];
  }

  async function resolve(scene: Scene, keep: KeptSide): Promise<void> {
    const [listed] = listOf(scene);
    if (listed === undefined) throw new Error('no conflict');
    await resolveConflict({ stateDirectory: scene.temporary.at('jobs'), conflict: listed, keep });
  }

  test('holds a conflict on the device that met it until it is resolved', async () => {
    using pair = await conflict();
    expect(listOf(pair.one)).toEqual([]);
    const [listed] = listOf(pair.two);
    expect(listed).toMatchObject({ path: 'd/a.txt', mine: 'copy', job: { path: 'docs', root: pair.two.folder } });
    expect(listed?.copy).toMatch(/^d\/a \(conflict, laptop, .*\)\.txt$/);
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(listOf(pair.two)).toHaveLength(1);
    await resolve(pair.two, 'both');
    expect(listOf(pair.two)).toEqual([]);
    expect(readdirSync(pair.two.at('d'))).toHaveLength(2);
  });

  test.each([
    ['mine', 'mine'],
    ['theirs', 'theirs'],
  ] as const)('keep %s', async (keep, text) => {
    using pair = await conflict();
    await resolve(pair.two, keep);
    expect(listOf(pair.two)).toEqual([]);
    await pair.two.run('two-way', { force: true });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(pair.one.folder)).toEqual({ 'd/a.txt': text });
    expect(pair.one.vault.tree.lookup('/docs/d/a.txt')?.version).toBe(keep === 'mine' ? 3 : 2);
  });

  test('does not remove a copy that was changed since: it is nowhere else', async () => {
    using pair = await conflict();
    const copy = listOf(pair.two)[0]?.copy ?? '';
    pair.two.write(copy, 'mine, and more');
    await expect(resolve(pair.two, 'theirs')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(readFileSync(pair.two.at(copy), 'utf8')).toBe('mine, and more');
    expect(listOf(pair.two)).toHaveLength(1);
    await pair.two.run('two-way');
    await resolve(pair.two, 'theirs');
    expect(existsSync(pair.two.at(copy))).toBe(false);
  });

  test('does not replace what was changed since, and drops what people resolved by themselves', async () => {
    using pair = await conflict();
    pair.two.write('d/a.txt', 'again');
    await expect(resolve(pair.two, 'mine')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(readFileSync(pair.two.at('d/a.txt'), 'utf8')).toBe('again');
    expect(listOf(pair.two)).toHaveLength(1);
    rmSync(`${pair.two.folder}/${listOf(pair.two)[0]?.copy}`);
    await pair.two.run('two-way');
    expect(listOf(pair.two)).toEqual([]);
    expect(existsSync(pair.two.at('d/a.txt'))).toBe(true);
  });
});
