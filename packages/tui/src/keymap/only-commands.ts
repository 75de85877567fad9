/** Commands of the command line that no screen has, and why; by their beginning. */
export const onlyCommands: Readonly<Record<string, string>> = {
  serve: 'runs the server',
  admin: 'the server and its accounts, by its administrator',
  login: 'the first run asks for it',
  ui: 'is this',
  du: 'the plan of `d` counts what is below, Settings shows the sums',
  register: 'by command, before the first run',
  password: 'by command',
  username: 'by command',
  device: 'Settings lists devices; the rest by command',
  team: 'by command',
};
