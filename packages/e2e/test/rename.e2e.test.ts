import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { startVault } from '../src/index.ts';
import type { Coffer } from '../src/index.ts';

/** Each command is a process that opens a sealed keystore; the machine may be busy. */
const patienceMs = 400_000;

const put = (device: Coffer, path: string, text: string) => device.run(['put', '-', path, '--json'], { input: text });

const textAt = async (device: Coffer, path: string): Promise<string> => (await device.run(['cat', path])).stdout;

test(
  'who shares takes another name: it is read with a warning, written to again once the name is certified, and the old name is nobody',
  async () => {
    await using vault = await startVault();
    const [alice, bob] = await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')]);
    await bob.device.json(['mkdir', '/docs']);
    await put(bob.device, '/docs/plan.txt', 'the plan');
    await bob.device.json(['share', '/docs', 'alice', '--write']);
    expect(await put(alice.device, '/Shared/bob/docs/from-alice.txt', 'hers')).toMatchObject({ exitCode: 0 });

    const renamed = await bob.device.run(['username', 'change', 'Robert']);
    expect(renamed.stdout).toContain('until an administrator certifies it');
    await expect(bob.device.json(['whoami'])).resolves.toMatchObject({ username: 'Robert' });
    expect(await textAt(bob.device, '/docs/from-alice.txt')).toBe('hers');

    // Nobody vouches for the new name: it stands with a mark, and nothing is sealed to whoever it may be.
    const [folder] = await alice.device.json<{ name: string }[]>(['ls', '/Shared']);
    expect(folder?.name).toMatch(/^robert~[0-9a-f]{8}$/);
    const marked = `/Shared/${folder?.name ?? ''}/docs`;
    const read = await alice.device.run(['cat', `${marked}/plan.txt`]);
    expect(read).toMatchObject({ exitCode: 0, stdout: 'the plan' });
    expect(read.stderr).toContain('the keys of robert, who shares this, are not those that this device knew');
    const refused = await put(alice.device, `${marked}/more.txt`, 'for whom?');
    expect(refused).toMatchObject({ exitCode: 6, error: { code: 'NOT_ALLOWED' } });
    expect(await alice.device.run(['ls', '/Shared/bob/docs', '--json'])).toMatchObject({ exitCode: 4 });
    await alice.device.json(['mkdir', '/mine']);
    for (const name of ['robert', 'bob'])
      expect(await alice.device.run(['share', '/mine', name, '--json'])).toMatchObject({
        exitCode: name === 'bob' ? 4 : 6,
        error: { hint: expect.any(String) },
      });
    await expect(alice.device.json(['shares'])).resolves.toHaveLength(1);

    // The administrator compares words on the machine with the authority's key, and certifies the name that it is now.
    const { machine, admin } = vault;
    const desk = (args: readonly string[]) =>
      machine.run([...args, '--json'], { env: { COFFER_PASSWORD_FILE: `${machine.home}.password` } });
    const login = ['login', admin.invite, '--password-stdin', '--keystore', 'password', '--device-name', 'desk'];
    expect(await machine.run([...login, '--json'], { input: `${admin.password}\n` })).toMatchObject({
      exitCode: 0,
    });
    writeFileSync(`${machine.home}.password`, `${admin.password}\n`, { mode: 0o600 });
    expect(await desk(['admin', 'user', 'show', 'robert'])).toMatchObject({ json: { certified: false } });
    expect(await desk(['admin', 'user', 'certify', 'robert'])).toMatchObject({
      exitCode: 6,
      error: { code: 'NOT_ALLOWED', hint: expect.stringContaining('verify-person') },
    });
    expect(await desk(['verify-person', 'robert', '--yes'])).toMatchObject({ exitCode: 0 });
    expect(await desk(['admin', 'user', 'certify', 'robert'])).toMatchObject({ exitCode: 0 });
    expect(await desk(['admin', 'user', 'show', 'robert'])).toMatchObject({ json: { certified: true } });

    expect(await put(alice.device, '/Shared/robert/docs/more.txt', 'for robert')).toMatchObject({ exitCode: 0 });
    expect(await textAt(bob.device, '/docs/more.txt')).toBe('for robert');
    expect((await alice.device.run(['cat', '/Shared/robert/docs/plan.txt'])).stderr).toBe('');
    await alice.device.json(['share', '/mine', 'robert']);
    await expect(bob.device.json(['shares'])).resolves.toContainEqual(
      expect.objectContaining({ path: '/Shared/alice/mine', owner: 'alice' }),
    );
  },
  patienceMs,
);
