import { jest } from '@jest/globals';

// A scenario starts real daemons and terminals. jest ignores the `testTimeout` of a project, so it is set here.
jest.setTimeout(60_000);
