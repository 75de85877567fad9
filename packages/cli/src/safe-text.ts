export { safeText } from '@coffer/core';
