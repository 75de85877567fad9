import { formatSize } from '@coffer/core';
import type { Choice } from '../app/dialog.ts';
import { shown } from '../terminal/text.ts';
import type { Services } from './services.ts';

type Picked = { readonly kind: 'go'; readonly folder: string } | { readonly kind: 'take'; readonly path: string };

/** Files and folders of this machine that the person chose; undefined when they left it. Begins in `start`. */
export async function pickLocal(
  { ui, local }: Pick<Services, 'ui' | 'local'>,
  { title, start, want }: { readonly title: string; readonly start: string; readonly want: 'anything' | 'folder' },
): Promise<readonly string[] | undefined> {
  let folder = start;
  for (;;) {
    const picked = await ui.chooseSome({
      title: `${title}: ${shown(folder)}${want === 'folder' ? '' : '  (Tab marks)'}`,
      choices: choicesIn({ local, folder, want }),
    });
    if (picked === undefined) return undefined;
    const [first] = picked.values;
    if (!picked.areMarked && first?.kind === 'go') folder = first.folder;
    else return picked.values.map((one) => (one.kind === 'go' ? one.folder : one.path));
  }
}

function choicesIn({
  local,
  folder,
  want,
}: {
  readonly local: Services['local'];
  readonly folder: string;
  readonly want: 'anything' | 'folder';
}): readonly Choice<Picked>[] {
  const above: Choice<Picked> = {
    label: '../',
    detail: 'the folder above',
    value: { kind: 'go', folder: local.parentOf(folder) },
    cannotMark: true,
  };
  const here: Choice<Picked> = {
    label: './',
    detail: 'this folder with all that is in it',
    value: { kind: 'take', path: folder },
    cannotMark: true,
  };
  return [here, above, ...itemsIn({ local, folder, want })];
}

function itemsIn({ local, folder, want }: Parameters<typeof choicesIn>[0]): Choice<Picked>[] {
  try {
    return local
      .list(folder)
      .filter(({ kind }) => want === 'anything' || kind === 'folder')
      .map(({ name, path, kind, size }) =>
        kind === 'folder'
          ? { label: `${shown(name)}/`, detail: 'Enter goes in, Tab marks', value: { kind: 'go', folder: path } }
          : {
              label: shown(name),
              detail: kind === 'file' ? formatSize(size) : 'link or special',
              value: { kind: 'take', path },
            },
      );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ label: reason, value: { kind: 'go', folder }, disabled: 'go up instead', cannotMark: true }];
  }
}
