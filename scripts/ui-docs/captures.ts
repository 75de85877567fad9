import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AtTerminal, startVault } from '../../packages/e2e/src/index.ts';
import type { Vault } from '../../packages/e2e/src/index.ts';

/** What the screens of a small vault show, as Markdown blocks by their names in docs/TUI.md. */
export async function captureScreens(): Promise<Readonly<Record<string, string>>> {
  await using vault = await startVault();
  const folder = await fill(vault);
  const captures: Record<string, string> = {};
  await using person = new AtTerminal(['ui'], vault.user.device.home, { cols: 100, rows: 20, cwd: folder });
  const capture = async (name: string): Promise<void> => {
    await person.settles();
    captures[`screen:${name}`] = block(await person.rows(), vault);
  };
  await person.shows(/online/);
  person.resize(114, 18);
  person.type('\r');
  await person.shows(/January/);
  await capture('files');
  person.resize(100, 18);
  person.type('h');
  await person.shows(/> +reports/);
  person.type('u');
  await person.shows(/Upload to/);
  await capture('upload');
  person.type('photos');
  await person.shows(/> photos/);
  person.type('\t\r');
  await person.shows(/photos\//);
  person.type('2');
  await person.shows(/✓ done/);
  await capture('transfers');
  person.type('1/notes\r');
  await person.shows(/filter "notes"/);
  person.type('H');
  await person.shows(/v2[^]*v1/);
  await capture('versions');
  person.type('h[[');
  await person.shows(/change \d+ of/);
  await capture('slider');
  person.type('7');
  await person.shows(/what is kept/);
  await capture('settings');
  person.type(':');
  await person.shows(/Do what/);
  await capture('palette');
  return { ...captures, ...(await capturePeople(vault)) };
}

/** What somebody shares, and what is shared with them. */
async function capturePeople(vault: Vault): Promise<Readonly<Record<string, string>>> {
  const [owner, member] = await Promise.all([vault.addPerson('owner'), vault.addPerson('member')]);
  for (const folder of ['/plans', '/photos']) {
    await owner.device.run(['mkdir', folder]);
    await owner.device.run(['share', folder, 'member', ...(folder === '/photos' ? ['--write'] : [])]);
  }
  await owner.device.run(['team', 'create', 'choir']);
  await owner.device.run(['team', 'add', 'choir', 'member']);
  await owner.device.run(['share', '/photos', 'team:choir']);
  await member.device.run(['mkdir', '/minutes']);
  await member.device.run(['share', '/minutes', 'owner']);
  const env = { COFFER_PASSWORD_FILE: `${owner.device.home}.password` };
  await using person = new AtTerminal(['ui'], owner.device.home, { cols: 100, rows: 15, env });
  await person.shows(/online/);
  person.type('4');
  await person.shows(/minutes/);
  await person.settles();
  const sharing = block(await person.rows(), vault);
  return { 'screen:sharing': sharing, 'screen:admin': await captureAdmin(vault) };
}

/** The accounts of the server. */
async function captureAdmin(vault: Vault): Promise<string> {
  const { home } = await vault.ownDevice(vault.admin);
  const env = { COFFER_PASSWORD_FILE: `${home}.password` };
  await using person = new AtTerminal(['ui'], home, { cols: 100, rows: 15, env });
  await person.shows(/online/);
  person.type('8');
  await person.shows(/owner/);
  person.type('j');
  await person.shows(/> member/);
  await person.settles();
  return block(await person.rows(), vault);
}

async function fill(vault: Vault): Promise<string> {
  const folder = vault.folder.join('home');
  mkdirSync(join(folder, 'reports'), { recursive: true });
  mkdirSync(join(folder, 'photos'));
  writeFileSync(join(folder, 'reports', 'q1.csv'), 'month,income,costs\nJanuary,1200,800\nFebruary,1350,790\n');
  writeFileSync(join(folder, 'reports', 'q3.txt'), 'The third quarter\n\nIncome rose by a tenth.\n');
  writeFileSync(join(folder, 'photos', 'cat.jpg'), Buffer.alloc(250_000, 'not really a picture '));
  writeFileSync(join(folder, 'notes.txt'), 'buy milk\n');
  const { device } = vault.user;
  await device.run(['put', join(folder, 'notes.txt'), join(folder, 'reports'), '/']);
  writeFileSync(join(folder, 'notes.txt'), 'buy milk and bread\n');
  await device.run(['put', join(folder, 'notes.txt'), '/']);
  return folder;
}

/** Names that change from run to run are those of the examples. */
function block(rows: readonly string[], vault: Vault): string {
  const port = /:(\d+)/.exec(vault.daemon.address)?.[1] ?? '';
  const text = rows
    .join('\n')
    .replaceAll(`:${port}`, `:${'7443'.padEnd(port.length)}`)
    .replaceAll(/user-[0-9a-f]{8}/g, 'laptop       ')
    .replaceAll(vault.folder.path, '/tmp/alice'.padEnd(vault.folder.path.length));
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
}
