/** Words that people read to each other, four in a row. */
export function wordRows(words: readonly string[]): string[] {
  return Array.from({ length: Math.ceil(words.length / 4) }, (_, row) => {
    const four = words.slice(4 * row, 4 * row + 4);
    return `    ${four.map((word) => word.padEnd(10)).join('')}`.trimEnd();
  });
}
