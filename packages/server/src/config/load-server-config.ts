import { readFile } from 'node:fs/promises';
import { CofferError, environmentName, nearestName } from '@coffer/core';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { ServerConfig } from './server-config.ts';
import { settingNames } from './setting-names.ts';

/** Where an effective value comes from; later ones win. */
export type ConfigOrigin = 'default' | 'file' | 'environment' | 'flag';

export interface ConfigSources {
  /** A YAML file. A file that is named but missing is an error. */
  readonly file?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By dotted name, `{'listen.port': 7444}`; `undefined` means not given. */
  readonly flags?: Readonly<Record<string, string | number | boolean | undefined>>;
}

export interface LoadedServerConfig {
  readonly config: ServerConfig;
  /** By dotted name. */
  readonly origins: ReadonlyMap<string, ConfigOrigin>;
}

/** A configuration larger than this is not one; it also bounds what the YAML parser sees. */
const maxFileBytes = 256 * 1024;

/**
 * Flag > environment > file > default, checked as a whole.
 * @throws CONFIG naming the setting, and the nearest known one for an unknown name
 */
export async function loadServerConfig(sources: ConfigSources): Promise<LoadedServerConfig> {
  const origins = new Map<string, ConfigOrigin>(settingNames().map((name) => [name, 'default']));
  const merged: Record<string, unknown> = {};
  const put = (origin: ConfigOrigin, name: string, value: unknown): void => {
    setSetting(merged, name, value);
    origins.set(name, origin);
  };
  if (sources.file !== undefined) await readConfigFile(sources.file, (name, value) => put('file', name, value));
  readEnvironment(sources.environment, (name, value) => put('environment', name, value));
  for (const [name, value] of Object.entries(sources.flags ?? {})) if (value !== undefined) put('flag', name, value);
  return { config: checkConfig(merged), origins };
}

type Put = (name: string, value: unknown) => void;

async function readConfigFile(file: string, put: Put): Promise<void> {
  const sections = parseYaml(file, await readText(file));
  for (const [name, value] of Object.entries(sections)) {
    if (isPlainObject(value)) for (const [key, inner] of Object.entries(value)) put(`${name}.${key}`, inner);
    else if (value !== null) put(name, value);
  }
}

async function readText(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    if (text.length > maxFileBytes) throw configError(`${file} is larger than a configuration can be`);
    return text;
  } catch (cause) {
    if (cause instanceof CofferError) throw cause;
    throw configError(
      `the configuration ${file} cannot be read`,
      'Check the path given with --config and its permissions.',
      cause,
    );
  }
}

function parseYaml(file: string, text: string): Record<string, unknown> {
  // The core schema has no custom tags, and no aliases means no billion laughs.
  const document = parseDocument(text, { schema: 'core', uniqueKeys: true, prettyErrors: true });
  const problem = document.errors[0];
  if (problem) throw configError(`${file} is not valid YAML: ${firstLine(problem.message)}`);
  const value: unknown = toPlain(document, file);
  if (value === null || value === undefined) return {};
  if (!isPlainObject(value))
    throw configError(`${file} holds no settings`, 'Write sections like "listen:" with keys below.');
  return value;
}

function toPlain(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw configError(`${file} is not valid YAML: aliases are not allowed`, undefined, cause);
  }
}

/** Names outside our sections belong to the client or to nobody; a misspelt one inside them must not pass silently. */
function readEnvironment(environment: ConfigSources['environment'], put: Put): void {
  const names = new Map(settingNames().map((name) => [environmentName(name), name]));
  const sections = new Set(
    [...names.values()].filter((name) => name.includes('.')).map((name) => environmentName(name.split('.')[0] ?? '')),
  );
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || value === '') continue;
    const name = names.get(variable);
    if (name !== undefined) put(name, value);
    else if ([...sections].some((section) => variable.startsWith(`${section}_`)))
      throw unknownSetting(variable, [...names.keys()]);
  }
}

function setSetting(target: Record<string, unknown>, name: string, value: unknown): void {
  const [section = '', ...rest] = name.split('.');
  if (rest.length === 0) target[section] = value;
  else {
    const members = isPlainObject(target[section]) ? target[section] : {};
    target[section] = { ...members, [rest.join('.')]: value };
  }
}

function checkConfig(merged: Record<string, unknown>): ServerConfig {
  const result = ServerConfig.safeParse(merged);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw issue === undefined ? configError('the configuration is not valid') : issueError(issue);
}

function issueError(issue: z.core.$ZodIssue): CofferError {
  const path = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return configError(`${path}: ${describeIssue(issue)}`);
  const name = [path, issue.keys[0]].filter(Boolean).join('.');
  return unknownSetting(name, path === '' ? Object.keys(ServerConfig.shape) : settingNames());
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union') return firstLine(issue.message);
  const inner = issue.errors.flat().map((each) => firstLine(each.message));
  return inner.length === 0 ? firstLine(issue.message) : [...new Set(inner)].join(', or ');
}

function unknownSetting(name: string, known: readonly string[]): CofferError {
  const nearest = nearestName(name, known);
  return configError(
    `unknown setting ${name.slice(0, 80)}`,
    nearest === undefined ? undefined : `Did you mean ${nearest}?`,
  );
}

function configError(
  message: string,
  hint = 'See the table of settings in docs/OPERATIONS.md.',
  cause?: unknown,
): CofferError {
  return new CofferError('CONFIG', message, { hint, ...(cause === undefined ? {} : { cause }) });
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.slice(0, 200) ?? '';
}
