/** Commands of the command line that no screen has, and why. */
export const onlyCommands: Readonly<Record<string, string>> = {
  serve: 'runs the server',
  'admin init': "makes a server's keys, on its machine",
  'admin certificates': 'on the machine of the server',
  'admin check': 'on the machine of the server',
  'admin rebuild-index': 'on the machine of the server',
  'admin restore': 'on the machine of the server',
  'admin user add': 'makes keys with the authority, on its machine; `a` invites instead',
  'admin user certify': 'needs the authority, on its machine',
  'admin activity': 'sums up what the log holds of an account; `/` in the log shows its lines',
  login: 'the first run asks for it',
  completion: 'for the shell',
  ui: 'is this',
  register: 'the first run asks for it',
  'password reset-request': 'by command, on a machine where nobody is signed in',
  'password reset': 'by command, on the machine that asked',
};
