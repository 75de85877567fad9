/**
 * The code of an operating-system error, `ENOENT`; `unknown` for anything else. By shape, not by class: what Node's own
 * modules throw is an `Error` of another realm wherever code runs in a `vm` context.
 */
export function systemCode(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
}
