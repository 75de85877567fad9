export { createMemoryTransportPair } from './memory-transport.ts';
export type { MemoryTransport, MemoryTransportOptions } from './memory-transport.ts';
export { fakeHandlers } from './fake-handlers.ts';
