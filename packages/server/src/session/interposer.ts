import type { Handlers, Transport } from '@coffer/protocol';

/**
 * Stands where a dishonest operator stands: between the clients and an honest server, with its keys. Only tests make one;
 * no setting reaches it.
 */
export interface Interposer {
  /** Gets all handlers, gives those that are called. */
  readonly handlers?: <Context>(honest: Handlers<Context>) => Handlers<Context>;
  /** Gets each connection below its frames, gives what the protocol talks over. */
  readonly transport?: (honest: Transport) => Transport;
}
