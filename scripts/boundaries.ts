import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import type { SourceFacts } from './source-facts.ts';

/** What each package may import: the table of docs/ARCHITECTURE.md. A package that is not listed may not exist. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  journal: ['core'],
  crypto: ['core', 'journal'],
  protocol: ['core', 'journal'],
  storage: ['core', 'journal'],
  server: ['core', 'journal', 'protocol', 'storage'],
  client: ['core', 'journal', 'crypto', 'protocol'],
  sync: ['core', 'client'],
  tui: ['core', 'client', 'sync'],
  cli: ['core', 'journal', 'crypto', 'protocol', 'storage', 'server', 'client', 'sync', 'tui'],
  e2e: ['core', 'journal', 'crypto', 'protocol', 'storage', 'server', 'client', 'sync', 'tui', 'cli'],
};

/** End-to-end encryption is a property of the graph: what runs on the server cannot reach what holds keys. */
const keyless = ['server', 'storage', 'protocol', 'journal'];

/** These compute; sockets, files and processes belong to the packages above them. */
const pure = ['core', 'journal', 'crypto', 'protocol'];
const outside = [
  'fs',
  'fs/promises',
  'net',
  'tls',
  'http',
  'http2',
  'https',
  'dgram',
  'dns',
  'child_process',
  'sqlite',
];

/** Time, chance and the environment come in through dependencies; only these files may take them from the machine. */
const adapter = /(^|\/)(compose|main|system-[\w-]+)\.tsx?$/;
const vagueName = /(^|\/)(utils?|helpers?|common|misc)\.tsx?$/;

/** A source file: its path from the root with forward slashes, and what was read from it. */
export interface SourceFile {
  readonly path: string;
  readonly facts: SourceFacts;
}

/** The rules that `files` break, one line each; empty when the graph is as designed. */
export function findViolations(files: readonly SourceFile[], declared: DeclaredDependencies = {}): string[] {
  const sources = files.filter(({ path }) => inSources(path));
  return [
    ...files
      .filter(({ path }) => vagueName.test(path))
      .map(({ path }) => `${path}: the name says nothing about the content`),
    ...sources.flatMap((file) => violationsOf(file)),
    ...cipherViolations(sources),
    ...reachViolations(sources),
    ...Object.entries(declared).flatMap(([name, dependencies]) => declarationViolations(name, dependencies)),
  ];
}

/** Workspace packages that each package.json declares, without their scope. */
export type DeclaredDependencies = Readonly<Record<string, readonly string[]>>;

function violationsOf(file: SourceFile): string[] {
  const { path, facts } = file;
  const owner = packageOf(path);
  const found = facts.imports.flatMap((specifier) => importViolations({ path, owner, specifier }));
  if (facts.exportsAll) found.push('export * hides what the package offers');
  if (!adapter.test(path) && owner !== 'e2e')
    found.push(...facts.ambient.map((what) => `${what} belongs in an adapter`));
  return found.map((what) => `${path}: ${what}`);
}

function importViolations({ path, owner, specifier }: { path: string; owner: string; specifier: string }): string[] {
  if (specifier.startsWith('.')) {
    const target = join(dirname(path), specifier);
    return target.startsWith(`packages/${owner}/`) ? [] : [`${specifier} leaves the package: import it by its name`];
  }
  if (isBuiltin(specifier)) return builtinViolations(owner, specifier);
  const [scope, name = '', ...rest] = specifier.split('/');
  if (scope !== '@coffer') return [];
  const found: string[] = [];
  if (!(mayImport[owner] ?? []).includes(name)) found.push(`${owner} may not import ${name}`);
  if (rest.length > 0 && rest.join('/') !== 'testing') found.push(`${specifier} is a deep import`);
  if (rest[0] === 'testing' && owner !== 'e2e') found.push(`${specifier} is for tests`);
  return found;
}

function builtinViolations(owner: string, specifier: string): string[] {
  if (!specifier.startsWith('node:')) return [`${specifier} needs the node: prefix`];
  return pure.includes(owner) && outside.includes(specifier.slice('node:'.length))
    ? [`${owner} does no I/O: ${specifier}`]
    : [];
}

function cipherViolations(sources: readonly SourceFile[]): string[] {
  const users = sources.filter(({ facts }) => facts.usesCipher).map(({ path }) => path);
  if (users.length <= 1) return [];
  return [`createCipheriv and createDecipheriv appear in one file only, not in ${users.join(', ')}`];
}

/** Follows imports over any number of packages, so that a wrong table or a new package cannot open a way round. */
function reachViolations(sources: readonly SourceFile[]): string[] {
  const edges = new Map<string, Set<string>>();
  for (const { path, facts } of sources) {
    const targets = edges.get(packageOf(path)) ?? new Set();
    for (const specifier of facts.imports)
      if (specifier.startsWith('@coffer/')) targets.add(specifier.split('/')[1] ?? '');
    edges.set(packageOf(path), targets);
  }
  const cycles = [...edges.keys()]
    .filter((name) => pathBetween(edges, name, name))
    .map((name) => `${name} imports itself in a circle`);
  const leaks = keyless.map((name) => pathBetween(edges, name, 'crypto')).filter((way) => way !== undefined);
  return [...cycles, ...leaks.map((way) => `keys are within reach: ${way.join(' → ')}`)];
}

function pathBetween(edges: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): string[] | undefined {
  const ways = [[from]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way; way = ways.shift()) {
    for (const next of edges.get(way.at(-1) ?? '') ?? []) {
      if (next === to) return [...way, next];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

function declarationViolations(name: string, dependencies: readonly string[]): string[] {
  const allowed = mayImport[name];
  if (!allowed) return [`packages/${name}: not in the table of packages`];
  return dependencies
    .filter((other) => !allowed.includes(other))
    .map((other) => `packages/${name}/package.json: ${name} may not depend on ${other}`);
}

function packageOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Tests, benchmarks and fakes stand outside the table: they may reach for what they need. */
function inSources(path: string): boolean {
  return /^packages\/[^/]+\/src\//.test(path) && !/^packages\/[^/]+\/src\/testing\//.test(path);
}
