import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coffer } from '../../src/index.ts';
import type { Vault } from '../../src/index.ts';

interface With {
  readonly env?: Readonly<Record<string, string>>;
}

/** The administrator on a machine of their own, with the keys of a full device: an unattended one may not administrate. */
export class Administrator {
  readonly #coffer: Coffer;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(coffer: Coffer, env: Readonly<Record<string, string>>) {
    this.#coffer = coffer;
    this.#env = env;
  }

  static async logIn({ folder, admin }: Vault): Promise<Administrator> {
    const coffer = new Coffer(await folder.folder('administrator'));
    const file = join(coffer.home, 'password');
    writeFileSync(file, `${admin.password}\n`, { mode: 0o600 });
    const env = { COFFER_PASSWORD_FILE: file };
    const { exitCode, stderr } = await coffer.run(['login', admin.invite], { env });
    assert.equal(exitCode, 0, stderr);
    return new Administrator(coffer, env);
  }

  /** As {@link Coffer.json}. */
  async json<Result>(args: readonly string[], { env = {} }: With = {}): Promise<Result> {
    return await this.#coffer.json<Result>(args, { env: { ...this.#env, ...env } });
  }
}
