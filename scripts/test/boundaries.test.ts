import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { findViolations, mayImport } from '../boundaries.ts';
import { readSourceFacts } from '../source-facts.ts';

function check(sources: Readonly<Record<string, string>>): string[] {
  return findViolations(Object.entries(sources).map(([path, source]) => ({ path, facts: readSourceFacts(source) })));
}

describe('a graph as designed has no violations', () => {
  test.each([
    ['an allowed package', { 'packages/server/src/a.ts': `import { Storage } from '@coffer/storage';` }],
    ['a fake in a test', { 'packages/server/test/a.test.ts': `import { fake } from '@coffer/storage/testing';` }],
    ['a neighbour', { 'packages/core/src/deep/a.ts': `export { b } from '../b.ts';` }],
    ['the clock in its adapter', { 'packages/core/src/system-clock.ts': `export const now = () => Date.now();` }],
    [
      'words in comments and strings',
      { 'packages/core/src/a.ts': `// Date.now, @coffer/crypto\nexport const a = 'Date.now';` },
    ],
  ])('%s', (_name, sources) => {
    expect(check(sources)).toEqual([]);
  });
});

describe('each rule refuses what breaks it', () => {
  test.each([
    [
      'the server importing crypto',
      'packages/server/src/a.ts',
      `import { seal } from '@coffer/crypto';`,
      'server may not import crypto',
    ],
    [
      'a type from crypto',
      'packages/storage/src/a.ts',
      `import type { Key } from '@coffer/crypto';`,
      'storage may not import crypto',
    ],
    [
      'a type expression',
      'packages/storage/src/a.ts',
      `export type K = import('@coffer/crypto').Key;`,
      'storage may not import crypto',
    ],
    [
      'a lazy import',
      'packages/protocol/src/a.ts',
      `export const a = () => import('@coffer/crypto');`,
      'protocol may not import crypto',
    ],
    [
      'a re-export',
      'packages/journal/src/a.ts',
      `export { seal } from '@coffer/crypto';`,
      'journal may not import crypto',
    ],
    ['a deep import', 'packages/server/src/a.ts', `import { a } from '@coffer/storage/src/a.ts';`, 'is a deep import'],
    [
      'a way round by path',
      'packages/server/src/a.ts',
      `import { a } from '../../crypto/src/a.ts';`,
      'leaves the package',
    ],
    [
      'a fake in production',
      'packages/server/src/a.ts',
      `import { a } from '@coffer/storage/testing';`,
      'is for tests',
    ],
    ['export *', 'packages/core/src/index.ts', `export * from './a.ts';`, 'export *'],
    ['a vague name', 'packages/core/src/utils.ts', `export const a = 1;`, 'the name says nothing'],
    ['the clock', 'packages/core/src/a.ts', `export const a = Date.now();`, 'Date.now belongs in an adapter'],
    [
      'the clock as an object',
      'packages/core/src/a.ts',
      `export const a = new Date();`,
      'new Date() belongs in an adapter',
    ],
    ['chance', 'packages/core/src/a.ts', `export const a = Math.random();`, 'Math.random belongs in an adapter'],
    [
      'the environment',
      'packages/cli/src/a.ts',
      `export const a = process.env.HOME;`,
      'process.env belongs in an adapter',
    ],
    [
      'I/O in a pure package',
      'packages/crypto/src/a.ts',
      `import { readFile } from 'node:fs/promises';`,
      'crypto does no I/O',
    ],
    [
      'a built-in without its prefix',
      'packages/cli/src/a.ts',
      `import { readFile } from 'fs';`,
      'needs the node: prefix',
    ],
  ])('%s', (_name, path, source, expected) => {
    expect(check({ [path]: source }).join('\n')).toContain(expected);
  });

  test('ciphers in two files', () => {
    const source = `import { createCipheriv } from 'node:crypto';\nexport const a = createCipheriv;`;
    expect(check({ 'packages/crypto/src/a.ts': source })).toEqual([]);
    expect(check({ 'packages/crypto/src/a.ts': source, 'packages/crypto/src/b.ts': source })).toHaveLength(1);
  });

  test('crypto within reach of the server through another package', () => {
    const found = check({
      'packages/server/src/a.ts': `import { a } from '@coffer/client';`,
      'packages/client/src/a.ts': `import { a } from '@coffer/crypto';`,
    });
    expect(found).toContain('keys are within reach: server → client → crypto');
  });

  test('packages in a circle', () => {
    const found = check({
      'packages/core/src/a.ts': `import { a } from '@coffer/journal';`,
      'packages/journal/src/a.ts': `import { a } from '@coffer/core';`,
    });
    expect(found).toContain('core imports itself in a circle');
  });

  test('a dependency that the table does not have, and a package that it does not have', () => {
    expect(findViolations([], { server: ['crypto'] })).toEqual([expect.stringContaining('may not depend on crypto')]);
    expect(findViolations([], { extras: [] })).toEqual([expect.stringContaining('not in the table')]);
  });
});

test('the linter, which tells in the editor, has the same table', () => {
  const config = JSON.parse(readFileSync(new URL('../../.oxlintrc.json', import.meta.url), 'utf8')) as LintConfig;
  for (const [name, allowed] of Object.entries(mayImport)) {
    const override = config.overrides.find(({ files }) => files.includes(`packages/${name}/src/**`));
    const groups = override?.rules['no-restricted-imports']?.[1].patterns.flatMap(({ group }) => group) ?? [];
    const banned = groups.flatMap((pattern) => /^@coffer\/([\w-]+)$/.exec(pattern)?.[1] ?? []);
    const expected = Object.keys(mayImport).filter((other) => other !== name && !allowed.includes(other));
    expect({ name, banned: banned.toSorted() }).toEqual({ name, banned: expected.toSorted() });
  }
});

interface LintConfig {
  readonly overrides: readonly {
    readonly files: readonly string[];
    readonly rules: {
      readonly 'no-restricted-imports'?: readonly [
        string,
        { readonly patterns: readonly { readonly group: readonly string[] }[] },
      ];
    };
  }[];
}
