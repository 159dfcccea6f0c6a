/** What is wrong with the results of a sweep, in words for people. */
export class ResultsError extends Error {}

/** Does a command's work; what goes wrong is one line on standard error and status 1, and a bug has a stack. */
export async function command(name, work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ResultsError) && error.syscall === undefined) throw error;
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
