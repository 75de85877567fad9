/** Facts of one log line. Never secrets, never plain names or content. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** What the packages below the entry points know about logging. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

const nothing = (): void => undefined;

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
