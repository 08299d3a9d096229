// Loaded into Verdaccio 9, a preview that answers the reader of a staged tarball twice when the reader is gone, and then
// ends with an uncaught ERR_HTTP_HEADERS_SENT. That one answer is lost all the same; the server goes on.
process.on("uncaughtException", (error) => {
  if (error.code !== "ERR_HTTP_HEADERS_SENT") throw error;
  console.error(error);
});
