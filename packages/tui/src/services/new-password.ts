import type { Ui } from '../app/ui.ts';

/** Where new passwords come from, and what will do. */
export interface NewPasswords {
  /** A passphrase of six words, made now. */
  readonly suggest: () => string;
  /** Why it will not do; undefined when it will. */
  readonly problemOf: (password: string) => string | undefined;
}

/**
 * A password that a person chooses: a passphrase that is offered and typed once more, so that it is known to be written down, or one
 * of their own, typed twice. Undefined when they left it.
 */
export async function askNewPassword(
  ui: Pick<Ui, 'ask' | 'choose'>,
  passwords: NewPasswords,
  title: string,
): Promise<string | undefined> {
  for (;;) {
    const suggested = passwords.suggest();
    const chosen = await ui.choose({
      title,
      choices: [
        { label: suggested, detail: 'made just now: write it down', value: 'suggested' as const },
        { label: 'one of your own', detail: '12 characters at least', value: 'own' as const },
      ],
    });
    if (chosen === undefined) return undefined;
    const password = chosen === 'suggested' ? suggested : await askOwn(ui, passwords);
    if (password !== undefined && (await isTypedAgain(ui, password))) return password;
  }
}

async function askOwn(ui: Pick<Ui, 'ask'>, { problemOf }: NewPasswords): Promise<string | undefined> {
  return await ui.ask({ title: 'The new password', isSecret: true, check: problemOf });
}

async function isTypedAgain(ui: Pick<Ui, 'ask'>, password: string): Promise<boolean> {
  const again = await ui.ask({
    title: 'Type it once more',
    isSecret: true,
    hint: 'it is not shown again; Esc chooses another',
    check: (text) => (text === password ? undefined : 'this is another one'),
  });
  return again !== undefined;
}
