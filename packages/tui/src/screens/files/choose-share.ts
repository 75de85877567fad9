import { formatPath } from '@coffer/client';
import type { IncomingShare } from '@coffer/client';
import type { Services } from '../../services/services.ts';

/** Asks which of the things that others share is to be opened. */
export async function chooseShare(
  { ui, shares }: Pick<Services, 'ui' | 'shares'>,
  open: (share: IncomingShare) => void,
): Promise<void> {
  if (!shares.store.state.isKnown) await ui.work('asking what is shared with you', () => shares.refresh());
  const { incoming, isKnown } = shares.store.state;
  if (incoming.length === 0)
    return ui.say(isKnown ? 'nobody shares anything with you' : 'the server has not answered', 'warning');
  const share = await ui.choose({
    title: 'What others share with you',
    canType: true,
    choices: incoming.map((one) => ({
      label: formatPath(['Shared', one.ownerName, one.name]),
      detail: one.role === 'read' ? 'you may read it' : 'you may change it',
      value: one,
    })),
  });
  if (share !== undefined) open(share);
}
