export { loadServerConfig } from './config/load-server-config.ts';
export type { ConfigOrigin, ConfigSources, LoadedServerConfig } from './config/load-server-config.ts';
export { LogLevel, ServerConfig } from './config/server-config.ts';
export { environmentName, settingNames } from './config/setting-names.ts';
export { OpaqueServer } from './login/opaque-server.ts';
export type { LoginStart, OpaqueServerOptions } from './login/opaque-server.ts';
export { readOpaqueSetup, writeOpaqueSetup } from './login/opaque-setup.ts';
export { loadTlsCredentials } from './net/tls-credentials.ts';
export type { TlsCredentials } from './net/tls-credentials.ts';
