/** The client of the raw TLS copy: `PORT CA put NAME FOLDER` sends all files of a folder in a row, `PORT CA get NAME FILE` fetches. */
import { once } from 'node:events';
import { createReadStream, createWriteStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { connect } from 'node:tls';

const [port, ca = '', verb = '', name = '', local = ''] = process.argv.slice(2);
const pieceBytes = 1024 * 1024;
/** Files up to this are read in one call, as any tool that cares does. */
const wholeBytes = 256 * 1024;

const socket = connect({ port: Number(port), host: '127.0.0.1', ca: readFileSync(ca) });
await once(socket, 'secureConnect');
socket.write(`${verb} ${name}\n`);
if (verb === 'get') {
  await pipeline(socket, createWriteStream(local, { highWaterMark: pieceBytes }));
  socket.end();
} else {
  for await (const piece of readAll(local)) if (!socket.write(piece)) await once(socket, 'drain');
  socket.end();
  let reply = '';
  for await (const piece of socket) reply += String(piece);
  if (reply !== 'done\n') process.exitCode = 1;
}

async function* readAll(folder: string): AsyncGenerator<Buffer> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (statSync(path).size <= wholeBytes) yield readFileSync(path);
    else for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) yield piece as Buffer;
  }
}
