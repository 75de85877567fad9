import { writeSync } from 'node:fs';

/** Closes a test run with one plain line that any tool can read: `N passed, N failed, N skipped`. */
export default class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `\n${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`;
    // The other reporters hold output back; at the exit all of theirs is out, and this stands last.
    process.once('exit', () => writeSync(1, line));
  }
}
