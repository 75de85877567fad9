import { z } from 'zod';
import { Flag, parseInput, Text, Texts } from '../arguments.ts';
import type { Command } from '../context.ts';
import { folderOf } from '../folders.ts';
import { issueCertificates } from '../provision/certificates.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({ certs: Text.optional(), host: Texts.default([]), renew: Flag }),
};

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const folder = folderOf(context, { given: options.certs, name: 'certs' });
  const issued = await issueCertificates({ folder, hosts: options.host, renew: options.renew, clock: context.clock });
  context.output.result({
    json: () => ({ ...issued, folder, expiresAt: new Date(issued.expiresAtMs).toISOString() }),
    text: () =>
      [
        issued.written.length === 0 ? 'everything is in order' : `written: ${issued.written.join(', ')}`,
        `server.pem: ${issued.hosts.join(', ')}; good until ${formatTime(issued.expiresAtMs)}`,
      ].join('\n'),
  });
  return undefined;
};
