import { CofferError, formatSize, KiB } from '@coffer/core';
import { readFile } from '@coffer/client';
import type { Entry, Vault } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { safeText } from '../safe-text.ts';
import { requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text]), options: z.strictObject({}) };

/** A screen or two; only as much is shown. */
const previewBytes = 16 * KiB;
const previewLines = 60;

/** Text as text, everything else as a hex dump of its beginning; nothing of it can steer the terminal. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path } = await session.at(args[0]);
  const { vault } = home;
  const entry = requireEntry(vault.tree, path, args[0]);
  if (entry.kind !== 'file') throw new CofferError('INVALID', `${args[0]} is not a file`);
  const head = await readHead({ vault, entry }, context.signal);
  const lines = isText(head) ? textLines(head) : hexLines(head);
  const shown = lines.slice(0, previewLines);
  const cut = lines.length > shown.length || entry.size > head.byteLength;
  context.output.result({
    json: () => ({ path: args[0], size: entry.size, text: isText(head), lines: shown, truncated: cut }),
    text: () => [...shown, ...(cut ? [`… ${formatSize(entry.size)} in all`] : [])].join('\n'),
  });
  return undefined;
};

async function readHead(
  file: { readonly vault: Vault; readonly entry: Entry },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const enough = new AbortController();
  const parts: Uint8Array[] = [];
  let length = 0;
  const sink = async (bytes: Uint8Array): Promise<void> => {
    parts.push(bytes.slice(0, previewBytes - length));
    length = Math.min(previewBytes, length + bytes.byteLength);
    if (length === previewBytes) enough.abort(enoughRead);
  };
  try {
    await readFile({ ...file, sink }, AbortSignal.any([signal, enough.signal]));
  } catch (error) {
    if (error !== enoughRead || signal.aborted) throw error;
  }
  return Buffer.concat(parts);
}

const enoughRead = new CofferError('CANCELLED', 'enough was read');

function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  // The end may cut a character in two: that alone does not make it binary.
  const decoded = new TextDecoder('utf-8').decode(bytes, { stream: true });
  return !decoded.includes('\uFFFD');
}

function textLines(bytes: Uint8Array): string[] {
  const text = new TextDecoder('utf-8').decode(bytes, { stream: true });
  return text.split(/\r?\n/).map((line) => safeText(line.replaceAll('\t', '    ')));
}

function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.byteLength; offset += 16) {
    const row = [...bytes.subarray(offset, offset + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : '.')).join('');
    lines.push(`${offset.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${letters}`);
  }
  return lines;
}
