/** The server of the raw TLS copy: `PORT CERTIFICATE KEY FOLDER`. A request is a line, `put NAME` or `get NAME`. */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';

const [port, certificate = '', key = '', folder = ''] = process.argv.slice(2);
/** Large enough that the calls do not count; what Coffer hands over too. */
const pieceBytes = 1024 * 1024;

createServer(
  { cert: readFileSync(certificate), key: readFileSync(key), minVersion: 'TLSv1.3', allowHalfOpen: true },
  (socket) => void serve(socket).catch(() => socket.destroy()),
).listen(Number(port), '127.0.0.1');

async function serve(socket: TLSSocket): Promise<void> {
  const [verb, name = ''] = (await readLine(socket)).split(' ');
  const path = join(folder, name);
  if (verb === 'get') return await pipeline(createReadStream(path, { highWaterMark: pieceBytes }), socket);
  await pipeline(socket, createWriteStream(path, { highWaterMark: pieceBytes }), { end: true });
  socket.end('done\n');
}

async function readLine(socket: TLSSocket): Promise<string> {
  let line = Buffer.alloc(0);
  for (;;) {
    await new Promise((resolve, reject) => {
      socket.once('readable', resolve);
      socket.once('error', reject);
    });
    for (let piece = socket.read() as Buffer | null; piece !== null; piece = socket.read() as Buffer | null) {
      line = Buffer.concat([line, piece]);
      const end = line.indexOf(10);
      if (end === -1) continue;
      socket.unshift(line.subarray(end + 1));
      return line.subarray(0, end).toString();
    }
  }
}
