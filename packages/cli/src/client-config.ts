import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CofferError, environmentName, KiB, minuteMs, nearestName } from '@coffer/core';
import type { Profile } from '@coffer/client';
import type { Document } from 'yaml';
import { z } from 'zod';
import { Duration } from './arguments.ts';

/** Settings of this machine: `config.yaml` in the folder of the profile (CONFIG §Client). */
const ClientConfig = z.strictObject({
  /** Covers the screens of the terminal UI after so long without a key. */
  lockAfter: z.union([z.literal('never').transform(() => Number.POSITIVE_INFINITY), Duration]).default(15 * minuteMs),
});

export type ClientConfig = z.output<typeof ClientConfig>;

/** A file larger than this is no configuration; it also bounds what the YAML parser sees. */
const maxFileBytes = 64 * KiB;

/** Environment > file > default. @throws CONFIG naming the setting, and the nearest known one for an unknown name */
export async function clientConfig(
  { path }: Pick<Profile, 'path'>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ClientConfig> {
  const file = join(path, 'config.yaml');
  const given = { ...(await inFile(file)), ...inEnvironment(env) };
  const parsed = ClientConfig.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') throw unknownSetting(file, issue.keys[0] ?? '');
  throw configError(`${issue?.path.join('.') ?? file}: ${problemOf(issue)}`);
}

const names = Object.keys(ClientConfig.shape);

async function inFile(file: string): Promise<Record<string, unknown>> {
  const text = readText(file);
  if (text === undefined) return {};
  // Most have no such file, and do not wait for its parser.
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { schema: 'core', uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw configError(`${file} is not valid YAML: ${problem.message.split('\n', 1)[0]}`);
  const value = plainOf(document, file);
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw configError(`${file} holds no settings`);
  return value as Record<string, unknown>;
}

function plainOf(document: Document, file: string): unknown {
  try {
    // No aliases, no billion laughs.
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw configError(`${file} is not valid YAML: aliases are not allowed`, undefined, cause);
  }
}

function readText(file: string): string | undefined {
  try {
    const bytes = readFileSync(file);
    if (bytes.byteLength > maxFileBytes) throw configError(`${file} is larger than a configuration can be`);
    return bytes.toString('utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (cause instanceof CofferError) throw cause;
    throw configError(`${file} cannot be read`, 'Check its permissions.', cause);
  }
}

function inEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[environmentName(name)];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

function problemOf(issue: z.core.$ZodIssue | undefined): string {
  const inner = issue?.code === 'invalid_union' ? issue.errors.flat().at(-1) : issue;
  return inner?.message ?? 'not valid';
}

function unknownSetting(file: string, name: string): CofferError {
  const nearest = nearestName(name, names);
  return configError(
    `${file}: unknown setting ${name.slice(0, 80)}`,
    nearest === undefined ? `Known: ${names.join(', ')}.` : `Did you mean ${nearest}?`,
  );
}

function configError(message: string, hint?: string, cause?: unknown): CofferError {
  return new CofferError('CONFIG', message, { ...(hint !== undefined && { hint }), cause });
}
