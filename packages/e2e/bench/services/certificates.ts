import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Coffer } from '../../src/index.ts';
import type { Certificates } from '../tool.ts';

/** An authority and a certificate for 127.0.0.1, made by Coffer's own command and used by every tool that speaks TLS. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  mkdirSync(folder, { mode: 0o700 });
  await new Coffer(folder).json(['admin', 'certificates', '--certs', folder, '--host', '127.0.0.1']);
  return { ca: join(folder, 'ca.pem'), certificate: join(folder, 'server.pem'), key: join(folder, 'server.key') };
}
