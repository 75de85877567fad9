export { makeTestCertificate, writeTestCertificates } from './test-certificate.ts';
export type { TestCertificate, TestCertificateOptions } from './test-certificate.ts';
