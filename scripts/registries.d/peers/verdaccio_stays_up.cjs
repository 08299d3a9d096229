// Loaded into Verdaccio 9, a preview that looks up the size of a staged tarball while it already sends it, and ends itself
// with an uncaught ERR_HTTP_HEADERS_SENT when it learns the size too late. The answer is complete all the same. Verdaccio
// ends itself in a listener of its own, which only this callback keeps from being called.
process.setUncaughtExceptionCaptureCallback((error) => {
  console.error(error);
  if (error.code !== "ERR_HTTP_HEADERS_SENT") process.exit(1);
});
