import { parseSync } from '@swc/core';

/** What the boundary rules need to know about one source file. */
export interface SourceFacts {
  /** Specifiers of every static, dynamic and type-only import and re-export. */
  readonly imports: readonly string[];
  readonly exportsAll: boolean;
  readonly usesCipher: boolean;
  /** Uses of the machine's clock, chance or environment, such as `Date.now`. */
  readonly ambient: readonly string[];
}

/** Reads the syntax tree, so that comments and strings count for nothing. */
export function readSourceFacts(source: string, { tsx = false }: { readonly tsx?: boolean } = {}): SourceFacts {
  const facts = { imports: [] as string[], exportsAll: false, usesCipher: false, ambient: [] as string[] };
  for (const node of nodesOf(parseSync(source, { syntax: 'typescript', tsx, target: 'es2024' }))) {
    const specifier = specifierOf(node);
    if (specifier !== undefined) facts.imports.push(specifier);
    if (node.type === 'ExportAllDeclaration') facts.exportsAll = true;
    if (node.type === 'Identifier' && ciphers.has(String(node['value']))) facts.usesCipher = true;
    const ambient = ambientOf(node);
    if (ambient !== undefined) facts.ambient.push(ambient);
  }
  return facts;
}

const ciphers = new Set(['createCipheriv', 'createDecipheriv']);
const ambientMembers = new Set(['Date.now', 'Math.random', 'process.env']);

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  if (isNode(value)) yield value;
  for (const child of Object.values(value)) yield* nodesOf(child);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function specifierOf(node: Node): string | undefined {
  if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type)) return literalOf(node['source']);
  if (node.type === 'TsImportType') return literalOf(node['argument']);
  if (node.type !== 'CallExpression' || !isNode(node['callee']) || node['callee'].type !== 'Import') return undefined;
  return literalOf((node['arguments'] as readonly { expression: unknown }[])[0]?.expression);
}

function literalOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'StringLiteral' ? String(node['value']) : undefined;
}

function ambientOf(node: Node): string | undefined {
  if (node.type === 'NewExpression' && nameOf(node['callee']) === 'Date' && isEmpty(node['arguments']))
    return 'new Date()';
  if (node.type !== 'MemberExpression') return undefined;
  const member = `${nameOf(node['object'])}.${nameOf(node['property'])}`;
  return ambientMembers.has(member) ? member : undefined;
}

function nameOf(node: unknown): string {
  return isNode(node) && node.type === 'Identifier' ? String(node['value']) : '';
}

function isEmpty(list: unknown): boolean {
  return !Array.isArray(list) || list.length === 0;
}
