// Loaded before the emulator (node --require). Standard input is a pipe that only the parent process holds open, so it
// ends however the parent ended, SIGKILL included. SIGTERM to ourselves lets the emulator save what it has in memory;
// should somebody's open connection hold it up, it is ended all the same.
process.stdin.on("close", () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.kill(process.pid, "SIGKILL"), 3000).unref();
});
process.stdin.resume();
process.stdin.unref(); // listening to it must not keep the process from ending by itself
