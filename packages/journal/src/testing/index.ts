export { testRandom, testSigningKey } from './test-keys.ts';
export type { TestSigningKey } from './test-keys.ts';
export { TestAccount } from './test-account.ts';
export type { EnrollOptions, TestDevice } from './test-account.ts';
export { TestVault } from './test-vault.ts';
export type { TestCommit, TestVaultOptions } from './test-vault.ts';
export { filePut, putRef } from './test-files.ts';
export type { FilePut, FilePutOptions } from './test-files.ts';
