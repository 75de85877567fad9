import { jest } from '@jest/globals';

// Generous: no test here measures time, and a machine that builds something else meanwhile must not fail one.
jest.setTimeout(30_000);
