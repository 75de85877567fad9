import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cleanEnvironment, runProgram } from '../src/index.ts';

/** Also where daemons lie, which a person's PATH may lack. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Absolute path of a program that was found before. @throws Error when it is not there any more */
export function program(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** The line to print when programs are missing; `packages` are Debian's. Undefined when all are there. */
export function missingPrograms(names: readonly string[], packages: string): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(' and ')} not installed (Debian: apt-get install ${packages})`;
}

/** Runs a program that prepares something and must succeed. @throws Error with what it said */
export async function prepare(
  argv: readonly [string, ...string[]],
  options: { readonly home: string; readonly env?: Readonly<Record<string, string>>; readonly input?: string },
): Promise<string> {
  const env = { ...cleanEnvironment(options.home), ...options.env };
  const finished = await runProgram(argv, { env, ...(options.input !== undefined && { input: options.input }) });
  if (finished.exitCode === 0) return finished.stdout;
  throw new Error(
    `${argv.join(' ')}: exit code ${finished.exitCode}\n${finished.stderr}${finished.stdout}`.slice(0, 4000),
  );
}

/** Absolute path of an installed program. */
function findProgram(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
