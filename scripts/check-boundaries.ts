import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findViolations, type DeclaredDependencies } from './boundaries.ts';
import { readSourceFacts } from './source-facts.ts';

/** Checks the import graph of the whole repository; prints what breaks a rule and fails when anything does. */
const root = fileURLToPath(new URL('..', import.meta.url));

const files = globSync('packages/*/{src,test,bench}/**/*.{ts,tsx}', { cwd: root }).map((path) => ({
  path: path.replaceAll('\\', '/'),
  facts: readSourceFacts(readFileSync(new URL(path, `file://${root}`), 'utf8'), { tsx: path.endsWith('.tsx') }),
}));
const violations = findViolations(files, readDeclared());

for (const violation of violations) console.error(violation);
console.log(`${files.length} files, ${violations.length} broken boundaries`);
if (violations.length > 0) process.exitCode = 1;

function readDeclared(): DeclaredDependencies {
  const manifests = globSync('packages/*/package.json', { cwd: root });
  return Object.fromEntries(manifests.map((path) => [path.split(/[\\/]/)[1], workspaceDependencies(path)]));
}

function workspaceDependencies(path: string): string[] {
  const manifest = JSON.parse(readFileSync(new URL(path, `file://${root}`), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  // devDependencies serve tests, which may reach further; e2e has no other kind and is checked by its imports.
  return Object.keys(manifest['dependencies'] ?? {}).flatMap((name) =>
    name.startsWith('@coffer/') ? [name.slice('@coffer/'.length)] : [],
  );
}
