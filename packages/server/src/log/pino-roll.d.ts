declare module 'pino-roll' {
  import type { destination } from 'pino';

  interface PinoRollOptions {
    readonly file: string;
    readonly extension?: string;
    readonly frequency?: 'daily';
    readonly dateFormat?: string;
    /** A number is in MiB; text may carry `b`, `k`, `m` or `g`. */
    readonly size?: string | number;
    readonly limit?: { readonly count: number; readonly removeOtherLogFiles?: boolean };
    readonly mode?: number;
    /** Bytes that may wait to be written. */
    readonly maxLength?: number;
  }

  export default function build(options: PinoRollOptions): Promise<ReturnType<typeof destination>>;
}
