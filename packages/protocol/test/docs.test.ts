import { describe, expect, test } from '@jest/globals';
import { errorCodes } from '@coffer/core';
import { generatedPart, readProjectFile } from './docs/generated-part.ts';
import { limitGroups, limitTable } from './docs/limit-tables.ts';
import { eventTable, operationTable } from './docs/operation-tables.ts';

/*
 * Pages that repeat what the code says. `COFFER_UPDATE_DOCS=1 npm test -- packages/protocol/test/docs` writes them anew.
 */

describe('docs/PROTOCOL.md', () => {
  test('shows the operations as they are', () => {
    const content = operationTable();
    expect(generatedPart('docs/PROTOCOL.md', { name: 'operations', content })).toBe(content);
  });

  test('shows the events as they are', () => {
    const content = eventTable();
    expect(generatedPart('docs/PROTOCOL.md', { name: 'events', content })).toBe(content);
  });
});

describe('docs/LIMITS.md', () => {
  test.each(limitGroups)('shows $name as they are', (group) => {
    const content = limitTable(group);
    expect(content).not.toMatch(/\| {2}\|$/m);
    expect(generatedPart('docs/LIMITS.md', { name: group.name, content })).toBe(content);
  });
});

describe('docs/ERRORS.md', () => {
  const rows = [...readProjectFile('docs/ERRORS.md').matchAll(/^\| `([A-Z_]+)` \| (yes|no) \| (.+) \| (.+) \|$/gm)];

  test('has every code once, in order', () => {
    expect(rows.map(([, code]) => code)).toEqual(Object.keys(errorCodes).toSorted());
  });

  test('says rightly which may be tried again', () => {
    const documented = rows.map(([, code, again]) => [code, again === 'yes']);
    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries(Object.entries(errorCodes).map(([code, { retryable }]) => [code, retryable])),
    );
  });

  test('says of each what it means and what to do', () => {
    for (const [, code, , meaning, advice] of rows) {
      expect([code, (meaning ?? '').length > 20, (advice ?? '').length > 10]).toEqual([code, true, true]);
    }
  });
});
