import { z } from 'zod';
import { ServerConfig } from './server-config.ts';

/** Every setting by its dotted name, `listen.port`; a setting without a section by its own. */
export function settingNames(): readonly string[] {
  return Object.entries(ServerConfig.shape).flatMap(([name, schema]) => {
    const members = sectionMembers(schema);
    return members === undefined ? [name] : members.map((member) => `${name}.${member}`);
  });
}

function sectionMembers(schema: z.ZodType): readonly string[] | undefined {
  const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : schema;
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : undefined;
}
